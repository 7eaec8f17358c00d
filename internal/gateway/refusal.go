package gateway

import (
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// Refusal is one call of a backend that its circuit or its bulkhead did not let
// through. Another backend may have answered the request all the same.
type Refusal struct {
	Circuit   CircuitKey
	Namespace string // of the policy and of the route
	Policy    string // its name; empty for the built-in one
	Route     string
	Backend   string
	RequestID string
	Reason    circuit.RefusalReason
	// NextProbe is when the circuit lets a probe through; zero: unknown.
	NextProbe time.Time
	Time      time.Time
}

// tellRefusal tells whoever listens that the circuit said no. It runs on the
// request's way: it allocates nothing, and what it calls must not block.
func (a *attempt) tellRefusal(r circuit.Refusal) {
	tell := a.x.g.options.OnRefusal
	if tell == nil {
		return
	}
	if r.Reason == circuit.Cancelled {
		if _, late := a.dog.exceeded(); !late {
			return // the client left, which nobody refused
		}
		r.Reason = circuit.BulkheadTimeout // the route's time ran out in the queue
	}
	g := a.x.g
	told := Refusal{
		Circuit:   a.c.key,
		Namespace: a.c.namespace,
		Policy:    a.c.name,
		Route:     a.x.target.route.Name,
		Backend:   a.b.Name,
		RequestID: a.x.id,
		Reason:    r.Reason,
		Time:      g.wall(g.now()),
	}
	if r.At != 0 {
		told.NextProbe = g.wall(r.At)
	}
	tell(told)
}
