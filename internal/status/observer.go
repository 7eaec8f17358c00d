package status

import (
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// Observer is where those who compute a status learn what the circuits are like.
// Nothing else about a gateway is known to them, so that the source may become
// a fleet's reports.
type Observer interface {
	// ObservePolicy returns what is known of a policy's circuits.
	ObservePolicy(policyID string) PolicyObservation
	// ObserveRoute tells of a route's backends; false if the route is not live.
	ObserveRoute(namespace, name string) (gateway.RouteStatus, bool)
	// Restless returns the IDs of the policies with something to tell.
	Restless() []string
}

// PolicyObservation is what is known of one policy.
type PolicyObservation struct {
	// Circuits are the policy's circuits, each as it is on the replica that has it
	// worst.
	Circuits []gateway.CircuitStatus
	// NotClosed is on how many replicas a circuit is open or half-open; those that
	// are closed everywhere are not in it.
	NotClosed map[gateway.CircuitKey]int
	// Opens is how often circuits have opened, as far as is known.
	Opens int64
	// News is the newest transition that is worth an Event; nil: there is none.
	News *gateway.Transition
	// Replicas is how many processes were asked; Open how many of them have at
	// least one circuit of the policy open.
	Replicas, Open int
	// CircuitsOff means that the processes refuse nothing, whatever the policy
	// says.
	CircuitsOff bool
}

// LocalGateway is the part of a gateway in this process that is observed.
type LocalGateway interface {
	ObservePolicy(policyID string) []gateway.CircuitStatus
	ObserveRoute(namespace, name string) (gateway.RouteStatus, bool)
	Restless() []string
	CircuitsOff() bool
}

// ObserveLocal observes this process's own gateway.
func ObserveLocal(g LocalGateway) Observer { return local{g} }

type local struct{ LocalGateway }

// ObservePolicy returns the circuits of the one gateway there is.
func (l local) ObservePolicy(policyID string) PolicyObservation {
	o := PolicyObservation{
		Circuits:    l.LocalGateway.ObservePolicy(policyID),
		NotClosed:   map[gateway.CircuitKey]int{},
		Replicas:    1,
		CircuitsOff: l.CircuitsOff(),
	}
	for _, c := range o.Circuits {
		o.Opens += int64(c.Opens)
		if c.State != circuit.Closed {
			o.NotClosed[c.Key] = 1
		}
		if c.State == circuit.Open {
			o.Open = 1
		}
	}
	o.News = newest(o.Circuits, func(t *gateway.Transition) bool { return t.Reason != circuit.WasRestored })
	return o
}
