package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// maxCircuitsInStatus bounds the list of circuits in a policy's status.
const maxCircuitsInStatus = 64

// policyInput is all that a policy's status depends on.
type policyInput struct {
	policy   *v1alpha1.CircuitPolicy
	result   *compile.PolicyResult
	observed PolicyObservation
	// openCount is how often circuits of the policy have opened.
	openCount int64
	// lastReset is the last request to reset that has been done.
	lastReset string
	now       time.Time
}

// policyStatus computes the status that a policy should have. What is at rest
// is shown at rest: zeros and 100.
func policyStatus(in policyInput) v1alpha1.CircuitPolicyStatus {
	circuits := settled(in.observed.Circuits)
	old := in.policy.Status
	s := v1alpha1.CircuitPolicyStatus{
		ObservedGeneration: in.policy.Generation,
		State:              stateName(circuit.Closed),
		HealthScore:        100,
		OpenCount:          in.openCount,
		LastReset:          cmp.Or(in.lastReset, old.LastReset),
		Effective:          in.result.Effective,
		Replicas: &v1alpha1.ReplicaSummary{
			Total:   int32(in.observed.Replicas),
			Open:    int32(in.observed.Open),
			Summary: fmt.Sprintf("%d/%d", in.observed.Open, in.observed.Replicas),
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
		if i < maxCircuitsInStatus {
			s.Circuits = append(s.Circuits, circuitInStatus(c))
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
			cmp.Compare(a.Key.String(), b.Key.String()),
		)
	})
	return circuits
}

func circuitInStatus(c gateway.CircuitStatus) v1alpha1.CircuitStatus {
	return v1alpha1.CircuitStatus{
		Name:          c.Key.String(),
		State:         stateName(c.State),
		FailureCount:  int32(c.FailureCount),
		HealthScore:   int32(c.HealthScore),
		OpenedTime:    seconds(c.OpenedTime),
		NextProbeTime: seconds(c.NextProbe),
		BackoffLevel:  int32(c.BackoffLevel),
	}
}

// lastTransition returns the newest transition. One from before the process
// began is kept for as long as it explains the state.
func lastTransition(circuits []gateway.CircuitStatus, old *v1alpha1.Transition, state v1alpha1.CircuitState) *v1alpha1.Transition {
	if t := newest(circuits); t != nil {
		return &v1alpha1.Transition{
			From:    stateName(t.From),
			To:      stateName(t.To),
			Reason:  string(t.Reason),
			Message: clip(t.Message, maxNote),
			Time:    *seconds(t.Time),
		}
	}
	if old != nil && old.To == state {
		return old
	}
	return nil
}

// newest returns the last transition of all circuits; nil if there was none.
func newest(circuits []gateway.CircuitStatus) *gateway.Transition {
	var last *gateway.Transition
	for _, c := range circuits {
		if c.Last != nil && (last == nil || c.Last.Time.After(last.Time)) {
			last = c.Last
		}
	}
	return last
}

func policyConditions(in policyInput, circuits []gateway.CircuitStatus) []metav1.Condition {
	c := &conditions{generation: in.policy.Generation, now: in.now, before: in.policy.Status.Conditions}
	c.setFromProblems(v1alpha1.ConditionAccepted, in.result.Accepted, in.result.Problems,
		v1alpha1.ReasonAccepted, "The policy is valid.")
	c.setProgrammed(in.result.LiveGeneration)
	c.setReady()
	c.setHealthy(&in.policy.Spec, circuits)
	return c.list
}

// setHealthy says whether every circuit is closed. One that is half-open is
// not healthy yet: all callers but its probes meet it as open. Where callers
// are not told what the breaker decides, the reason says so.
func (c *conditions) setHealthy(spec *v1alpha1.CircuitPolicySpec, circuits []gateway.CircuitStatus) {
	ok, reason, message := health(circuits)
	switch {
	case spec.Mode == v1alpha1.ModeDisabled:
		ok, reason, message = true, v1alpha1.ReasonDisabled, "spec.mode is Disabled: nothing is recorded and nothing refused."
	case overridden(spec, c.now):
		reason = v1alpha1.ReasonOverrideActive
		message = overrideMessage(spec.Override) + " " + message
	case spec.Mode == v1alpha1.ModeObserve:
		reason = v1alpha1.ReasonObserving
		message = "spec.mode is Observe: nothing is refused. " + message
	}
	c.set(v1alpha1.ConditionHealthy, ok, reason, message)
}

// health sums up the states of the circuits, of which the worst is the first.
func health(circuits []gateway.CircuitStatus) (ok bool, reason, message string) {
	const named = 3
	var names []string
	bad := 0
	for _, one := range circuits {
		if one.State == circuit.Closed {
			continue
		}
		if bad++; bad <= named {
			names = append(names, fmt.Sprintf("%s is %s", one.Key, one.State))
		}
	}
	if bad == 0 {
		return true, v1alpha1.ReasonHealthy, "Every circuit is closed."
	}
	message = fmt.Sprintf("%d of %d circuits not closed: %s", bad, len(circuits), strings.Join(names, ", "))
	if bad > named {
		message += fmt.Sprintf(" and %d more", bad-named)
	}
	if isOpen(circuits[0].State) {
		return false, v1alpha1.ReasonCircuitOpen, message + "."
	}
	return false, v1alpha1.ReasonCircuitHalfOpen, message + "."
}

// overridden reports whether the spec's override is in force.
func overridden(spec *v1alpha1.CircuitPolicySpec, now time.Time) bool {
	return spec.Override != nil && (spec.Override.Until == nil || now.Before(spec.Override.Until.Time))
}

func overrideMessage(o *v1alpha1.Override) string {
	m := fmt.Sprintf("spec.override forces state %s", o.State)
	if o.Until != nil {
		m += " until " + o.Until.UTC().Format(time.RFC3339)
	}
	if o.Reason != "" {
		m += fmt.Sprintf(" (%s)", o.Reason)
	}
	return m + "."
}

func isOpen(s circuit.State) bool { return s == circuit.Open }

func stateName(s circuit.State) v1alpha1.CircuitState { return v1alpha1.CircuitState(s.String()) }

// policyCounters returns the status without what only counts, so that two
// that are equal in it differ in counters alone.
func policyCounters(s v1alpha1.CircuitPolicyStatus) v1alpha1.CircuitPolicyStatus {
	s.FailureCount, s.HealthScore, s.Queued = 0, 0, 0
	s.Circuits = slices.Clone(s.Circuits)
	for i := range s.Circuits {
		s.Circuits[i].FailureCount, s.Circuits[i].HealthScore = 0, 0
	}
	return s
}
