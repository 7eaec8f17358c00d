package controller

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/switchgear/switchgear/internal/fleet"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/status"
)

// FleetGateway is this process's own gateway, as one of a fleet.
type FleetGateway interface {
	status.LocalGateway
	ViewRoute(namespace, name string, view gateway.View) (gateway.RouteStatus, bool)
}

// Fleet observes circuits as all replicas together have them: this process's
// own at first hand, the others' by what they report.
type Fleet struct {
	own     FleetGateway
	local   status.Observer
	mu      sync.Mutex
	roll    *fleet.Roll     // guarded by mu
	counted map[string]bool // guarded by mu; whose report counted when it was last looked at
}

var _ status.Observer = (*Fleet)(nil)

// NewFleet returns a fleet of one.
func NewFleet(own FleetGateway) *Fleet {
	return &Fleet{own: own, local: status.ObserveLocal(own), roll: fleet.NewRoll(), counted: map[string]bool{}}
}

// live are the other replicas' reports that count.
func (f *Fleet) live() []*fleet.Report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.roll.Live(time.Now())
}

// ObservePolicy returns a policy's circuits over all replicas.
func (f *Fleet) ObservePolicy(policyID string) status.PolicyObservation {
	return fleet.Merge(f.local.ObservePolicy(policyID), policyID, f.live())
}

// ObserveRoute tells of a route's backends over all replicas.
func (f *Fleet) ObserveRoute(namespace, name string) (gateway.RouteStatus, bool) {
	others := f.live()
	return f.own.ViewRoute(namespace, name, func(c gateway.CircuitStatus) gateway.CircuitStatus {
		return fleet.MergeCircuit(c, others)
	})
}

// Restless returns the IDs of the policies with something to tell anywhere.
func (f *Fleet) Restless() []string {
	out := f.own.Restless()
	for _, r := range f.live() {
		out = append(out, r.Restless()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Reach says which replicas do not serve an object in a version or a later one
// yet; of tells what a report says of the object's kind.
func (f *Fleet) Reach(version string, of func(*fleet.Report) string) status.Reach {
	others := f.live()
	return status.Reach{Replicas: 1 + len(others), Behind: fleet.Behind(others, version, of)}
}

// isNews reports whether a transition of a replica, of this one if the name is
// empty, changes what the circuit is like over all of them.
func (f *Fleet) isNews(t gateway.Transition, replica string) bool {
	elsewhere := fleet.Elsewhere(t.Circuit.Policy, t.Circuit.String(), f.live(), replica)
	if replica != "" {
		if c, ok := f.ownCircuit(t.Circuit.Policy, t.Circuit.String()); ok {
			elsewhere = max(elsewhere, c.State)
		}
	}
	return fleet.IsNews(t, elsewhere)
}

// ownCircuit finds a circuit of this process by its policy and its name.
func (f *Fleet) ownCircuit(policyID, name string) (gateway.CircuitStatus, bool) {
	for _, c := range f.own.ObservePolicy(policyID) {
		if c.Key.String() == name {
			return c, true
		}
	}
	return gateway.CircuitStatus{State: circuit.Closed}, false
}

// change is what is new about one replica.
type change struct {
	replica string
	// policies are the IDs of those whose circuits may be other now.
	policies []string
	// members: a replica counts that did not, or the other way round.
	members bool
	// configuration: its configuration is another.
	configuration bool
	trips         []fleet.Trip
	transitions   []fleet.Transition
	err           error // why the report cannot be used
}

// take takes a version of a replica's report. The second result is false if it
// was taken already.
func (f *Fleet) take(o *unstructured.Unstructured) (change, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name, version := o.GetName(), o.GetResourceVersion()
	if f.roll.Known(name, version) {
		return change{}, false
	}
	last := f.roll.Last(name)
	report, err := fleet.Read(o, last)
	f.roll.Take(name, version, report, err, time.Now())
	c := change{replica: name, err: err, policies: last.Policies()}
	counts := err == nil && report.Serving
	c.members, f.counted[name] = counts != f.counted[name], counts
	if err == nil {
		c.policies = append(c.policies, report.Policies()...)
		c.configuration = last == nil || last.Configuration != report.Configuration
	}
	if counts {
		c.trips, c.transitions = report.Trips(last), report.Transitions(last)
	}
	return c, true
}

// forget drops a replica whose object is gone.
func (f *Fleet) forget(name string) change {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := change{replica: name, policies: f.roll.Last(name).Policies(), members: f.counted[name]}
	f.roll.Forget(name)
	delete(f.counted, name)
	return c
}

// expire looks at how old a replica's report is. When it has just become too
// old, the change says so.
func (f *Fleet) expire(name string) (age time.Duration, c change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	age = f.roll.Age(name, time.Now())
	if age >= fleet.Expiry && f.counted[name] {
		f.counted[name] = false
		c = change{replica: name, policies: f.roll.Last(name).Policies(), members: true}
	}
	return age, c
}

// complete reports whether these versions of the others' reports, or later ones,
// have been taken and none is too old.
func (f *Fleet) complete(others []unstructured.Unstructured) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range others {
		if !f.roll.Has(others[i].GetName()) {
			return false
		}
	}
	return f.roll.Complete(time.Now())
}

// census counts the other replicas.
func (f *Fleet) census() fleet.Census {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.roll.Census(time.Now())
}
