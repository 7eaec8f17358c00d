package gateway

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// The codes of the gateway's own errors, in the body and in the header
// x-switchgear-error.
const (
	codeCircuitOpen        = "circuit_open"
	codeBulkheadFull       = "bulkhead_full"
	codeBulkheadTimeout    = "bulkhead_timeout"
	codeOverloaded         = "overloaded"
	codeUpstreamTimeout    = "upstream_timeout"
	codeUpstreamDown       = "upstream_unavailable"
	codeCredentialRejected = "upstream_credential_rejected"
	codeQuotaExhausted     = "upstream_quota_exhausted"
	codeModelNotFound      = "model_not_found"
	codeNoRoute            = "no_route"
	codeMethodNotAllowed   = "method_not_allowed"
	codeBodyTooLarge       = "body_too_large"
	codeBodyTimeout        = "body_timeout"
	codeInvalidBody        = "invalid_body"
	codeInvalidHeader      = "invalid_header"
	codeInvalidQuery       = "invalid_query"
	codeBypassNotAllowed   = "bypass_not_allowed"
	codeUnsupported        = "unsupported_endpoint"
	codeInexpressible      = "unsupported_parameter"
)

// The headers that the gateway sets on a response.
const (
	headerRoute     = "X-Switchgear-Route"
	headerBackend   = "X-Switchgear-Backend"
	headerAttempts  = "X-Switchgear-Attempts"
	headerCircuit   = "X-Switchgear-Circuit"
	headerDropped   = "X-Switchgear-Dropped"
	headerError     = "X-Switchgear-Error"
	headerRequestID = "X-Request-Id"
	headerNoRetry   = "X-Should-Retry"

	// headerAnthropicVersion is what every client of Anthropic's sends.
	headerAnthropicVersion = "Anthropic-Version"
)

// apiError is an error of the gateway's own making.
type apiError struct {
	status     int
	code       string
	message    string
	param      string
	retryAfter time.Duration // 0: no Retry-After
}

// write answers with the error in the caller's dialect, and tells SDKs not to
// try again on their own: without it they sleep through Retry-After, and
// failing fast is not fast.
func (e *apiError) write(w http.ResponseWriter, d dialect.Dialect) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set(headerError, e.code)
	h.Set(headerNoRetry, "false")
	if e.retryAfter > 0 {
		h.Set("Retry-After", retryAfterSeconds(e.retryAfter))
	}
	body := dialect.ErrorBody(d, e.status, e.code, e.message, e.param)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.status)
	_, _ = w.Write(body) // a client that has left needs no answer
}

// retryAfterSeconds rounds up, so that nobody comes back too early.
func retryAfterSeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
