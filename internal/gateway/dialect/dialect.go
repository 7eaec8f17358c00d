// Package dialect knows the wire formats of LLM providers: which endpoints
// there are, how an error is written and read, and what an event of a stream
// means. It decides nothing about circuits and imports nothing of the rest of
// the project.
package dialect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// Dialect is a provider's wire format.
type Dialect uint8

// The dialects.
const (
	// OpenAI is the OpenAI API.
	OpenAI Dialect = iota
	// Anthropic is the Anthropic API.
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
	// Other means that a request is no call of a model, and that the gateway knows no
	// more of the endpoint than its path.
	Other bool
	// named means that every request is JSON and names a model.
	named bool
	// answer is the key that every whole unstreamed answer has: a number if it
	// counts, a list otherwise. Without one, any text is an answer.
	answer string
	counts bool
	// sounds means that an answer is no text.
	sounds bool
	// newJudge makes the judge of a streamed answer of so many choices; nil
	// where the endpoint does not stream.
	newJudge func(choices int) Judge
	// newTranscript makes the transcript of a streamed answer; nil where another
	// backend could not go on with it.
	newTranscript func() Transcript
}

// endpoints holds the calls of models, by the path below /v1.
var endpoints = map[string]*Endpoint{
	"/chat/completions": {Path: "/chat/completions", named: true, answer: "choices", newJudge: newChatJudge, newTranscript: newChatTranscript},
	"/completions":      {Path: "/completions", named: true, answer: "choices", newJudge: newChatJudge},
	"/responses":        {Path: "/responses", answer: "output", newJudge: newResponsesJudge},
	"/embeddings":       {Path: "/embeddings", named: true, answer: "data"},

	"/responses/input_tokens": {Path: "/responses/input_tokens", answer: "input_tokens", counts: true},
	"/responses/compact":      {Path: "/responses/compact", answer: "output"},

	"/moderations": {Path: "/moderations", answer: "results"},

	"/images/generations":   {Path: "/images/generations", answer: "data"},
	"/images/edits":         {Path: "/images/edits", answer: "data"},
	"/images/variations":    {Path: "/images/variations", answer: "data"},
	"/audio/speech":         {Path: "/audio/speech", sounds: true},
	"/audio/transcriptions": {Path: "/audio/transcriptions"},
	"/audio/translations":   {Path: "/audio/translations"},

	"/messages":              {Dialect: Anthropic, Path: "/v1/messages", named: true, answer: "content", newJudge: newMessagesJudge, newTranscript: newMessagesTranscript},
	"/messages/count_tokens": {Dialect: Anthropic, Path: "/v1/messages/count_tokens", named: true, answer: "input_tokens", counts: true},
}

// Lookup returns the call of a model that is served under a path below /v1
// ("/chat/completions"), or nil.
func Lookup(path string) *Endpoint { return endpoints[path] }

// Elsewhere returns the endpoint under any other path below /v1. It is in
// Anthropic's dialect if the path or the client says so.
func Elsewhere(path string, anthropic bool) *Endpoint {
	if anthropic || strings.HasPrefix(path, "/messages/") {
		return &Endpoint{Dialect: Anthropic, Path: "/v1" + path, Other: true}
	}
	return &Endpoint{Dialect: OpenAI, Path: path, Other: true}
}

// Streams reports whether the endpoint can answer with a stream of events that
// have a meaning to the gateway.
func (e *Endpoint) Streams() bool { return e.newJudge != nil }

// Opaque reports whether an answer means nothing to the gateway and is passed on as
// it comes.
func (e *Endpoint) Opaque() bool { return e.Other || e.sounds }

// NewJudge returns a judge for the streamed answer to a request. The endpoint
// must stream.
func (e *Endpoint) NewJudge(r Request) Judge { return e.newJudge(max(r.Choices, 1)) }

// ReadAnswer looks at the whole body of an unstreamed 200. It may be an answer
// of the endpoint, a JSON object with the part that clients read; or tell an
// error, which some providers do with a 200; or be neither.
func (e *Endpoint) ReadAnswer(body []byte) (told Error, tokens Tokens, isError, isAnswer bool) {
	if !valid(body) {
		return Error{}, Tokens{}, false, e.answer == ""
	}
	var cost tally
	gjson.Parse(text(body)).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case e.answer:
			isAnswer = v.IsArray() && !e.counts || v.Type == gjson.Number && e.counts
		case "error":
			told, isError = parseErrorValue(v)
		case "usage":
			cost.read(v)
		}
		return true
	})
	return told, cost.Tokens(), isError, isAnswer || e.answer == ""
}
