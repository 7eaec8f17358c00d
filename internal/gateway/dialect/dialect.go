// Package dialect knows the wire formats of LLM providers: which endpoints
// there are, how an error is written and read, and what an event of a stream
// means. It decides nothing about circuits and imports nothing of the rest of
// the project.
package dialect

import (
	"github.com/tidwall/gjson"
)

// Dialect is a provider's wire format.
type Dialect uint8

// The dialects.
const (
	// OpenAI is the OpenAI API: chat completions, completions, embeddings and
	// responses.
	OpenAI Dialect = iota
	// Anthropic is the Anthropic Messages API.
	Anthropic
	// HTTP is anything else; bodies are passed on as they are.
	HTTP
)

// String returns the dialect's name as the API spells it.
func (d Dialect) String() string {
	switch d {
	case OpenAI:
		return "OpenAI"
	case Anthropic:
		return "Anthropic"
	default:
		return "HTTP"
	}
}

// Endpoint is one operation of a dialect.
type Endpoint struct {
	Dialect Dialect
	// Path follows the base URL that the dialect's official SDK is given.
	Path string
	// answer is the key that every whole unstreamed answer has.
	answer string
	// newJudge makes the judge of a streamed answer of so many choices; nil
	// where the endpoint does not stream.
	newJudge func(choices int) Judge
	// newTranscript makes the transcript of a streamed answer; nil where another
	// backend could not go on with it.
	newTranscript func() Transcript
}

// endpoints holds what is served below /v1, by the rest of the path.
var endpoints = map[string]*Endpoint{
	"/chat/completions": {OpenAI, "/chat/completions", "choices", newChatJudge, newChatTranscript},
	"/completions":      {OpenAI, "/completions", "choices", newChatJudge, nil},
	"/responses":        {OpenAI, "/responses", "output", newResponsesJudge, nil},
	"/embeddings":       {OpenAI, "/embeddings", "data", nil, nil},
	"/messages":         {Anthropic, "/v1/messages", "content", newMessagesJudge, newMessagesTranscript},
}

// Lookup returns the endpoint that is served under a path below /v1
// ("/chat/completions"), or nil.
func Lookup(path string) *Endpoint { return endpoints[path] }

// Streams reports whether the endpoint can answer with a stream of events.
func (e *Endpoint) Streams() bool { return e.newJudge != nil }

// NewJudge returns a judge for the streamed answer to a request. The endpoint
// must stream.
func (e *Endpoint) NewJudge(r Request) Judge { return e.newJudge(max(r.Choices, 1)) }

// ReadAnswer looks at the whole body of an unstreamed 200. It may be an answer
// of the endpoint, a JSON object with the part that clients read; or tell an
// error, which some providers do with a 200; or be neither.
func (e *Endpoint) ReadAnswer(body []byte) (told Error, tokens Tokens, isError, isAnswer bool) {
	if !valid(body) {
		return Error{}, Tokens{}, false, false
	}
	var cost tally
	gjson.Parse(text(body)).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case e.answer:
			isAnswer = v.IsArray()
		case "error":
			told, isError = parseErrorValue(v)
		case "usage":
			cost.read(v)
		}
		return true
	})
	return told, cost.Tokens(), isError, isAnswer
}
