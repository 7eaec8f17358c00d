package gateway

import (
	"net/http"
	"strconv"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// reply is what a client is told of a call that failed: in the gateway's words,
// or in the provider's.
type reply struct {
	backend *liveBackend // nil: it is about none
	class   Class
	circuit string    // the state of the circuit, where it is worth telling
	later   bool      // the provider asks for a longer wait than the route's: the client may
	own     *apiError // the gateway's words; nil: what follows

	status int
	header http.Header
	body   []byte
	hold   hold // of body
	// event tells a client whose stream has begun; nil: one is made of the rest.
	event []byte
}

// free gives the memory of the body back. It may be called again, and on nil.
func (r *reply) free() {
	if r != nil {
		r.hold.free()
	}
}

// The values of the header x-switchgear-circuit on a response.
const (
	circuitOpen     = "open"
	circuitHalfOpen = "half-open"
	circuitBypassed = "bypassed"
)

// tell answers the client with an error.
func (x *exchange) tell(r *reply) {
	defer r.free()
	if begun := x.pulse.stop(); begun || x.committed {
		x.tellInStream(r)
		return
	}
	x.sign(r.backend, r.circuit)
	if r.own != nil {
		r.own.write(x.w, x.dialect)
		return
	}
	h := x.w.Header()
	copyResponseHeaders(h, r.header)
	if x.attempts > 1 || !r.later && FallbackClasses.Has(r.class) && x.target.route.perseveres() {
		h[headerNoRetry] = []string{"false"}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(r.body))}
	x.w.WriteHeader(r.status)
	_ = x.client.write(r.body) // a client that has left needs no answer
}

// perseveres reports whether the route says what is done about failures. Then it
// also says when to give up (the budget is spent, the circuit has opened, the time
// is up), and an SDK that repeated on top would do just what is not to be done.
func (r *Route) perseveres() bool {
	return r.Retry.MaxAttempts > 1 || r.Fallback != 0 && len(r.Backends) > 1
}

// tellInStream writes the event after which nothing follows.
func (x *exchange) tellInStream(r *reply) {
	event := r.event
	switch {
	case event != nil:
	case r.own != nil:
		event = dialect.ErrorEvent(x.endpoint, x.sent, r.own.status, r.own.code, r.own.message)
	default:
		e, _ := dialect.ParseError(r.body)
		event = dialect.RelayedErrorEvent(x.endpoint, x.sent, r.status, e)
	}
	if x.client.write(event) == nil {
		_ = x.client.flush() // a client that has left needs no answer
	}
}

// sign sets the headers that tell who answered.
func (x *exchange) sign(b *liveBackend, circuit string) {
	h := x.w.Header()
	if b != nil {
		h[headerBackend] = []string{b.Name}
	}
	if circuit != "" {
		h[headerCircuit] = []string{circuit}
	}
	h[headerAttempts] = []string{strconv.Itoa(x.attempts)}
}
