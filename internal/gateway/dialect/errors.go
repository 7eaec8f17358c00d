package dialect

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"
)

// Error is what a provider said of a failure, as far as it said it.
type Error struct {
	Type, Code, Message string
}

// ParseError reads the error out of a body of either dialect: an object under
// "error", whatever stands beside it. The second result is false where there
// is none.
func ParseError(body []byte) (Error, bool) {
	if !valid(body) {
		return Error{}, false
	}
	return parseErrorValue(gjson.Get(text(body), "error"))
}

// parseErrorValue reads what stands under "error": an object or a mere text.
// Null, false and what is empty tell no error.
func parseErrorValue(e gjson.Result) (Error, bool) {
	switch {
	case !holdsSomething(e):
		return Error{}, false
	case e.IsObject():
		return parseErrorObject(e), true
	default:
		return Error{Message: strings.Clone(e.String())}, true
	}
}

func parseErrorObject(e gjson.Result) Error {
	return Error{
		Type:    strings.Clone(e.Get("type").String()),
		Code:    strings.Clone(e.Get("code").String()),
		Message: strings.Clone(e.Get("message").String()),
	}
}

// ErrorBody writes an error of the gateway's own as a body of the caller's
// dialect. A path route's caller gets OpenAI's form.
func ErrorBody(d Dialect, status int, code, message, param string) []byte {
	if d == Anthropic {
		return mustMarshal(anthropicError(status, message))
	}
	return mustMarshal(openAIError(status, code, message, param))
}

// RelayedErrorBody writes an error that a provider told inside a 200 as the
// body of a response of its own.
func RelayedErrorBody(d Dialect, status int, e Error) []byte {
	if d == Anthropic {
		b := anthropicError(status, e.Message)
		if e.Type != "" {
			b.Error.Type = e.Type
		}
		return mustMarshal(b)
	}
	b := openAIError(status, e.Code, e.Message, "")
	if e.Type != "" {
		b.Error.Type = e.Type
	}
	return mustMarshal(b)
}

// ErrorEvent writes an error as the last event of a stream of the endpoint,
// after so many others.
func ErrorEvent(e *Endpoint, after, status int, code, message string) []byte {
	switch {
	case e.Dialect == Anthropic:
		return event(errorEvent, mustMarshal(anthropicError(status, message)))
	case e.Path == "/responses":
		return event(errorEvent, mustMarshal(responsesError{
			openAIErrorBody: openAIError(status, code, message, ""),
			Type:            errorEvent, Code: code, Message: message, Sequence: after,
		}))
	default:
		return event("", mustMarshal(openAIError(status, code, message, "")))
	}
}

// RelayedErrorEvent writes an error that a provider answered with as the last
// event of a stream of the endpoint, after so many others.
func RelayedErrorEvent(e *Endpoint, after, status int, told Error) []byte {
	switch {
	case e.Dialect == Anthropic:
		return event(errorEvent, RelayedErrorBody(e.Dialect, status, told))
	case e.Path == "/responses":
		return ErrorEvent(e, after, status, told.Code, told.Message)
	default:
		return event("", RelayedErrorBody(e.Dialect, status, told))
	}
}

func event(name string, data []byte) []byte {
	var b []byte
	if name != "" {
		b = append(append(append(b, "event: "...), name...), '\n')
	}
	b = append(append(b, "data: "...), data...)
	return append(b, "\n\n"...)
}

type openAIErrorBody struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

// responsesError is the error event of /v1/responses. The reference has its
// fields at the top; the service sends them under "error", and that is what the
// official SDKs raise an exception for.
type responsesError struct {
	openAIErrorBody
	Type     string  `json:"type"`
	Code     string  `json:"code"`
	Message  string  `json:"message"`
	Param    *string `json:"param"`
	Sequence int     `json:"sequence_number"`
}

func openAIError(status int, code, message, param string) openAIErrorBody {
	var b openAIErrorBody
	b.Error.Message = message
	switch {
	case status == http.StatusTooManyRequests:
		b.Error.Type = "rate_limit_error"
	case status < http.StatusInternalServerError:
		b.Error.Type = "invalid_request_error"
	default:
		b.Error.Type = "server_error"
	}
	if code != "" {
		b.Error.Code = &code
	}
	if param != "" {
		b.Error.Param = &param
	}
	return b
}

type anthropicErrorBody struct {
	Type  string `json:"type"`
	Error struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
}

// anthropicError maps a status to the nearest type that the Messages API
// documents (docs.anthropic.com, "Errors"). Its body has no place for the code,
// which the x-switchgear-error header carries.
func anthropicError(status int, message string) anthropicErrorBody {
	b := anthropicErrorBody{Type: "error"}
	b.Error.Message = message
	switch status {
	case http.StatusUnauthorized:
		b.Error.Type = "authentication_error"
	case http.StatusForbidden:
		b.Error.Type = "permission_error"
	case http.StatusNotFound:
		b.Error.Type = "not_found_error"
	case http.StatusRequestEntityTooLarge:
		b.Error.Type = "request_too_large"
	case http.StatusTooManyRequests:
		b.Error.Type = "rate_limit_error"
	case http.StatusServiceUnavailable:
		b.Error.Type = "overloaded_error"
	case http.StatusGatewayTimeout:
		b.Error.Type = "timeout_error"
	default:
		b.Error.Type = "api_error"
		if status < http.StatusInternalServerError {
			b.Error.Type = "invalid_request_error"
		}
	}
	return b
}

// mustMarshal encodes a value of this package's own types, which always encode.
func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"error":{"message":"unprintable error"}}`)
	}
	return b
}
