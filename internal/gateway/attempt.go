package gateway

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// attempt is one call of one backend, with its slot, its permit and its limits.
type attempt struct {
	x      *exchange
	b      *liveBackend
	up     *upstream
	c      *managedCircuit
	last   bool // no other backend is left that would be asked after a timeout
	dog    *watchdog
	slot   circuit.Slot
	permit circuit.Permit
	call   call
	begun  time.Duration
	cost   cost
	span   attemptSpan
	ended  bool
}

// attempt prepares a call of a backend, the rest being those that are left.
func (p *pursuit) attempt(i int, up *upstream, rest []int) *attempt {
	route := p.target.route
	a := &attempt{x: p.exchange, b: route.backends[i], up: up, c: route.circuits[p.target.match][i], last: !p.left(rest, Timeout)}
	a.dog = newWatchdog(p.r.Context(), p.g.now)
	if !p.committed {
		a.dog.set(limitRoute, p.came, route.Timeout, "the route's timeout")
	}
	return a
}

// make calls the provider if the circuit lets it, and answers the client or says
// how the call failed. However it ends, the permit is ended and the slot given
// back.
func (a *attempt) make() ending {
	defer a.dog.stop()
	if r, unfit, ok := a.admit(); !ok {
		e := ending{class: CircuitOpen, refusal: r, unfit: unfit}
		if unfit != nil {
			return e
		}
		a.tellRefusal(r)
		a.x.traceRefusal(a.b, r)
		switch r.Reason {
		case circuit.Cancelled:
			e.class = BulkheadFull
			if _, late := a.dog.exceeded(); !late {
				e.class, e.answered = ClientGone, true
			}
		case circuit.BulkheadFull, circuit.BulkheadTimeout:
			e.class = BulkheadFull
		}
		return e
	}
	a.x.attempts++
	a.startSpan()
	defer a.recover()
	e := a.run()
	e.called = true
	return e
}

// admit waits for a slot and asks for a permit, in this order, so that a queued
// probe holds no probe's place. In between the request is said in the backend's
// dialect: what waits or is refused is not translated.
func (a *attempt) admit() (r circuit.Refusal, unfit *apiError, ok bool) {
	a.begun = a.x.g.now()
	if a.x.bypass {
		unfit = a.x.express(a.up, a.b)
		return r, unfit, unfit == nil
	}
	if a.slot, r, ok = a.c.Enter(a.dog, a.begun); !ok {
		return r, nil, false
	}
	if unfit = a.x.express(a.up, a.b); unfit != nil {
		a.slot.Leave()
		return r, unfit, false
	}
	a.begun = a.x.g.now()
	if a.permit, r, ok = a.c.Acquire(a.begun); !ok {
		a.slot.Leave()
		return r, nil, false
	}
	return r, nil, true
}

// run calls the provider and answers the client.
func (a *attempt) run() ending {
	resp, err := a.send()
	if err != nil {
		return a.broke(ConnectionError, err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing is lost
	a.b.stats.limits.read(resp.Header)
	switch {
	case resp.StatusCode < http.StatusOK:
		return a.broke(InvalidResponse, &invalidAnswerError{"it changed the protocol, which nobody had asked for"})
	case a.x.endpoint == nil:
		return a.pathAnswer(resp)
	case a.streamed() && isSuccess(resp.StatusCode) && isEventStream(resp.Header):
		return a.stream(resp)
	case a.opaque(resp):
		return a.relay(resp, nil)
	default:
		return a.answer(resp)
	}
}

// opaque reports whether an answer is passed on as it comes, though it is that of a
// call in a dialect: sound, a file, events that mean nothing to the gateway.
func (a *attempt) opaque(resp *http.Response) bool {
	e := a.x.endpoint
	return a.classify(resp) == Success && !e.Streams() && (e.Opaque() || isEventStream(resp.Header))
}

func (a *attempt) streamed() bool { return a.x.streaming() }

func isSuccess(status int) bool { return status >= 200 && status < 300 }

func isEventStream(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "text/event-stream")
}

// limitAnswer puts the limits in force that bound the wait for the answer.
func (a *attempt) limitAnswer() {
	t := &a.b.Policy.Timeouts
	if !a.streamed() {
		a.dog.set(limitPhase, a.begun, t.Attempt, "timeouts.attempt")
		return
	}
	// Nobody is left to ask instead: more patience costs the client nothing.
	if rest := a.x.deadline - a.begun; !a.x.committed && rest > t.FirstToken && a.last {
		a.dog.lift(limitPhase) // the route's own limit is in force
		return
	}
	a.dog.set(limitPhase, a.begun, t.FirstToken, "timeouts.firstToken")
}

// end records how the attempt ended, on its circuit first.
func (a *attempt) end(c Class, status int, retryAfter time.Duration) {
	if a.ended {
		return
	}
	a.ended = true
	now := a.x.g.now()
	if !a.x.bypass {
		r := c.result(a.b.Backend, status, retryAfter)
		if c == CredentialRejected && a.x.endpoint != nil && a.x.endpoint.Other {
			r.Outcome = circuit.Ignored // it may do for models all the same
		}
		r.Repeated = a.call.toldBefore(c, a.c)
		a.permit.End(r, now)
		a.slot.Leave()
	}
	a.b.stats.record(c, now-a.begun)
	a.account(c, status, now-a.begun)
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

// firstToken tells that the provider has brought its first output.
func (a *attempt) firstToken() {
	now := a.x.g.now()
	if !a.x.bypass {
		a.permit.FirstToken(now)
	}
	a.b.stats.firstToken(now - a.begun)
	a.cost.first = now
	if !a.x.committed {
		a.x.sum.first = now
	}
}

// failed ends an attempt that has no answer for the client.
func (a *attempt) failed(c Class, status int, retryAfter time.Duration, r *reply, err error) ending {
	whole := false
	defer func() {
		if !whole { // after a panic, nobody is told
			r.hold.free()
		}
	}()
	a.log(c, status, err)
	a.end(c, status, retryAfter)
	r.circuit = a.state()
	whole = true
	return ending{class: c, retryAfter: retryAfter, reply: r, acted: a.call.sent() && !declined(status)}
}

// declined reports whether a status says that the provider has not acted on the
// request. (No status says nothing.)
func declined(status int) bool {
	return status >= 400 && status < 500 || status == http.StatusServiceUnavailable
}

// gone ends an attempt that nobody waits for any more.
func (a *attempt) gone(c Class, err error) ending {
	a.log(c, 0, err)
	a.end(c, 0, 0)
	return ending{class: c, answered: true}
}

// broke ends an attempt whose call was broken off before anything was sent to
// the client. c is the class where neither a limit nor the client was the reason.
func (a *attempt) broke(c Class, err error) ending {
	switch c = a.interruption(c, Timeout, true); c {
	case Abandoned, ClientGone:
		return a.gone(c, err)
	default:
		return a.failed(c, 0, 0, &reply{own: a.noAnswer(err)}, err)
	}
}

// noAnswer is what a client is told of a call that was broken off.
func (a *attempt) noAnswer(err error) *apiError {
	if _, late := a.dog.exceeded(); late {
		return &apiError{status: http.StatusGatewayTimeout, code: codeUpstreamTimeout,
			message: "backend " + a.b.Name + " gave no answer in time: " + a.reason(err)}
	}
	return &apiError{status: http.StatusBadGateway, code: codeUpstreamDown,
		message: "backend " + a.b.Name + " gave no answer: " + a.reason(err)}
}

// state is what is worth telling of the circuit that let the call through.
func (a *attempt) state() string {
	switch {
	case a.x.bypass:
		return circuitBypassed
	case a.permit.Probe():
		return circuitHalfOpen
	}
	return ""
}

// commit marks the point from which the answer is this backend's, and makes the
// response's headers but for the status.
func (a *attempt) commit(h http.Header) {
	x := a.x
	a.dog.lift(limitRoute)
	x.committed = true
	x.sign(a.b, a.state())
	copyResponseHeaders(x.w.Header(), h)
	if len(a.up.dropped) > 0 {
		x.w.Header()[headerDropped] = []string{strings.Join(a.up.dropped, ", ")}
	}
	a.up.free()
	x.letGo()
}

// interruption finds the class of a call that was broken off: by a limit, by the
// client's leaving (silent says whether the provider had given nothing), or
// otherwise.
func (a *attempt) interruption(otherwise, late Class, silent bool) Class {
	if _, ok := a.dog.exceeded(); ok {
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
	var guarded addressNotAllowedError
	var invalid *invalidAnswerError
	if e, ok := a.dog.exceeded(); ok {
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
