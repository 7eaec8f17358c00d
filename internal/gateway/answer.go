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

// invalidAnswerError says what is wrong with an answer that makes no sense.
type invalidAnswerError struct{ why string }

func (e *invalidAnswerError) Error() string { return e.why }

// answer handles a response that is not a stream: it is read whole, so that
// what is cut short or makes no sense never reaches the client.
func (a *attempt) answer(resp *http.Response) ending {
	if encoded(resp.Header) && isSuccess(resp.StatusCode) {
		return a.broke(InvalidResponse, &invalidAnswerError{"its body is compressed, though identity was asked for"})
	}
	held := hold{budget: &a.x.g.budget}
	body, err := readHeld(resp.Body, resp.ContentLength, maxHeldAnswer, &held)
	if err == nil && !isSuccess(resp.StatusCode) {
		if a.learnsFrom(resp.StatusCode, body) {
			held.free()
			return a.run()
		}
		e, _ := dialect.ParseError(body)
		return a.refused(resp, e, body, held)
	}
	defer held.free()
	if err == nil && a.up.translation != nil && !held.grow(held.bytes+int64(len(body))) {
		err = errOverBudget // the translated answer is as long
	}
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, errOverBudget):
		return a.unheld(resp, body, err)
	case err != nil:
		return a.broke(InvalidResponse, err)
	}
	return a.answered(resp, body)
}

// unheld handles an answer that is too large to be held, of which a part was
// read.
func (a *attempt) unheld(resp *http.Response, begun []byte, why error) ending {
	translated := a.up.translation != nil
	switch {
	case translated && !a.streamed() && isSuccess(resp.StatusCode):
		return a.failed(Rejected, resp.StatusCode, 0, &reply{own: a.untranslatable(why)}, why)
	case translated, a.streamed(), a.ownError(a.classify(resp)) != nil:
		return a.refused(resp, dialect.Error{}, nil, hold{})
	}
	return a.relay(resp, begun)
}

// untranslatable says why an answer that cannot be held cannot be translated
// either. The provider has done its part.
func (a *attempt) untranslatable(why error) *apiError {
	if errors.Is(why, errOverBudget) {
		return tooManyBodies()
	}
	return &apiError{status: http.StatusBadGateway, code: codeUpstreamDown,
		message: "the answer of backend " + a.b.Name + " is too long to be translated: the limit is " + strconv.Itoa(maxHeldAnswer) + " bytes"}
}

func encoded(h http.Header) bool {
	e := h.Get("Content-Encoding")
	return e != "" && e != "identity"
}

// answered handles a whole 200.
func (a *attempt) answered(resp *http.Response, body []byte) ending {
	told, tokens, isError, isAnswer := a.up.endpoint.ReadAnswer(body)
	a.cost.tokens = tokens
	a.span.read(body)
	switch {
	case isError:
		return a.told(told)
	case a.streamed():
		return a.broke(InvalidResponse, &invalidAnswerError{"a stream was asked for, and its answer is none"})
	case !isAnswer:
		return a.broke(InvalidResponse, &invalidAnswerError{"its 200 is not an answer in the " + a.up.endpoint.Dialect.String() + " dialect"})
	}
	body, err := a.up.answer(body)
	if err != nil {
		return a.broke(InvalidResponse, &invalidAnswerError{err.Error()})
	}
	a.end(Success, resp.StatusCode, 0)
	a.commit(resp.Header)
	x := a.x
	x.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(resp.StatusCode)
	_ = x.client.write(body) // a client that has left needs no answer
	return ending{class: Success, answered: true}
}

// refused handles a status that is not a success, with its body, whose memory it
// takes over.
func (a *attempt) refused(resp *http.Response, told dialect.Error, body []byte, held hold) ending {
	c := classifyStatus(a.b.Backend, resp.StatusCode, told)
	r := &reply{own: a.ownError(c), status: resp.StatusCode, header: resp.Header, body: body, hold: held}
	if t := a.up.translation; t != nil {
		r.status, r.body = t.Error(r.status, told)
		r.header = r.header.Clone()
		r.header["Content-Type"] = toldHeader["Content-Type"]
		r.hold.free()
	}
	return a.failed(c, resp.StatusCode, parseRetryAfter(resp.Header, time.Now()), r, nil)
}

// told handles an error that came inside a 200, before anything was sent: it
// becomes a response of its own, with the provider's text.
func (a *attempt) told(e dialect.Error) ending {
	c := classifyError(a.b.Backend, e)
	r := &reply{own: a.ownError(c), status: statusOfError(c, e), header: toldHeader}
	if t := a.up.translation; t != nil {
		r.status, r.body = t.Error(r.status, e)
	} else {
		r.body = dialect.RelayedErrorBody(a.x.dialect, r.status, e)
	}
	return a.failed(c, 0, 0, r, nil)
}

// toldHeader is that of an error from inside a 200. The status is the gateway's,
// so that an SDK must not take it for the provider's wish to be asked again.
var toldHeader = http.Header{"Content-Type": {"application/json"}, headerNoRetry: {"false"}}

// ownError is what the client gets in place of a provider's answer that would
// tell of the gateway's own credential, or lead astray; nil where the
// provider's answer is the client's.
func (a *attempt) ownError(c Class) *apiError {
	switch {
	case c == CredentialRejected:
		return &apiError{status: http.StatusBadGateway, code: codeCredentialRejected,
			message: "backend " + a.b.Name + " rejected the gateway's credential"}
	case c == QuotaExhausted && a.b.Credential.Kind == CredentialSecret:
		return &apiError{status: http.StatusServiceUnavailable, code: codeQuotaExhausted,
			message: "the quota of the gateway's credential at backend " + a.b.Name + " is spent"}
	case c == InvalidResponse:
		return &apiError{status: http.StatusBadGateway, code: codeUpstreamDown,
			message: "backend " + a.b.Name + " answered with a redirect, which is not followed"}
	}
	return nil
}
