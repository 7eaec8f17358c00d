package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// live is a snapshot made ready to serve: indexed, with the circuits, pools and
// counters that its parts use. It is immutable but for what those count.
type live struct {
	snapshot   *Snapshot
	namespaces map[string]*index
	routes     map[objectKey]*liveRoute
	circuits   map[CircuitKey]*managedCircuit
	policies   map[string][]*managedCircuit // by policy ID; also without circuits
}

type objectKey struct{ namespace, name string }

// managedCircuit is a circuit and what the gateway must know to tell of it.
type managedCircuit struct {
	*circuit.Circuit
	key             CircuitKey
	namespace, name string // of the policy; constant for one policy ID
	settings        circuit.Settings
	transitions     transitionCounts
	forgotten       bool // guarded by settler.mu: live no more
}

type liveRoute struct {
	*Route
	backends []*liveBackend
	// circuits has a row for each match, with a circuit for each backend.
	circuits [][]*managedCircuit
	budget   *retryBudget
}

type liveBackend struct {
	*Backend
	transport *http.Transport
	pool      poolKey    // of transport
	query     url.Values // of the backend's URL: what it always sends
	stats     *backendStats
	peer      peer
}

// build makes a snapshot ready, taking over from old what has the same identity. A
// route that is the very same is taken over whole: of many, mostly one has changed.
func (g *Gateway) build(s *Snapshot, old *live, now time.Duration) *live {
	l := &live{
		snapshot:   s,
		namespaces: map[string]*index{},
		routes:     make(map[objectKey]*liveRoute, len(s.Routes)),
		circuits:   make(map[CircuitKey]*managedCircuit, len(old.circuits)),
		policies:   make(map[string][]*managedCircuit, len(s.Policies)),
	}
	for _, p := range s.Policies {
		l.policies[p.ID] = nil
	}
	inUse := map[poolKey]bool{}
	for _, r := range s.Routes {
		id := objectKey{r.Namespace, r.Name}
		lr := old.routes[id]
		fresh := lr == nil || lr.Route != r
		if fresh {
			lr = g.newRoute(r, lr)
		}
		for _, b := range lr.backends {
			inUse[b.pool] = true
		}
		for m, match := range r.Matches {
			for i, key := range match.Circuits {
				c := g.takeCircuit(l, old, key, r.Backends[i].Policy, now)
				if fresh { // or it has that one, and is being served
					lr.circuits[m][i] = c
				}
			}
		}
		l.routes[id] = lr
		ix := l.namespaces[r.Namespace]
		if ix == nil {
			ix = newIndex()
			l.namespaces[r.Namespace] = ix
		}
		ix.add(lr)
	}
	for _, ix := range l.namespaces {
		ix.seal()
	}
	g.transports.retain(inUse)
	return l
}

// newRoute makes a route ready, but for its circuits. was is the route of that name
// that was live, nil if there was none.
func (g *Gateway) newRoute(r *Route, was *liveRoute) *liveRoute {
	lr := &liveRoute{Route: r, backends: make([]*liveBackend, len(r.Backends)), budget: &retryBudget{}}
	if was != nil {
		lr.budget = was.budget
	}
	for i, b := range r.Backends {
		transport, pool := g.transports.get(b)
		lr.backends[i] = &liveBackend{
			Backend:   b,
			transport: transport,
			pool:      pool,
			query:     queryValues(b.Query),
			stats:     g.metrics.backend(r.Namespace, r.Name, b.Name),
			peer:      peerOf(b.Dialect, b.URL),
		}
	}
	lr.circuits = make([][]*managedCircuit, len(r.Matches))
	for m := range r.Matches {
		lr.circuits[m] = make([]*managedCircuit, len(r.Backends))
	}
	return lr
}

// takeCircuit returns the circuit of that key: the one that was live, told of
// its settings, or a new one.
func (g *Gateway) takeCircuit(l, old *live, key CircuitKey, p *Policy, now time.Duration) *managedCircuit {
	if c := l.circuits[key]; c != nil {
		return c
	}
	settings := p.Circuit
	if g.options.CircuitsOff && settings.Mode == circuit.Enforce {
		settings.Mode = circuit.Observe
	}
	if !p.OverrideUntil.IsZero() {
		settings.Override.Until = max(1, p.OverrideUntil.Sub(g.baseWall))
	}
	c := old.circuits[key]
	switch {
	case c == nil:
		c = &managedCircuit{key: key, namespace: p.Namespace, name: p.Name, settings: settings}
		c.Circuit = circuit.New(settings, now, circuit.Options{
			Rand:    g.options.Rand,
			OnEvent: func(t circuit.Transition) { g.onTransition(c, t) },
		})
		g.settler.watch(c)
	case c.settings != settings:
		c.settings = settings
		c.Reconfigure(settings, now)
		g.settler.watch(c)
	}
	l.circuits[key] = c
	l.policies[key.Policy] = append(l.policies[key.Policy], c)
	return c
}

func queryValues(params []Header) url.Values {
	if len(params) == 0 {
		return nil
	}
	v := make(url.Values, len(params))
	for _, p := range params {
		v[p.Name] = append(v[p.Name], p.Value)
	}
	return v
}

// candidates returns the indices of the route's backends in the order in which
// a request tries them: by priority, among equals by chance in proportion to
// their weight, those of weight 0 last.
func (r *liveRoute) candidates(buf []int, random func() float64) []int {
	for i := range r.backends {
		buf = append(buf, i)
	}
	if len(buf) < 2 {
		return buf
	}
	slices.SortStableFunc(buf, func(a, b int) int { return r.backends[a].Priority - r.backends[b].Priority })
	for lo := 0; lo < len(buf); {
		hi := lo + 1
		for hi < len(buf) && r.backends[buf[hi]].Priority == r.backends[buf[lo]].Priority {
			hi++
		}
		r.shuffle(buf[lo:hi], random)
		lo = hi
	}
	return buf
}

// shuffle draws without replacement, in proportion to the weights.
func (r *liveRoute) shuffle(equals []int, random func() float64) {
	total := 0
	for _, i := range equals {
		total += r.backends[i].Weight
	}
	for at := 0; at < len(equals)-1 && total > 0; at++ {
		draw := int(random() * float64(total))
		chosen := at
		for ; chosen < len(equals)-1; chosen++ {
			draw -= r.backends[equals[chosen]].Weight
			if draw < 0 {
				break
			}
		}
		total -= r.backends[equals[chosen]].Weight
		// Rotating keeps the others in the order of the route.
		c := equals[chosen]
		copy(equals[at+1:chosen+1], equals[at:chosen])
		equals[at] = c
	}
}
