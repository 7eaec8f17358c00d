package gateway

import (
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// SavedCircuit is what another process has told of an open or half-open circuit.
type SavedCircuit struct {
	// Opened and NextProbe are by whatever clock the other process had; a zero
	// NextProbe is now.
	Opened, NextProbe time.Time
	BackoffLevel      int
}

// Restore opens a circuit as another process had it, if it is closed and there
// is such a circuit: until its next probe is due, and never for longer than it
// was to be open for all in all, since the clocks may differ, nor than the policy
// allows.
func (g *Gateway) Restore(policyID, name string, s SavedCircuit) {
	c := g.circuit(policyID, name)
	if c == nil {
		return
	}
	now := g.now()
	until := now
	if !s.NextProbe.IsZero() {
		until = min(s.NextProbe.Sub(g.baseWall), now+max(0, s.NextProbe.Sub(s.Opened)))
	}
	c.Circuit.Restore(circuit.Saved{
		State: circuit.Open, Since: s.Opened.Sub(g.baseWall), Until: until, BackoffLevel: s.BackoffLevel,
	}, now)
	g.settler.watch(c)
}

// Warn tells a circuit that it has opened in another process: the next failure
// opens it here too, a success clears the warning. It reports whether there is
// such a circuit.
func (g *Gateway) Warn(policyID, name string) bool {
	c := g.circuit(policyID, name)
	if c == nil {
		return false
	}
	c.Circuit.Warn(g.now())
	g.log.Info("Circuit was warned by another replica", "namespace", c.namespace, "policy", c.name, "circuit", name)
	return true
}

// circuit finds a circuit by its policy and by its key's String.
func (g *Gateway) circuit(policyID, name string) *managedCircuit {
	for _, c := range g.live.Load().policies[policyID] {
		if c.key.String() == name {
			return c
		}
	}
	return nil
}
