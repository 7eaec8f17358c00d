package gateway

import (
	"net/http"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// pursuit is a request's way over the backends of its route, until one has
// answered, a failure forbids to go on, or none is left.
type pursuit struct {
	*exchange
	order   []int // the backends to be asked, as indices
	refused refusals
	// told is what the client gets if nobody answers: the last error of the first
	// backend that was called.
	told *reply
	// from is the backend that was asked last, and why it has not answered.
	from *liveBackend
	why  Class
	// broken means that a stream with output was lost on the way, cut that the
	// client had a part of it: told is then about that.
	broken, cut bool
	// unfit is why no backend can be asked, or why the first that could not be
	// asked in its dialect could not.
	unfit *apiError
}

// ending is what an attempt came to. It is handed up through all that lies between
// a stream and the server, whose stack must not grow past 8 KiB for it: what only a
// failure needs is behind a pointer.
type ending struct {
	class Class
	// answered means that there is nothing left to do: the client has its answer,
	// or has left.
	answered bool
	// called means that the provider was; otherwise refusal says why not.
	called bool
	// acted means that the provider may have acted on the request.
	acted bool
	// flowed means that the provider had brought output.
	flowed     bool
	refusal    circuit.Refusal
	retryAfter time.Duration
	reply      *reply // of a call that failed
	// unfit is why the backend cannot be asked in its dialect; nil: it can.
	unfit *apiError
}

func (p *pursuit) run() {
	defer func() { p.told.free() }() // nobody may have been told it
	if len(p.order) == 0 {
		p.unfit = p.unusable()
	}
	for n, i := range p.order {
		b := p.target.route.backends[i]
		if p.committed && !p.resumesOn(b) {
			continue
		}
		e := p.ask(i, p.order[n+1:])
		switch {
		case e.unfit != nil:
			if p.unfit == nil {
				p.unfit = e.unfit
			}
			continue
		case e.answered:
			p.finish(b, &e)
			return
		}
		if !p.goesOn(b, &e, p.order[n+1:]) {
			break
		}
	}
	p.giveUp()
}

// ask calls one backend, repeatedly if that is right, and returns how its last
// attempt ended.
func (p *pursuit) ask(i int, rest []int) ending {
	up := p.upstream(p.target.route.backends[i])
	defer up.free()
	var last ending
	for n := 1; ; n++ {
		a := p.attempt(i, up, rest)
		e := a.make()
		if e.unfit != nil {
			return e
		}
		p.count(a.b, &e, n)
		switch {
		case e.answered:
			return e
		case !e.called && n > 1:
			return last // the circuit has opened meanwhile, or is full
		}
		p.hear(a.b, &e)
		if e.class.repeats() == repeatLastResort {
			rest = p.fit(rest)
		}
		wait, again := p.again(a, &e, n, rest)
		if !again {
			return e
		}
		if !p.pause(wait) {
			return ending{class: ClientGone, answered: true, called: true}
		}
		last = e
	}
}

// count tells the metrics of attempt n on a backend.
func (p *pursuit) count(b *liveBackend, e *ending, n int) {
	switch {
	case !e.called:
		if e.answered {
			return // nobody waits any more
		}
		b.stats.refuse(e.class)
		if n == 1 {
			p.from, p.why = b, e.class
		}
		return
	case n > 1:
		p.g.metrics.repeated(p.target.route, b, p.why)
	case p.from != nil:
		p.g.metrics.fellBack(p.target.route, p.from, b, p.why)
	}
	p.from, p.why = b, e.class
	p.broken = p.broken || !e.answered && e.flowed
}

// hear remembers what the client would be told of a failure.
func (p *pursuit) hear(b *liveBackend, e *ending) {
	if !e.called {
		p.refused.add(b, e.refusal, p.g.now())
		return
	}
	e.reply.backend, e.reply.class = b, e.class
	e.reply.later = e.retryAfter > p.target.route.Retry.MaxRetryAfter
	tells := false
	switch {
	case p.committed:
		tells, p.cut = !p.cut, true // the break, not what became of resuming
	case p.told == nil, p.told.backend == b, !FallbackClasses.Has(e.class):
		// A refusal that no other backend can make good for is about the request
		// itself, and so is the answer to it.
		tells = true
	}
	if !tells {
		e.reply.free()
		return
	}
	p.told.free()
	p.told = e.reply
}

// goesOn decides whether the next backend is asked.
func (p *pursuit) goesOn(b *liveBackend, e *ending, rest []int) bool {
	if len(rest) == 0 || p.r.Context().Err() != nil {
		return false
	}
	next := p.target.route.backends[rest[0]]
	switch {
	case p.committed:
		// The first break must be one to fall back on; after that the client's
		// answer goes on wherever it can.
		resumable := p.transcript != nil && p.transcript.Resumable()
		return resumable && p.target.route.Fallback.Has(p.told.class)
	case p.g.now() >= p.deadline, !p.repeatable(next, e):
		return false
	case e.class == CircuitOpen && next.Priority == b.Priority:
		return true // its equals share the requests that are not for it
	}
	return p.target.route.Fallback.Has(e.class)
}

// fit drops the backends in whose dialect the request cannot be said. It is
// looked at no sooner than it matters: on most requests' way it never does.
func (p *pursuit) fit(rest []int) []int {
	out := make([]int, 0, len(rest))
	for _, j := range rest {
		b := p.target.route.backends[j]
		up := p.upstream(b)
		if p.express(up, b) == nil {
			out = append(out, j)
		}
		up.free()
	}
	return out
}

// left reports whether one of the rest would be asked after a failure of that
// class, and take the call.
func (p *pursuit) left(rest []int, c Class) bool {
	route, now := p.target.route, p.g.now()
	if p.committed {
		c = p.told.class // what follows the break is not asked for
	}
	if !route.Fallback.Has(c) {
		return false
	}
	for _, j := range rest {
		if p.committed && !p.resumesOn(route.backends[j]) {
			continue
		}
		if _, admits := route.circuits[p.target.match][j].Admits(now); admits || p.bypass {
			return true
		}
	}
	return false
}

// finish counts a request that was answered, or whose client has left.
func (p *pursuit) finish(b *liveBackend, e *ending) {
	p.ends(b, e.class)
	if p.broken && e.class == Success {
		p.g.metrics.recovered(p.target.route, b, p.target.route.Recovery)
	}
}

// giveUp tells the client that no backend has answered.
func (p *pursuit) giveUp() {
	switch {
	case p.told != nil:
	case p.refused.backend == nil && p.unfit != nil:
		p.g.metrics.rejected(p.unfit.code)
		p.tell(&reply{own: p.unfit})
		return
	default:
		p.refuse()
		return
	}
	p.ends(p.told.backend, p.told.class)
	p.tell(p.told)
}

// refusals are what the circuits said to a request that none let through.
type refusals struct {
	backend  *liveBackend // the first that refused
	first    circuit.Refusal
	bulkhead circuit.Refusal // the first by a bulkhead
	earliest time.Duration   // when the first circuit may let a call through; 0: unknown
}

func (r *refusals) add(b *liveBackend, f circuit.Refusal, now time.Duration) {
	if r.backend == nil {
		r.backend, r.first = b, f
	}
	switch f.Reason {
	case circuit.BulkheadFull, circuit.BulkheadTimeout, circuit.Cancelled:
		if r.bulkhead.Reason == circuit.NotRefused {
			r.bulkhead = f
		}
		return
	case circuit.ProbesBusy:
		f.At = now + time.Second // a probe may be over at any time
	}
	if f.At != 0 && (r.earliest == 0 || f.At < r.earliest) {
		r.earliest = f.At
	}
}

// refuse answers a request that no backend was called for.
func (p *pursuit) refuse() {
	r, route := &p.refused, p.target.route
	out := reply{backend: r.backend, class: BulkheadFull}
	switch r.bulkhead.Reason {
	case circuit.NotRefused:
		out.class, out.circuit = CircuitOpen, circuitOpen
		out.own = &apiError{status: http.StatusServiceUnavailable, code: codeCircuitOpen,
			message: "the circuit of every backend of route " + route.Name + " that may be asked is open"}
		if r.first.Reason == circuit.ProbesBusy {
			out.circuit = circuitHalfOpen
		}
		if r.earliest != 0 {
			out.own.retryAfter = max(r.earliest-p.g.now(), 1)
		}
	case circuit.BulkheadFull:
		out.own = &apiError{status: http.StatusServiceUnavailable, code: codeBulkheadFull, retryAfter: time.Second,
			message: "route " + route.Name + " runs as many calls as it may, and its queue is full"}
	default: // waited for as long as the queue or the route allows
		out.own = &apiError{status: http.StatusServiceUnavailable, code: codeBulkheadTimeout, retryAfter: time.Second,
			message: "route " + route.Name + " runs as many calls as it may, and none ended in time"}
	}
	p.ends(out.backend, out.class)
	p.tell(&out)
}
