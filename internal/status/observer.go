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
	// Circuits are the policy's circuits, the worst first.
	Circuits []gateway.CircuitStatus
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
	o := PolicyObservation{Circuits: l.LocalGateway.ObservePolicy(policyID), Replicas: 1, CircuitsOff: l.CircuitsOff()}
	if len(o.Circuits) > 0 && o.Circuits[0].State == circuit.Open {
		o.Open = 1
	}
	return o
}
