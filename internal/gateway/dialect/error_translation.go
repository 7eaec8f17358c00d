package dialect

import (
	"net/http"
	"strings"
)

// overloaded is the status with which Anthropic says so.
const overloaded = 529

// Error returns a provider's error, with its status and what its body said, as
// the caller's dialect tells it. Where one dialect has no code and the other's
// clients look for it, the message serves.
func (t *Translation) Error(status int, told Error) (int, []byte) {
	if status == overloaded {
		status = http.StatusServiceUnavailable
	}
	if told.Message == "" {
		told.Message = "the provider gave no reason"
	}
	if t.From.Dialect == Anthropic {
		const tooLong = "prompt is too long"
		if told.Code == codeContextLength && !strings.Contains(told.Message, tooLong) {
			told.Message = tooLong + ": " + told.Message
		}
		return status, mustMarshal(anthropicError(status, told.Message))
	}
	return status, mustMarshal(openAIError(status, chatErrorCode(told), told.Message, ""))
}

const codeContextLength = "context_length_exceeded"

// chatErrorCode is the code by which OpenAI's clients know an error of
// Anthropic's; where OpenAI has none, it is Anthropic's type.
func chatErrorCode(e Error) string {
	switch {
	case strings.Contains(e.Message, "prompt is too long"):
		return codeContextLength
	case e.Type == "authentication_error":
		return "invalid_api_key"
	case e.Type == "not_found_error":
		return "model_not_found"
	case e.Type == "rate_limit_error":
		return "rate_limit_exceeded"
	case e.Type == "invalid_request_error", e.Type == "api_error":
		return ""
	}
	return e.Type
}
