package controller

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// fakeGateway is observed to be whatever the test says.
type fakeGateway struct {
	mu       sync.Mutex
	snapshot *gateway.Snapshot                  // guarded by mu
	circuits map[string][]gateway.CircuitStatus // guarded by mu; by policy ID
	routes   map[string]gateway.RouteStatus     // guarded by mu; by name
	resets   []string                           // guarded by mu; policy IDs
	warned   []string                           // guarded by mu; policy IDs and circuits
	restored []string                           // guarded by mu; policy IDs, circuits and what of
	closed   bool                               // guarded by mu
}

func newFakeGateway() *fakeGateway {
	return &fakeGateway{circuits: map[string][]gateway.CircuitStatus{}, routes: map[string]gateway.RouteStatus{}}
}

// Apply keeps the snapshot.
func (g *fakeGateway) Apply(s *gateway.Snapshot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.snapshot = s
}

func (g *fakeGateway) applied() *gateway.Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.snapshot
}

// Reset keeps the ID.
func (g *fakeGateway) Reset(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resets = append(g.resets, id)
}

func (g *fakeGateway) resetsOf(id string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, one := range g.resets {
		if one == id {
			n++
		}
	}
	return n
}

func (g *fakeGateway) set(id string, circuits ...gateway.CircuitStatus) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.circuits[id] = circuits
}

func (g *fakeGateway) setRoute(name string, s gateway.RouteStatus) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.routes[name] = s
}

// ObservePolicy returns what was set.
func (g *fakeGateway) ObservePolicy(id string) []gateway.CircuitStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.circuits[id]
}

// ObserveRoute returns what was set.
func (g *fakeGateway) ObserveRoute(_, name string) (gateway.RouteStatus, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.routes[name]
	return s, ok
}

// ViewRoute returns what was set, with other eyes.
func (g *fakeGateway) ViewRoute(_, name string, view gateway.View) (gateway.RouteStatus, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.routes[name]
	s.Backends = slices.Clone(s.Backends)
	for i := range s.Backends {
		b := &s.Backends[i]
		for _, circuits := range g.circuits {
			for _, c := range circuits {
				if c.Key.String() != b.Circuit {
					continue
				}
				seen := view(c)
				if b.State = seen.State; b.State == circuit.Open && s.ActiveBackend == b.Name {
					s.ActiveBackend = ""
				}
			}
		}
	}
	return s, ok
}

// ObserveTrouble returns the circuits that are not at rest.
func (g *fakeGateway) ObserveTrouble(time.Duration) gateway.Trouble {
	g.mu.Lock()
	defer g.mu.Unlock()
	var t gateway.Trouble
	for _, circuits := range g.circuits {
		for _, c := range circuits {
			t.Total++
			if c.State == circuit.Open {
				t.Open++
			}
			if !c.AtRest || c.Last != nil {
				t.Circuits = append(t.Circuits, c)
			}
		}
	}
	return t
}

// Warn notes which circuit.
func (g *fakeGateway) Warn(id, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.warned = append(g.warned, id+" "+name)
	return true
}

// Restore notes which circuit and how, and opens it.
func (g *fakeGateway) Restore(id, name string, s gateway.SavedCircuit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.restored = append(g.restored, fmt.Sprintf("%s %s level %d, open for %s", id, name, s.BackoffLevel, s.NextProbe.Sub(s.Opened)))
	c := opened(id, "", "", gateway.Transition{From: circuit.Closed, To: circuit.Open, Reason: circuit.WasRestored, Time: time.Now()})
	c.OpenedTime, c.NextProbe, c.Opens = s.Opened, s.NextProbe, 0
	g.circuits[id] = []gateway.CircuitStatus{c}
}

// CircuitsOff is never so.
func (*fakeGateway) CircuitsOff() bool { return false }

// Restless returns the policies with a circuit not at rest.
func (g *fakeGateway) Restless() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []string
	for id, circuits := range g.circuits {
		for _, c := range circuits {
			if !c.AtRest {
				out = append(out, id)
				break
			}
		}
	}
	return out
}

// Close notes that it was called.
func (g *fakeGateway) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// fakeListener serves nobody, and drains when the test says so.
type fakeListener struct {
	listening, shutting, drained chan struct{}
	left                         atomic.Bool
}

func newFakeListener() *fakeListener {
	l := &fakeListener{listening: make(chan struct{}), shutting: make(chan struct{}), drained: make(chan struct{})}
	close(l.drained)
	return l
}

// Listen opens nothing.
func (l *fakeListener) Listen() error { close(l.listening); return nil }

// Leave notes that it was called.
func (l *fakeListener) Leave() { l.left.Store(true) }

// Addr returns an address.
func (l *fakeListener) Addr() net.Addr { return &net.TCPAddr{} }

// Serve waits for the end.
func (l *fakeListener) Serve(ctx context.Context) error { <-ctx.Done(); return nil }

// Shutdown waits for the test.
func (l *fakeListener) Shutdown(ctx context.Context) error {
	close(l.shutting)
	select {
	case <-l.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// resting is a closed circuit with nothing to tell.
func resting(id string) gateway.CircuitStatus {
	return gateway.CircuitStatus{
		Key:   gateway.CircuitKey{Policy: id, Origin: "https://api.example.com", Model: "m"},
		State: circuit.Closed, HealthScore: 100, AtRest: true,
	}
}

// opened is the circuit of resting after a transition, and the transition.
func opened(id, namespace, name string, t gateway.Transition) gateway.CircuitStatus {
	c := resting(id)
	t.Circuit, t.Namespace, t.Name = c.Key, namespace, name
	c.State, c.FailureCount, c.HealthScore, c.AtRest, c.Opens = circuit.Open, 5, 18, false, 1
	c.OpenedTime = t.Time
	c.Last = &t
	return c
}
