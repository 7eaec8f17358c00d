package gateway

import (
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// exchange is one request on its way: address, pick a backend, wait for a slot,
// ask for a permit, call, tell the outcome, and from there to the next.
type exchange struct {
	g  *Gateway
	w  http.ResponseWriter
	r  *http.Request
	id string

	dialect  dialect.Dialect   // of the caller
	endpoint *dialect.Endpoint // nil on a path route
	rest     string            // of a path route: the escaped path after the prefix
	target   target
	request  dialect.Request
	body     []byte
	hold     hold   // of body
	own      []byte // an answer of the gateway's own, for which no backend is asked
	bypass   bool   // the client has opted out of circuits

	arrived  time.Duration
	came     time.Duration
	deadline time.Duration // the end of the route's timeout
	attempts int
	client   clientWriter
	pulse    *pulse // keeps the client while its stream is held back; nil: none does
	// committed means that a part of the answer is with the client, so that
	// nothing can be taken back.
	committed bool
	sent      int // events of a stream
	// transcript is what the client has of a stream that may be resumed; nil: it
	// may not.
	transcript dialect.Transcript
	text       hold // of the transcript's text

	status statusWriter // what w writes through
	sum    summary
	span   trace.Span // nil: there are no traces
}

// ServeHTTP serves one request of a client.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{g: g, w: w, r: r, id: requestID(r.Header), hold: hold{budget: &g.budget}, text: hold{budget: &g.budget}}
	x.arrived = g.now()
	x.status.ResponseWriter = w
	x.w = &x.status
	x.client = newClientWriter(w, r, g.clientStall)
	x.startSpan()
	g.inFlight.Add(1)
	defer x.close()
	w.Header()[headerRequestID] = []string{x.id}
	e := x.address()
	if route := x.target.route; route != nil {
		w.Header()[headerRoute] = []string{route.Name}
	}
	if e == nil && x.own != nil {
		x.tellOwn()
		return
	}
	if e == nil {
		e = x.readBypass()
	}
	if e != nil {
		g.metrics.rejected(e.code)
		e.write(x.w, x.dialect)
		return
	}
	x.forward()
}

func (x *exchange) close() {
	x.pulse.stop()
	x.client.release()
	x.hold.free()
	x.text.free()
	x.endSpan()
	x.g.accessLog.write(x)
	x.g.inFlight.Add(-1)
}

// letGo gives back what a further call would need, where there can be none.
func (x *exchange) letGo() {
	if !x.committed || x.transcript != nil && x.transcript.Resumable() {
		return
	}
	x.body = nil
	x.hold.free()
	x.text.free()
}

// forward has the request answered by one of the route's backends.
func (x *exchange) forward() {
	route := x.target.route
	x.came = x.g.now()
	x.deadline = x.came + route.Timeout
	route.budget.request(x.came)
	if x.streaming() && route.Recovery == RecoverByBuffering {
		x.pulse = newPulse(x)
	}
	var order [maxBackends]int
	p := pursuit{exchange: x, order: x.usable(route.candidates(order[:0], x.g.options.Rand))}
	p.run()
}

// streaming reports whether the client has asked for a stream of events.
func (x *exchange) streaming() bool {
	return x.request.Stream && x.endpoint != nil && x.endpoint.Streams()
}

// maxBackends is how many backends a route may have.
const maxBackends = 16

// usable drops the backends that cannot be asked: those of a dialect that has
// nothing like the endpoint and those that lack what they need.
func (x *exchange) usable(order []int) []int {
	out := order[:0]
	for _, i := range order {
		if b := x.target.route.backends[i]; b.Unavailable == "" && x.speaks(b) {
			out = append(out, i)
		}
	}
	return out
}

// speaks reports whether the backend's dialect is the caller's, or has an
// endpoint that does the same.
func (x *exchange) speaks(b *liveBackend) bool {
	if b.Dialect == x.dialect {
		return true
	}
	_, ok := dialect.Translate(x.endpoint, b.Dialect)
	return ok
}

// unusable says why no backend of the route could be asked.
func (x *exchange) unusable() *apiError {
	if slices.ContainsFunc(x.target.route.backends, x.speaks) {
		return &apiError{status: http.StatusBadGateway, code: codeUpstreamDown,
			message: "no backend of route " + x.target.route.Name + " can be used: its conditions Accepted and ResolvedRefs say why"}
	}
	return &apiError{status: http.StatusBadRequest, code: codeUnsupported,
		message: "no backend of route " + x.target.route.Name + " speaks " + x.dialect.String() + "'s dialect, and this endpoint is not translated into another"}
}

// bypassValue of the header x-switchgear-circuit opts a call out of circuits.
const bypassValue = "bypass"

// readBypass finds out whether the client opts out of circuits, and may.
func (x *exchange) readBypass() *apiError {
	values := x.r.Header[headerCircuit]
	if len(values) == 0 {
		return nil
	}
	if len(values) > 1 || values[0] != bypassValue {
		return &apiError{status: http.StatusBadRequest, code: codeInvalidHeader,
			message: "the only value that the header x-switchgear-circuit takes is " + bypassValue}
	}
	for _, b := range x.target.route.backends {
		if x.speaks(b) && !b.Policy.AllowBypass {
			return &apiError{status: http.StatusForbidden, code: codeBypassNotAllowed,
				message: "the circuit of backend " + b.Name + " may not be bypassed: spec.allowBypass of its CircuitPolicy is not true"}
		}
	}
	x.bypass = true
	return nil
}
