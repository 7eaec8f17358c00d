package gateway

import (
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// SetClientStall sets how long a client may take nothing before it counts as
// gone.
func (g *Gateway) SetClientStall(d time.Duration) { g.clientStall = d }

// Watched is how many circuits time will change.
func (g *Gateway) Watched() int {
	g.settler.mu.Lock()
	defer g.settler.mu.Unlock()
	return len(g.settler.entries)
}

// RefusalTeller returns what a request does when a circuit refuses its call.
func (g *Gateway) RefusalTeller() func(circuit.Refusal) {
	a := &attempt{
		x: &exchange{g: g, target: target{route: &liveRoute{Route: &Route{Name: "r"}}}},
		b: &liveBackend{Backend: &Backend{Name: "b"}},
		c: &managedCircuit{name: "p"},
	}
	return a.tellRefusal
}
