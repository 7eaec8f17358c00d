package dialect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// Operation is what OpenTelemetry's conventions for generative AI call the
// endpoint's operation (gen_ai.operation.name); empty where they have no word.
func (e *Endpoint) Operation() string {
	switch e.Path {
	case "/chat/completions", "/responses", "/v1/messages":
		return "chat"
	case "/completions":
		return "text_completion"
	case "/embeddings":
		return "embeddings"
	}
	return ""
}

// AnswerModel returns the model that an answer, or an event of a streamed one,
// says it is from; empty where it does not say.
func AnswerModel(data []byte) string {
	for _, path := range [...]string{"model", "message.model", "response.model"} {
		if m := gjson.Get(text(data), path); m.Type == gjson.String && m.Str != "" {
			return strings.Clone(m.Str)
		}
	}
	return ""
}
