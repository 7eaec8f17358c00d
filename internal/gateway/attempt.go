package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// attempt is one call of one backend, with its slot and its permit.
type attempt struct {
	x      *exchange
	b      *liveBackend
	c      *managedCircuit
	last   bool // no other backend is left
	slot   circuit.Slot
	permit circuit.Permit
	begun  time.Duration
	ended  bool
}

// admit waits for a slot and asks for a permit, in this order, so that a queued
// probe holds no probe's place.
func (a *attempt) admit() (circuit.Refusal, bool) {
	var r circuit.Refusal
	var ok bool
	if a.slot, r, ok = a.c.Enter(a.x.dog, a.x.g.now()); !ok {
		return r, false
	}
	a.begun = a.x.g.now()
	if a.permit, r, ok = a.c.Acquire(a.begun); !ok {
		a.slot.Leave()
		return r, false
	}
	return r, true
}

// run calls the provider and answers the client. However it ends, the permit is
// ended and the slot given back.
func (a *attempt) run() {
	defer a.recover()
	if a.permit.Probe() {
		a.x.w.Header()[headerCircuit] = []string{"half-open"}
	}
	resp, err := a.call()
	if err != nil {
		a.broke(ConnectionError, err)
		return
	}
	defer resp.Body.Close() //nolint:errcheck // nothing is lost
	switch {
	case resp.StatusCode < http.StatusOK:
		a.broke(InvalidResponse, &invalidAnswer{"it changed the protocol, which nobody had asked for"})
	case a.x.endpoint == nil:
		a.relay(resp, nil)
	case a.streamed() && isSuccess(resp.StatusCode) && isEventStream(resp.Header):
		a.stream(resp)
	default:
		a.answer(resp)
	}
}

func (a *attempt) streamed() bool {
	return a.x.request.Stream && a.x.endpoint != nil && a.x.endpoint.Streams()
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

func isEventStream(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "text/event-stream")
}

// call sends the request and returns once the response's headers are there.
func (a *attempt) call() (*http.Response, error) {
	t := &a.b.Policy.Timeouts
	dog := a.x.dog
	dog.set(limitPhase, a.begun, t.Connect, "timeouts.connect")
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.limitAnswer() }}
	resp, err := a.b.transport.RoundTrip(a.request(httptrace.WithClientTrace(dog, trace)))
	if err != nil {
		return nil, fmt.Errorf("calling the provider: %w", err)
	}
	return resp, nil
}

// limitAnswer puts the limits in force that bound the wait for the answer.
func (a *attempt) limitAnswer() {
	t := &a.b.Policy.Timeouts
	if !a.streamed() {
		a.x.dog.set(limitPhase, a.begun, t.Attempt, "timeouts.attempt")
		return
	}
	// Nobody is left to ask instead: more patience costs the client nothing.
	if rest := a.x.deadline - a.begun; a.last && rest > t.FirstToken {
		a.x.dog.lift(limitPhase) // the route's own limit is in force
		return
	}
	a.x.dog.set(limitPhase, a.begun, t.FirstToken, "timeouts.firstToken")
}

// end records how the attempt ended, on its circuit first.
func (a *attempt) end(c Class, status int, retryAfter time.Duration) {
	if a.ended {
		return
	}
	a.ended = true
	now := a.x.g.now()
	a.permit.End(c.result(a.b.Backend, status, retryAfter), now)
	a.slot.Leave()
	a.b.stats.record(c, now-a.begun)
}

// recover ends an attempt that a panic broke off as a failure of its call, so
// that neither slot nor permit is lost.
func (a *attempt) recover() {
	if a.ended {
		return
	}
	p := recover()
	a.end(ConnectionError, 0, 0)
	if p != nil {
		panic(p)
	}
}

// broke ends an attempt whose call was broken off before anything was sent to
// the client, and tells the client. c is the class where neither a limit nor
// the client was the reason.
func (a *attempt) broke(c Class, err error) {
	c = a.interruption(c, Timeout, true)
	a.log(c, 0, err)
	a.end(c, 0, 0)
	switch c {
	case Timeout:
		a.x.fail(a.b, &apiError{status: http.StatusGatewayTimeout, code: codeUpstreamTimeout,
			message: "backend " + a.b.Name + " gave no answer in time: " + a.reason(err)})
	case Abandoned, ClientGone:
	default:
		a.x.fail(a.b, &apiError{status: http.StatusBadGateway, code: codeUpstreamDown,
			message: "backend " + a.b.Name + " gave no answer: " + a.reason(err)})
	}
}

// interruption finds the class of a call that was broken off: by a limit, by the
// client's leaving (silent says whether the provider had given nothing), or
// otherwise.
func (a *attempt) interruption(otherwise, late Class, silent bool) Class {
	if _, ok := a.x.dog.exceeded(); ok {
		return late
	}
	if a.x.r.Context().Err() == nil {
		return otherwise
	}
	if silent && a.x.g.now()-a.begun >= a.b.Policy.Timeouts.Abandoned {
		return Abandoned
	}
	return ClientGone
}

// reason tells a client what went wrong without the provider's address.
func (a *attempt) reason(err error) string {
	var guarded errAddressNotAllowed
	var invalid *invalidAnswer
	if e, ok := a.x.dog.exceeded(); ok {
		return e.Error()
	}
	switch {
	case errors.As(err, &guarded):
		return guarded.Error()
	case errors.As(err, &invalid):
		return invalid.Error()
	}
	return "no connection, or it broke"
}

// log tells of an attempt that did not succeed, to whoever looks for it.
func (a *attempt) log(c Class, status int, err error) {
	r := a.x.target.route
	a.x.g.log.Debug("Attempt did not succeed", "requestID", a.x.id, "namespace", r.Namespace, "route", r.Name,
		"backend", a.b.Name, "circuit", a.c.key.String(), "class", c.String(), "status", status, "error", err)
}
