package fleet

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// Report is what one replica has told, read. It is immutable.
type Report struct {
	Replica, Instance, Version string
	// Serving is false while the replica ends: it counts no more.
	Serving       bool
	CircuitsOff   bool
	Configuration v1alpha1.ReplicaConfiguration

	circuits map[string]map[string]gateway.CircuitStatus // by policy ID and name
	// opens is how often each circuit has opened in this instance, those that have
	// come to rest since included.
	opens map[string]map[string]int64
}

// Read reads a replica's object. What a later version has added to it is passed
// over, and what an earlier one did not know is absent. last is the replica's
// report before; it may be nil. The error says why the report cannot be used.
func Read(o *unstructured.Unstructured, last *Report) (*Report, error) {
	replica := &v1alpha1.GatewayReplica{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, replica); err != nil {
		return nil, fmt.Errorf("decoding it: %w", err)
	}
	s := &replica.Status
	if s.Instance == "" {
		return nil, errors.New("status.instance is empty")
	}
	if n := len(s.Circuits); n > v1alpha1.MaxReportedCircuits {
		return nil, fmt.Errorf("status.circuits has %d items, want %d at most", n, v1alpha1.MaxReportedCircuits)
	}
	r := &Report{
		Replica: replica.Name, Instance: s.Instance, Version: s.Version,
		Serving:     !meta.IsStatusConditionFalse(s.Conditions, v1alpha1.ConditionReady),
		CircuitsOff: s.CircuitsOff,
		circuits:    map[string]map[string]gateway.CircuitStatus{},
		opens:       map[string]map[string]int64{},
	}
	if s.Configuration != nil {
		r.Configuration = *s.Configuration
	}
	if last != nil && last.Instance == r.Instance {
		for policy, opens := range last.opens {
			r.opens[policy] = maps.Clone(opens)
		}
	}
	for i := range s.Circuits {
		if err := r.add(&s.Circuits[i]); err != nil {
			return nil, fmt.Errorf("status.circuits[%d]: %w", i, err)
		}
	}
	return r, nil
}

// add reads one circuit.
func (r *Report) add(c *v1alpha1.ReplicaCircuit) error {
	state, ok := states[c.State]
	switch {
	case c.Policy == "" || c.Name == "":
		return errors.New("policy or name is empty")
	case !ok:
		return fmt.Errorf("state %q is unknown", c.State)
	case c.HealthScore < 0 || c.HealthScore > 100:
		return fmt.Errorf("healthScore %d is not between 0 and 100", c.HealthScore)
	case c.FailureCount < 0 || c.Queued < 0 || c.BackoffLevel < 0 || c.Opens < 0:
		return errors.New("a count is below 0")
	}
	if _, twice := r.circuits[c.Policy][c.Name]; twice {
		return fmt.Errorf("%q of policy %q is there twice", c.Name, c.Policy)
	}
	out := gateway.CircuitStatus{
		State:        state,
		FailureCount: int(c.FailureCount),
		HealthScore:  int(c.HealthScore),
		Queued:       int(c.Queued),
		OpenedTime:   moment(c.OpenedTime),
		NextProbe:    moment(c.NextProbeTime),
		BackoffLevel: int(c.BackoffLevel),
		Opens:        uint64(c.Opens),
		AtRest:       c.AtRest,
	}
	if t := c.LastTransition; t != nil {
		from, ok1 := states[t.From]
		to, ok2 := states[t.To]
		if !ok1 || !ok2 {
			return fmt.Errorf("lastTransition from %q to %q is unknown", t.From, t.To)
		}
		out.Last = &gateway.Transition{From: from, To: to, Reason: circuit.Reason(t.Reason), Message: t.Message, Time: t.Time.Time}
	}
	put(r.circuits, c.Policy, c.Name, out)
	put(r.opens, c.Policy, c.Name, c.Opens)
	return nil
}

var states = map[v1alpha1.CircuitState]circuit.State{
	v1alpha1.CircuitClosed:   circuit.Closed,
	v1alpha1.CircuitHalfOpen: circuit.HalfOpen,
	v1alpha1.CircuitOpen:     circuit.Open,
}

func put[V any](m map[string]map[string]V, policy, name string, v V) {
	if m[policy] == nil {
		m[policy] = map[string]V{}
	}
	m[policy][name] = v
}

func moment(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
