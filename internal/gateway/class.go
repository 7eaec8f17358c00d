package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// Class says how an attempt ended. There is one table of classes, this file.
type Class uint8

// The classes, and what each means to the circuit. Which of them the same or
// the next backend can make good for is told below: repeats, FallbackClasses.
const (
	// Success: a whole answer.
	Success Class = iota
	// ServerError: a status of failureStatusCodes, or an error of that kind
	// inside a 200. A failure.
	ServerError
	// ConnectionError: DNS, dial, TLS, reset, or closed before the status line.
	// A failure.
	ConnectionError
	// Timeout: the connect, attempt or first-token limit. A failure.
	Timeout
	// InvalidResponse: a 200 that is not the dialect's, or shorter than its
	// length; a redirect. A failure.
	InvalidResponse
	// StreamError: cut, stalled or unfinished after the first token. A failure.
	StreamError
	// RateLimited: a 429, or its like inside a stream. What rateLimit.action says.
	RateLimited
	// QuotaExhausted: 402 and the billing codes. Opens the circuit for as long
	// as it may be open at all.
	QuotaExhausted
	// CredentialRejected: 401 or 403 on the gateway's own credential. A failure.
	CredentialRejected
	// ModelUnavailable: 404 or 410. Ignored.
	ModelUnavailable
	// ContextLengthExceeded: the prompt is too long for the model. Ignored.
	ContextLengthExceeded
	// ContentRefused: the provider's policy forbids the prompt. Ignored.
	ContentRefused
	// Rejected: any other refusal of the provider. Ignored.
	Rejected
	// CircuitOpen: refused by the circuit; there was no call.
	CircuitOpen
	// BulkheadFull: refused by the bulkhead or its queue; there was no call.
	BulkheadFull
	// Abandoned: the client left after the provider had been silent for longer
	// than timeouts.abandoned. A failure.
	Abandoned
	// ClientGone: the client left sooner or later than that, or took nothing
	// for clientStall. Ignored.
	ClientGone

	numClasses
)

var classNames = [numClasses]string{
	"Success", "ServerError", "ConnectionError", "Timeout", "InvalidResponse",
	"StreamError", "RateLimited", "QuotaExhausted", "CredentialRejected",
	"ModelUnavailable", "ContextLengthExceeded", "ContentRefused", "Rejected",
	"CircuitOpen", "BulkheadFull", "Abandoned", "ClientGone",
}

// String returns the class's name, which is also its metric label.
func (c Class) String() string { return classNames[c] }

// ParseClass finds the class of that name.
func ParseClass(name string) (Class, bool) {
	i := slices.Index(classNames[:], name)
	return Class(max(i, 0)), i >= 0
}

// repetition says whether the same backend is asked again.
type repetition uint8

const (
	repeatNever      repetition = iota
	repeatUsually               // up to maxAttempts
	repeatOnce                  // at most once
	repeatLastResort            // only where no other backend is left
)

// repeats is the column of the table on the same backend.
func (c Class) repeats() repetition {
	switch c {
	case ServerError, ConnectionError, RateLimited:
		return repeatUsually
	case InvalidResponse:
		return repeatOnce
	case Timeout, StreamError:
		return repeatLastResort
	}
	return repeatNever
}

// FallbackClasses is the column of the table on the next backend: the classes
// that it can make good for.
var FallbackClasses = ClassSet(0).With(ServerError, ConnectionError, Timeout, InvalidResponse, StreamError,
	RateLimited, QuotaExhausted, CredentialRejected, ModelUnavailable, ContextLengthExceeded, CircuitOpen, BulkheadFull)

// outcome is the circuit's column of the table. Classes without a call have
// none.
func (c Class) outcome(p *Policy, passthrough bool) circuit.Outcome {
	switch c {
	case Success:
		return circuit.Success
	case ServerError, ConnectionError, Timeout, InvalidResponse, StreamError, CredentialRejected, Abandoned:
		return circuit.Failure
	case QuotaExhausted:
		if !passthrough {
			return circuit.Throttled
		}
	case RateLimited:
		switch {
		case passthrough, p.RateLimit == RateLimitIgnore:
		case p.RateLimit == RateLimitCooldown:
			return circuit.Throttled
		default:
			return circuit.Failure
		}
	}
	return circuit.Ignored
}

// result is what is recorded on the circuit for an attempt that ended so.
func (c Class) result(b *Backend, status int, retryAfter time.Duration) circuit.Result {
	r := circuit.Result{
		Outcome:    c.outcome(b.Policy, b.Credential.Kind == CredentialPassthrough),
		Label:      c.label(status),
		RetryAfter: retryAfter,
	}
	if c == QuotaExhausted {
		r.RetryAfter = b.Policy.Circuit.ResetBackoff.Max
	}
	return r
}

// label names the class in a transition's message: the status where one was
// the sign, words otherwise.
func (c Class) label(status int) string {
	switch c {
	case ConnectionError:
		return "connection error"
	case Timeout:
		return "timeout"
	case InvalidResponse:
		return "invalid response"
	case StreamError:
		return "broken stream"
	case Abandoned:
		return "abandoned by the client"
	case QuotaExhausted:
		return "quota exhausted"
	}
	if status >= 400 && status < 600 {
		return statusLabels[status-400]
	}
	return c.String()
}

var statusLabels = func() (l [200]string) {
	for i := range l {
		l[i] = "HTTP " + strconv.Itoa(400+i)
	}
	return l
}()

// classifyStatus finds the class of a refusal from its status and what its body
// said.
func classifyStatus(b *Backend, status int, e dialect.Error) Class {
	llm := b.Dialect != HTTP
	switch {
	case status >= 300 && status < 400:
		return InvalidResponse
	case llm && (status == http.StatusRequestEntityTooLarge || isContextLength(e)):
		return ContextLengthExceeded
	case llm && isContentRefusal(e):
		return ContentRefused
	case status == http.StatusPaymentRequired || isQuota(e):
		return QuotaExhausted
	case status == http.StatusTooManyRequests:
		return RateLimited
	case isUnauthorized(status) && b.Credential.Kind != CredentialNone:
		return credentialRejected(b)
	case b.Policy.FailureStatus.Contains(status):
		return ServerError
	case llm && (status == http.StatusNotFound || status == http.StatusGone):
		return ModelUnavailable
	}
	return Rejected
}

func isUnauthorized(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// credentialRejected is the class of a credential's refusal. Where it is not the
// gateway's own, it is the client's business, and no other backend's: that might
// serve it with a credential that the client does not have.
func credentialRejected(b *Backend) Class {
	if b.Credential.Kind == CredentialSecret {
		return CredentialRejected
	}
	return Rejected
}

// classifyError finds the class of an error that came inside a 200, by its
// type; one that says nothing known is the server's.
func classifyError(b *Backend, e dialect.Error) Class {
	switch {
	case isContextLength(e):
		return ContextLengthExceeded
	case isContentRefusal(e):
		return ContentRefused
	case isQuota(e):
		return QuotaExhausted
	}
	for _, sign := range [...]string{e.Type, e.Code} {
		switch sign {
		case "rate_limit_error", "rate_limit_exceeded":
			return RateLimited
		case "authentication_error", "permission_error", "invalid_api_key":
			return credentialRejected(b)
		case "not_found_error", "model_not_found":
			return ModelUnavailable
		case "invalid_request_error", "invalid_prompt":
			return Rejected
		}
	}
	return ServerError
}

func isContextLength(e dialect.Error) bool {
	return e.Code == "context_length_exceeded" ||
		strings.Contains(e.Message, "prompt is too long") ||
		strings.Contains(e.Message, "maximum context length")
}

func isContentRefusal(e dialect.Error) bool {
	return e.Code == "content_filter" || e.Code == "content_policy_violation"
}

func isQuota(e dialect.Error) bool {
	for _, sign := range [...]string{e.Type, e.Code} {
		switch sign {
		case "insufficient_quota", "billing_error", "billing_hard_limit_reached", "billing_not_active":
			return true
		}
	}
	return strings.Contains(e.Message, "credit balance is too low")
}

// statusOfError is the status with which an error from inside a 200 is told.
func statusOfError(c Class, e dialect.Error) int {
	switch {
	case c == RateLimited:
		return http.StatusTooManyRequests
	case e.Type == "overloaded_error":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}
