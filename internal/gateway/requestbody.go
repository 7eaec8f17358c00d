package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// readBody takes the request's body into memory whole, before anything is
// forwarded: routing needs it, and a provider that answers early must not cut
// off what the client is still sending.
func (x *exchange) readBody() *apiError {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return nil
	}
	limit := x.g.options.MaxBodyBytes
	deadline := http.NewResponseController(x.w)
	_ = deadline.SetReadDeadline(time.Now().Add(x.g.options.BodyTimeout)) // not every writer has one
	body, err := readHeld(x.r.Body, x.r.ContentLength, limit, &x.hold)
	switch {
	case err == nil:
		_ = deadline.SetReadDeadline(time.Time{})
		_ = x.r.Body.Close() // or the server would look for more of it before it answers
		x.body = body
		return nil
	case errors.Is(err, errTooLarge):
		return &apiError{status: http.StatusRequestEntityTooLarge, code: codeBodyTooLarge,
			message: fmt.Sprintf("the request body is larger than the limit of %d bytes", limit)}
	case errors.Is(err, errOverBudget):
		return tooManyBodies()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &apiError{status: http.StatusRequestTimeout, code: codeBodyTimeout,
			message: fmt.Sprintf("the request body did not arrive within %v", x.g.options.BodyTimeout)}
	default:
		return &apiError{status: http.StatusBadRequest, code: codeInvalidBody,
			message: "the request body broke off"}
	}
}

func tooManyBodies() *apiError {
	return &apiError{status: http.StatusServiceUnavailable, code: codeOverloaded, retryAfter: time.Second,
		message: "the gateway holds as many bodies as its memory budget allows"}
}
