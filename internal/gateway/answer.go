package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// maxHeldAnswer bounds one answer that is held; a longer one is passed on as it
// comes.
const maxHeldAnswer = 16 << 20

// invalidAnswer says what is wrong with an answer that makes no sense.
type invalidAnswer struct{ why string }

func (e *invalidAnswer) Error() string { return e.why }

// answer handles a response that is not a stream: it is read whole, so that
// what is cut short or makes no sense never reaches the client.
func (a *attempt) answer(resp *http.Response) {
	if encoded(resp.Header) {
		a.broke(InvalidResponse, &invalidAnswer{"its body is compressed, though identity was asked for"})
		return
	}
	held := hold{budget: &a.x.g.budget}
	defer held.free()
	body, err := readHeld(resp.Body, resp.ContentLength, maxHeldAnswer, &held)
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, errOverBudget):
		a.relay(resp, body)
	case err != nil:
		a.broke(InvalidResponse, err)
	case isSuccess(resp.StatusCode):
		a.answered(resp, body)
	default:
		a.refused(resp, body)
	}
}

func encoded(h http.Header) bool {
	e := h.Get("Content-Encoding")
	return e != "" && e != "identity"
}

// answered handles a whole 200.
func (a *attempt) answered(resp *http.Response, body []byte) {
	told, isError, isAnswer := a.x.endpoint.ReadAnswer(body)
	switch {
	case isError:
		a.told(told)
	case a.streamed():
		a.broke(InvalidResponse, &invalidAnswer{"a stream was asked for, and its answer is none"})
	case !isAnswer:
		a.broke(InvalidResponse, &invalidAnswer{"its 200 is not an answer in the " + a.x.dialect.String() + " dialect"})
	default:
		a.end(Success, resp.StatusCode, 0)
		a.send(resp, body)
	}
}

// refused handles a status that is not a success.
func (a *attempt) refused(resp *http.Response, body []byte) {
	e, _ := dialect.ParseError(body)
	c := classifyStatus(a.b.Backend, resp.StatusCode, e)
	a.log(c, resp.StatusCode, nil)
	a.end(c, resp.StatusCode, parseRetryAfter(resp.Header, time.Now()))
	if own := a.ownError(c); own != nil {
		a.x.fail(a.b, own)
		return
	}
	a.send(resp, body)
}

// told handles an error that came inside a 200, before anything was sent: it
// becomes a response of its own, with the provider's text.
func (a *attempt) told(e dialect.Error) {
	c := classifyError(e)
	a.log(c, http.StatusOK, nil)
	a.end(c, 0, 0)
	if own := a.ownError(c); own != nil {
		a.x.fail(a.b, own)
		return
	}
	status := statusOfError(c, e)
	body := dialect.RelayedErrorBody(a.x.dialect, status, e)
	a.x.commit(a.b)
	h := a.x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	a.x.w.WriteHeader(status)
	_ = a.x.client.write(body) // a client that has left needs no answer
}

// ownError is what the client gets in place of a provider's answer that would
// tell of the gateway's own credential, or lead astray; nil where the
// provider's answer is the client's.
func (a *attempt) ownError(c Class) *apiError {
	own := a.b.Credential.Kind == CredentialSecret
	switch {
	case c == CredentialRejected && own:
		return &apiError{status: http.StatusBadGateway, code: codeCredentialRejected,
			message: "backend " + a.b.Name + " rejected the gateway's credential"}
	case c == QuotaExhausted && own:
		return &apiError{status: http.StatusServiceUnavailable, code: codeQuotaExhausted,
			message: "the quota of the gateway's credential at backend " + a.b.Name + " is spent"}
	case c == InvalidResponse:
		return &apiError{status: http.StatusBadGateway, code: codeUpstreamDown,
			message: "backend " + a.b.Name + " answered with a redirect, which is not followed"}
	}
	return nil
}

// send answers the client with a body that is held whole.
func (a *attempt) send(resp *http.Response, body []byte) {
	a.x.commit(a.b)
	h := a.x.w.Header()
	copyResponseHeaders(h, resp.Header)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	a.x.w.WriteHeader(resp.StatusCode)
	_ = a.x.client.write(body) // a client that has left needs no answer
}

// commit marks the point from which the answer is this backend's.
func (x *exchange) commit(b *liveBackend) {
	x.dog.lift(limitRoute)
	x.sign(b)
	x.body = nil
	x.hold.free()
}
