package gateway

import (
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// CircuitStatus is what the gateway knows of one circuit, in wall-clock times;
// a zero time is an absent one.
type CircuitStatus struct {
	Key CircuitKey
	// State is what callers meet: an override in force is in it.
	State        circuit.State
	FailureCount int // consecutive failures
	HealthScore  int // 0..100
	Running      int
	Queued       int
	BackoffLevel int
	Opens        uint64 // openings since the circuit was made
	OpenedTime   time.Time
	NextProbe    time.Time
	Last         *Transition // nil before the first
	// AtRest means that there is nothing to tell: closed, no failures, no
	// override, no queue, healthy.
	AtRest bool
}

// Transition is one change of a circuit's state.
type Transition struct {
	Circuit         CircuitKey
	Namespace, Name string // of the policy; Name is empty for the built-in one
	From, To        circuit.State
	Reason          circuit.Reason
	Message         string
	Time            time.Time
}

// RouteStatus is what the gateway knows of one route.
type RouteStatus struct {
	// ActiveBackend is where the next request would go; empty: nowhere.
	ActiveBackend string
	Backends      []BackendStatus
}

// BackendStatus is a backend's worst circuit.
type BackendStatus struct {
	Name         string
	Circuit      string // CircuitKey.String()
	State        circuit.State
	FailureCount int
	HealthScore  int
	AtRest       bool
}
