package status

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

func policyConditions(in PolicyInput, circuits []gateway.CircuitStatus) []metav1.Condition {
	c := &conditions{generation: in.Policy.Generation, now: in.Now, before: in.Policy.Status.Conditions}
	c.setFromProblems(v1alpha1.ConditionAccepted, in.Result.Accepted, in.Result.Problems,
		v1alpha1.ReasonAccepted, "The policy is valid.")
	c.setProgrammed(in.Result.LiveGeneration, in.Reach)
	c.setReady()
	c.setHealthy(&in.Policy.Spec, circuits, in.Observed.CircuitsOff)
	return c.list
}

// setHealthy says whether every circuit is closed. One that is half-open is
// not healthy yet: all callers but its probes meet it as open. Where callers
// are not told what the breaker decides, the reason says so.
func (c *conditions) setHealthy(spec *v1alpha1.CircuitPolicySpec, circuits []gateway.CircuitStatus, off bool) {
	ok, reason, message := health(circuits)
	switch {
	case spec.Mode == v1alpha1.ModeDisabled:
		ok, reason, message = true, v1alpha1.ReasonDisabled, "spec.mode is Disabled: nothing is recorded and nothing refused."
	case off:
		reason = v1alpha1.ReasonCircuitsOff
		message = "Switchgear runs with --circuits=off: nothing is refused, whatever the spec says. " + message
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
	if circuits[0].State == circuit.Open {
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
