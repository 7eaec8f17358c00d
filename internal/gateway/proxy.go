package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// maxBackends is how many backends a route may have.
const maxBackends = 16

// exchange is one request on its way: address, pick a backend, wait for a slot,
// ask for a permit, call, tell the outcome.
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
	hold     hold // of body

	dog      *watchdog
	deadline time.Duration // the end of the route's timeout
	attempts int
	client   clientWriter
}

// ServeHTTP serves one request of a client.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{g: g, w: w, r: r, id: requestID(r.Header), hold: hold{budget: &g.budget}}
	x.client = newClientWriter(w, r, g.clientStall)
	defer x.close()
	w.Header()[headerRequestID] = []string{x.id}
	if e := x.address(); e != nil {
		g.metrics.rejected(e.code)
		e.write(w, x.dialect)
		return
	}
	w.Header()[headerRoute] = []string{x.target.route.Name}
	x.forward()
}

func (x *exchange) close() {
	if x.dog != nil {
		x.dog.stop()
	}
	x.client.release()
	x.hold.free()
}

// forward tries the route's backends in order and makes one attempt: on the
// first whose circuit admits it.
func (x *exchange) forward() {
	now := x.g.now()
	route := x.target.route
	x.deadline = now + route.Timeout
	x.dog = newWatchdog(x.r.Context(), x.g.now)
	x.dog.set(limitRoute, now, route.Timeout, "the route's timeout")

	var order [maxBackends]int
	usable := x.usable(route.candidates(order[:0], x.g.options.Rand))
	var refused refusals
	for n, i := range usable {
		a := &attempt{x: x, b: route.backends[i], c: route.circuits[x.target.match][i], last: n == len(usable)-1}
		refusal, ok := a.admit()
		if ok {
			x.attempts++
			a.run()
			return
		}
		refused.add(a.b, refusal)
		a.tellRefusal(refusal)
		if x.dog.Err() != nil {
			break // the client has left, or the route's time is over
		}
	}
	x.refuse(&refused)
}

// usable drops the backends that cannot be asked: those of another dialect and
// those that lack what they need.
func (x *exchange) usable(order []int) []int {
	out := order[:0]
	for _, i := range order {
		if b := x.target.route.backends[i]; b.Unavailable == "" && x.speaks(b) {
			out = append(out, i)
		}
	}
	return out
}

func (x *exchange) speaks(b *liveBackend) bool { return b.Dialect == x.dialect }

// refusals are what the circuits said to a request that none let through.
type refusals struct {
	backend  *liveBackend // the first that refused
	first    circuit.Refusal
	bulkhead circuit.Refusal // the first by a bulkhead
	earliest time.Duration   // when the first circuit will let a probe through; 0: unknown
}

func (r *refusals) add(b *liveBackend, f circuit.Refusal) {
	if r.backend == nil {
		r.backend, r.first = b, f
	}
	switch f.Reason {
	case circuit.BulkheadFull, circuit.BulkheadTimeout, circuit.Cancelled:
		if r.bulkhead.Reason == circuit.NotRefused {
			r.bulkhead = f
		}
	default:
		if f.At != 0 && (r.earliest == 0 || f.At < r.earliest) {
			r.earliest = f.At
		}
	}
}

// refuse answers a request that no backend was called for.
func (x *exchange) refuse(r *refusals) {
	route := x.target.route
	if r.backend == nil {
		x.fail(nil, x.unusable())
		return
	}
	if r.bulkhead.Reason == circuit.NotRefused {
		x.w.Header()[headerCircuit] = []string{"open"}
		if r.first.Reason == circuit.ProbesBusy {
			x.w.Header()[headerCircuit] = []string{"half-open"}
		}
		e := &apiError{status: http.StatusServiceUnavailable, code: codeCircuitOpen,
			message: "the circuit of every backend of route " + route.Name + " is open"}
		switch now := x.g.now(); {
		case r.earliest != 0:
			e.retryAfter = max(r.earliest-now, 1)
		case r.first.Reason == circuit.ProbesBusy:
			e.retryAfter = time.Second
		}
		r.backend.stats.count(CircuitOpen)
		x.fail(r.backend, e)
		return
	}
	e := &apiError{status: http.StatusServiceUnavailable, code: codeBulkheadFull, retryAfter: time.Second,
		message: "route " + route.Name + " runs as many calls as it may, and its queue is full"}
	switch r.bulkhead.Reason {
	case circuit.Cancelled:
		if _, late := x.dog.exceeded(); !late {
			r.backend.stats.count(ClientGone)
			return
		}
		fallthrough
	case circuit.BulkheadTimeout:
		e.code = codeBulkheadTimeout
		e.message = "route " + route.Name + " runs as many calls as it may, and none ended in time"
	}
	r.backend.stats.count(BulkheadFull)
	x.fail(r.backend, e)
}

// unusable says why no backend of the route could be asked.
func (x *exchange) unusable() *apiError {
	for _, b := range x.target.route.backends {
		if x.speaks(b) {
			return &apiError{status: http.StatusBadGateway, code: codeUpstreamDown,
				message: "no backend of route " + x.target.route.Name + " can be used: its ResolvedRefs condition says why"}
		}
	}
	return &apiError{status: http.StatusBadRequest, code: codeUnsupported,
		message: "no backend of route " + x.target.route.Name + " speaks " + x.dialect.String() + "'s dialect"}
}

// fail answers with an error of the gateway's own; b is the backend it is
// about, nil for none.
func (x *exchange) fail(b *liveBackend, e *apiError) {
	x.sign(b)
	if b == nil {
		x.g.metrics.rejected(e.code)
	}
	e.write(x.w, x.dialect)
}

// sign sets the headers that tell who answered.
func (x *exchange) sign(b *liveBackend) {
	h := x.w.Header()
	if b != nil {
		h[headerBackend] = []string{b.Name}
	}
	h[headerAttempts] = []string{strconv.Itoa(x.attempts)}
}
