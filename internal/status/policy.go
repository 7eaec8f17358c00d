package status

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// maxCircuits bounds the list of circuits in a policy's status.
const maxCircuits = 64

// PolicyInput is all that a policy's status depends on.
type PolicyInput struct {
	// Policy is the policy with the status it had.
	Policy   *v1alpha1.CircuitPolicy
	Result   *compile.PolicyResult
	Observed PolicyObservation
	Reach    Reach
	// OpenCount is how often circuits of the policy have opened.
	OpenCount int64
	// LastReset is the last request to reset that has been done.
	LastReset string
	Now       time.Time
}

// OfPolicy computes the status that a policy should have. What is at rest is
// shown at rest: zeros and 100.
func OfPolicy(in PolicyInput) v1alpha1.CircuitPolicyStatus {
	circuits := settled(in.Observed.Circuits)
	old := in.Policy.Status
	s := v1alpha1.CircuitPolicyStatus{
		ObservedGeneration: in.Policy.Generation,
		State:              stateName(circuit.Closed),
		HealthScore:        100,
		OpenCount:          in.OpenCount,
		LastReset:          cmp.Or(in.LastReset, old.LastReset),
		Effective:          in.Result.Effective,
		Replicas: &v1alpha1.ReplicaSummary{
			Total:   int32(in.Observed.Replicas),
			Open:    int32(in.Observed.Open),
			Summary: fmt.Sprintf("%d/%d", in.Observed.Open, in.Observed.Replicas),
		},
	}
	if len(circuits) > 0 {
		worst := circuits[0]
		s.State = stateName(worst.State)
		s.FailureCount = int32(worst.FailureCount)
		s.HealthScore = int32(worst.HealthScore)
		s.OpenedTime = seconds(worst.OpenedTime)
		s.NextProbeTime = seconds(worst.NextProbe)
	}
	for i, c := range circuits {
		s.Queued += int32(c.Queued)
		if i < maxCircuits {
			s.Circuits = append(s.Circuits, ofCircuit(c, in.Observed.NotClosed[c.Key]))
		}
	}
	s.LastTransition = lastTransition(circuits, old.LastTransition, s.State)
	s.Conditions = policyConditions(in, circuits)
	return s
}

// settled returns the circuits with those at rest evened out, the worst first.
func settled(observed []gateway.CircuitStatus) []gateway.CircuitStatus {
	circuits := slices.Clone(observed)
	for i := range circuits {
		if circuits[i].AtRest {
			circuits[i].FailureCount, circuits[i].Queued, circuits[i].HealthScore = 0, 0, 100
		}
	}
	slices.SortStableFunc(circuits, func(a, b gateway.CircuitStatus) int {
		return cmp.Or(
			cmp.Compare(b.State, a.State),
			cmp.Compare(a.HealthScore, b.HealthScore),
			cmp.Compare(b.FailureCount, a.FailureCount),
			cmp.Compare(a.Key.String(), b.Key.String()),
		)
	})
	return circuits
}

func ofCircuit(c gateway.CircuitStatus, notClosed int) v1alpha1.CircuitStatus {
	return v1alpha1.CircuitStatus{
		Name:          c.Key.String(),
		State:         stateName(c.State),
		FailureCount:  int32(c.FailureCount),
		HealthScore:   int32(c.HealthScore),
		OpenedTime:    seconds(c.OpenedTime),
		NextProbeTime: seconds(c.NextProbe),
		BackoffLevel:  int32(c.BackoffLevel),
		OpenReplicas:  int32(notClosed),
	}
}

func stateName(s circuit.State) v1alpha1.CircuitState { return v1alpha1.CircuitState(s.String()) }
