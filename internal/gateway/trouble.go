package gateway

import (
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// Trouble is what there is to tell of all circuits together.
type Trouble struct {
	// Circuits are those that are not at rest or changed their state lately, in no
	// order.
	Circuits []CircuitStatus
	// Total is how many circuits there are, Open how many of them are open.
	Total, Open int
}

// ObserveTrouble looks at every circuit. Lately is how long after its last
// transition a circuit is told of although it is at rest.
func (g *Gateway) ObserveTrouble(lately time.Duration) Trouble {
	now := g.now()
	circuits := g.live.Load().circuits
	t := Trouble{Total: len(circuits)}
	for _, c := range circuits {
		o := c.Observe(now)
		if o.State == circuit.Open {
			t.Open++
		}
		if !o.AtRest || o.HasLast && now-o.Last.At < lately {
			t.Circuits = append(t.Circuits, g.status(c, now))
		}
	}
	return t
}
