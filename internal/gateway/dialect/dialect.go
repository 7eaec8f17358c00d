// Package dialect knows the wire formats of LLM providers: which endpoints
// there are, how an error is written and read, and what an event of a stream
// means. It decides nothing about circuits and imports nothing of the rest of
// the project.
package dialect

import "unsafe"

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
	// newJudge makes the judge of a streamed answer; nil where the endpoint
	// does not stream.
	newJudge func() Judge
}

// endpoints holds what is served below /v1, by the rest of the path.
var endpoints = map[string]*Endpoint{
	"/chat/completions": {OpenAI, "/chat/completions", newChatJudge},
	"/completions":      {OpenAI, "/completions", newChatJudge},
	"/responses":        {OpenAI, "/responses", newResponsesJudge},
	"/embeddings":       {OpenAI, "/embeddings", nil},
	"/messages":         {Anthropic, "/v1/messages", newMessagesJudge},
}

// Lookup returns the endpoint that is served under a path below /v1
// ("/chat/completions"), or nil.
func Lookup(path string) *Endpoint { return endpoints[path] }

// Streams reports whether the endpoint can answer with a stream of events.
func (e *Endpoint) Streams() bool { return e.newJudge != nil }

// NewJudge returns a judge for one streamed answer of the endpoint. It must
// stream.
func (e *Endpoint) NewJudge() Judge { return e.newJudge() }

// text views bytes as a string without a copy. The result lives no longer than
// the bytes stay unchanged.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
