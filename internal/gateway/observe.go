package gateway

import (
	"cmp"
	"slices"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// ObservePolicy returns the circuits of a policy, the worst first: by state,
// then by health, then by name. It is nil for a policy that is not live.
func (g *Gateway) ObservePolicy(policyID string) []CircuitStatus {
	circuits, ok := g.live.Load().policies[policyID]
	if !ok {
		return nil
	}
	now := g.now()
	out := make([]CircuitStatus, 0, len(circuits))
	for _, c := range circuits {
		out = append(out, g.status(c, now))
	}
	slices.SortFunc(out, func(a, b CircuitStatus) int {
		return cmp.Or(
			cmp.Compare(b.State, a.State),
			cmp.Compare(a.HealthScore, b.HealthScore),
			cmp.Compare(a.Key.String(), b.Key.String()),
		)
	})
	return out
}

// Restless returns the IDs of the policies that have at least one circuit with
// something to tell.
func (g *Gateway) Restless() []string {
	now := g.now()
	var out []string
	for id, circuits := range g.live.Load().policies {
		for _, c := range circuits {
			if !c.Observe(now).AtRest {
				out = append(out, id)
				break
			}
		}
	}
	slices.Sort(out)
	return out
}

// View replaces what is known of a circuit here by what is known of it elsewhere
// too.
type View func(CircuitStatus) CircuitStatus

// ObserveRoute tells where the next request to a route would go, and how its
// backends are. The second result is false for a route that is not live.
func (g *Gateway) ObserveRoute(namespace, name string) (RouteStatus, bool) {
	return g.ViewRoute(namespace, name, func(c CircuitStatus) CircuitStatus { return c })
}

// ViewRoute is ObserveRoute with other eyes: a circuit that is open in the view
// lets nothing through.
func (g *Gateway) ViewRoute(namespace, name string, view View) (RouteStatus, bool) {
	r := g.live.Load().routes[objectKey{namespace, name}]
	if r == nil {
		return RouteStatus{}, false
	}
	now := g.now()
	out := RouteStatus{Backends: make([]BackendStatus, len(r.backends))}
	admits := make([]bool, len(r.backends))
	for i, b := range r.backends {
		worst := BackendStatus{Name: b.Name, HealthScore: 100, AtRest: true}
		refuses := b.Policy.Circuit.Mode == circuit.Enforce && !g.options.CircuitsOff
		for m := range r.circuits {
			c := r.circuits[m][i]
			s := view(g.status(c, now))
			if m == 0 || s.State > worst.State || s.State == worst.State && s.HealthScore < worst.HealthScore {
				worst.Circuit = c.key.String()
				worst.State = s.State
				worst.FailureCount = s.FailureCount
				worst.HealthScore = s.HealthScore
			}
			worst.AtRest = worst.AtRest && s.AtRest
			if _, ok := c.Admits(now); ok && b.Unavailable == "" && (s.State != circuit.Open || !refuses) {
				admits[i] = true
			}
		}
		out.Backends[i] = worst
	}
	// A draw of zero takes the heaviest claim: the first of its priority with
	// any weight, so that the answer does not flicker between equals.
	first := func() float64 { return 0 }
	for _, i := range r.candidates(make([]int, 0, 16), first) {
		if admits[i] {
			out.ActiveBackend = r.backends[i].Name
			break
		}
	}
	return out, true
}

func (g *Gateway) status(c *managedCircuit, now time.Duration) CircuitStatus {
	o := c.Observe(now)
	s := CircuitStatus{
		Key:          c.key,
		State:        o.State,
		FailureCount: o.FailureCount,
		HealthScore:  o.HealthScore,
		Running:      o.Running,
		Queued:       o.Queued,
		BackoffLevel: o.BackoffLevel,
		Opens:        o.Totals.Opens,
		AtRest:       o.AtRest,
	}
	if o.Opened {
		s.OpenedTime = g.wall(o.OpenedAt)
	}
	if o.Probing {
		s.NextProbe = g.wall(o.NextProbeAt)
	}
	if o.HasLast {
		t := g.transition(c, o.Last)
		s.Last = &t
	}
	return s
}

func (g *Gateway) transition(c *managedCircuit, t circuit.Transition) Transition {
	return Transition{
		Circuit:   c.key,
		Namespace: c.namespace,
		Name:      c.name,
		From:      t.From,
		To:        t.To,
		Reason:    t.Reason,
		Message:   t.Message(),
		Time:      g.wall(t.At),
	}
}

// onTransition is told by the engine, outside its locks and in order.
func (g *Gateway) onTransition(c *managedCircuit, t circuit.Transition) {
	g.settler.watch(c)
	c.transitions.add(t)
	told := g.transition(c, t)
	g.log.Info("Circuit changed state", "namespace", told.Namespace, "policy", told.Name,
		"circuit", c.key.String(), "from", told.From.String(), "to", told.To.String(),
		"reason", string(told.Reason), "message", told.Message)
	if g.options.OnTransition != nil {
		g.options.OnTransition(told)
	}
}
