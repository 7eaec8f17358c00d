package fleet

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// Trip is a circuit of another replica that its calls' failures have opened.
type Trip struct {
	Policy, Circuit string // the policy's ID and the circuit's name
	Opened          time.Time
}

// Trips returns what has opened since an earlier report of the replica, which
// may be nil. That a probe has failed is no trip: the others were told of the
// first, and one replica that goes on failing must not go on warning them.
func (r *Report) Trips(since *Report) []Trip {
	var out []Trip
	for policy, circuits := range r.circuits {
		for name, c := range circuits {
			if !isTrip(c) || since != nil && since.circuits[policy][name].OpenedTime.Equal(c.OpenedTime) {
				continue
			}
			out = append(out, Trip{policy, name, c.OpenedTime})
		}
	}
	slices.SortFunc(out, func(a, b Trip) int {
		return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Circuit, b.Circuit))
	})
	return out
}

func isTrip(c gateway.CircuitStatus) bool {
	if c.State != circuit.Open || c.OpenedTime.IsZero() || c.Last == nil || c.Last.From != circuit.Closed {
		return false
	}
	switch c.Last.Reason {
	case circuit.WasRestored, circuit.OverrideBegan, circuit.OverrideEnded, circuit.ModeChanged:
		return false
	}
	return true
}

// Transition is a transition that another replica has reported.
type Transition struct {
	Policy, Circuit string // the policy's ID and the circuit's name
	gateway.Transition
}

// Transitions returns what is new since an earlier report of the replica, which
// may be nil, in the order of time.
func (r *Report) Transitions(since *Report) []Transition {
	var out []Transition
	for policy, circuits := range r.circuits {
		for name, c := range circuits {
			if c.Last == nil || since != nil && same(since.circuits[policy][name].Last, c.Last) {
				continue
			}
			out = append(out, Transition{policy, name, *c.Last})
		}
	}
	slices.SortFunc(out, func(a, b Transition) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Circuit, b.Circuit))
	})
	return out
}

func same(a, b *gateway.Transition) bool {
	return a != nil && a.From == b.From && a.To == b.To && a.Reason == b.Reason && a.Time.Equal(b.Time)
}

// Policies returns the IDs of the policies with a circuit in the report.
func (r *Report) Policies() []string {
	var out []string
	if r != nil {
		for id := range r.circuits {
			out = append(out, id)
		}
		slices.Sort(out)
	}
	return out
}

// Restless returns the IDs of the policies with a circuit that is not at rest.
func (r *Report) Restless() []string {
	var out []string
	for id, circuits := range r.circuits {
		for _, c := range circuits {
			if !c.AtRest {
				out = append(out, id)
				break
			}
		}
	}
	slices.Sort(out)
	return out
}

// Elsewhere is the worst state that a circuit has on the other replicas but one.
func Elsewhere(policyID, name string, others []*Report, but string) circuit.State {
	out := circuit.Closed
	for _, r := range others {
		if r.Replica != but {
			out = max(out, r.circuits[policyID][name].State)
		}
	}
	return out
}

// Behind returns the replicas whose configuration has not reached a
// resourceVersion; of tells the kind's in a report.
func Behind(others []*Report, version string, of func(*Report) string) []string {
	var out []string
	for _, r := range others {
		order, err := resourceversion.CompareResourceVersion(of(r), version)
		if err != nil || order < 0 {
			out = append(out, r.Replica)
		}
	}
	return out
}
