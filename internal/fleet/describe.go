package fleet

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/status"
)

// Lately is how long after its last transition a circuit at rest is reported, so
// that those who come late learn of its closing.
const Lately = time.Minute

// maxReportedMessage keeps a report of 500 circuits small, in bytes.
const maxReportedMessage = 256

// Describe writes into a report what its gateway observes: of the circuits the
// worst, and how many more there are.
func Describe(t gateway.Trouble, to *v1alpha1.GatewayReplicaStatus) {
	circuits := slices.Clone(t.Circuits)
	for i := range circuits {
		circuits[i] = settled(circuits[i])
	}
	slices.SortFunc(circuits, func(a, b gateway.CircuitStatus) int {
		return cmp.Or(
			compareRest(a.AtRest, b.AtRest), compare(a, b),
			cmp.Compare(a.Key.Policy, b.Key.Policy), cmp.Compare(a.Key.String(), b.Key.String()),
		)
	})
	to.CircuitCount, to.OpenCircuits = int32(t.Total), int32(t.Open)
	to.Circuits, to.OmittedCircuits = nil, 0
	for i, c := range circuits {
		switch {
		case i < v1alpha1.MaxReportedCircuits:
			to.Circuits = append(to.Circuits, describe(c))
		case !c.AtRest:
			to.OmittedCircuits++
		}
	}
}

// compareRest puts what is not at rest first.
func compareRest(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func describe(c gateway.CircuitStatus) v1alpha1.ReplicaCircuit {
	out := v1alpha1.ReplicaCircuit{
		Policy:        c.Key.Policy,
		Name:          c.Key.String(),
		State:         v1alpha1.CircuitState(c.State.String()),
		FailureCount:  int32(c.FailureCount),
		HealthScore:   int32(c.HealthScore),
		Queued:        int32(c.Queued),
		OpenedTime:    seconds(c.OpenedTime),
		NextProbeTime: seconds(c.NextProbe),
		BackoffLevel:  int32(c.BackoffLevel),
		Opens:         int64(c.Opens),
		AtRest:        c.AtRest,
	}
	if t := c.Last; t != nil {
		out.LastTransition = &v1alpha1.Transition{
			From:    v1alpha1.CircuitState(t.From.String()),
			To:      v1alpha1.CircuitState(t.To.String()),
			Reason:  string(t.Reason),
			Message: status.Clip(t.Message, maxReportedMessage),
			Time:    *seconds(t.Time),
		}
	}
	return out
}

// seconds is the time as the API server gives it back; nil for the zero time.
func seconds(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC().Truncate(time.Second)}
}
