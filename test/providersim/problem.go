package providersim

import (
	"fmt"
	"net/http"
)

// problem is an error as a provider words it.
type problem struct {
	dialect             dialect
	kind, code, message string
	id                  string
}

// problem is the error for a status, in the words of the dialect, where the
// fault does not have its own.
func (x *exchange) problem(status int) problem {
	p := problem{dialect: x.target.dialect, id: x.id("req_")}
	switch x.target.dialect {
	case dialectAnthropic:
		p.kind, p.message = anthropicError(status)
	default:
		p.kind, p.code, p.message = openAIError(status)
	}
	if x.fault.ErrorType != "" {
		p.kind, p.code = x.fault.ErrorType, ""
	}
	if x.fault.ErrorCode != "" {
		p.code = x.fault.ErrorCode
	}
	if x.fault.Message != "" {
		p.message = x.fault.Message
	}
	return p
}

// fail answers an error that is the client's doing, not a fault's.
func (x *exchange) fail(status int, message string) error {
	p := x.problem(status)
	p.message = message
	if p.code == "model_not_found" {
		p.code = "unknown_url" // Only paths are unknown here: every model is served.
	}
	return x.writeBody(status, "application/json", p.body())
}

func (p problem) body() []byte {
	switch p.dialect {
	case dialectAnthropic:
		return fmt.Appendf(nil, `{"type":"error","error":{"type":%s,"message":%s},"request_id":%s}`, quote(p.kind), quote(p.message), quote(p.id))
	default:
		return fmt.Appendf(nil, `{"error":{"message":%s,"type":%s,"param":null,"code":%s}}`, quote(p.message), quote(p.kind), quoteOrNull(p.code))
	}
}

// openAIError follows https://platform.openai.com/docs/guides/error-codes.
func openAIError(status int) (kind, code, message string) {
	switch status {
	case http.StatusUnauthorized:
		return "invalid_request_error", "invalid_api_key", "Incorrect API key provided."
	case http.StatusPaymentRequired:
		return "insufficient_quota", "insufficient_quota", "You exceeded your current quota."
	case http.StatusForbidden:
		return "invalid_request_error", "unsupported_country_region_territory", "Country, region, or territory not supported."
	case http.StatusNotFound:
		return "invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."
	case http.StatusTooManyRequests:
		return "requests", "rate_limit_exceeded", "Rate limit reached."
	}
	switch {
	case status >= 500 || status < 400:
		return "server_error", "", "The server had an error while processing your request."
	default:
		return "invalid_request_error", "", http.StatusText(status)
	}
}

// anthropicError follows https://docs.anthropic.com/en/api/errors.
func anthropicError(status int) (kind, message string) {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error", "invalid x-api-key"
	case http.StatusPaymentRequired:
		return "billing_error", "Your credit balance is too low."
	case http.StatusForbidden:
		return "permission_error", "Your API key does not have permission to use the specified resource."
	case http.StatusNotFound:
		return "not_found_error", "The requested resource could not be found."
	case http.StatusRequestEntityTooLarge:
		return "request_too_large", "Request exceeds the maximum size."
	case http.StatusTooManyRequests:
		return "rate_limit_error", "This request would exceed your rate limit."
	case http.StatusGatewayTimeout:
		return "timeout_error", "The request timed out."
	case http.StatusOK, 529:
		return "overloaded_error", "Overloaded"
	}
	switch {
	case status >= 500 || status < 400:
		return "api_error", "Internal server error"
	default:
		return "invalid_request_error", http.StatusText(status)
	}
}
