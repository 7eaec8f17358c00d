package e2e

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestResetByAnnotation resets all circuits of a namespace by the README's
// command, and again by another value.
func TestResetByAnnotation(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{})
	p.apply(policy("one", stuck), policy("two", stuck),
		route("one", "gpt-4o", backend("only", sim, withPolicy("one"))),
		route("two", "gpt-5", backend("only", sim, withPolicy("two"))))
	p.waitReady("policy/one", "policy/two", "route/one", "route/two")
	models := map[string]string{"one": "gpt-4o", "two": "gpt-5"}
	for _, value := range []string{"Mon Nov 25 10:00:00 UTC 2026", "Mon Nov 25 10:00:01 UTC 2026"} {
		sim.SetFault(providersim.Fault{Status: 500})
		for name, model := range models {
			p.wantAnswers(p.asks(1, model), "500 only")
			p.wantAnswers(p.asks(1, model), "503 circuit_open")
			p.waitState(name, v1alpha1.CircuitOpen)
		}
		sim.Heal()
		p.kubectl("annotate", "circuitpolicies", "--all", "--overwrite", v1alpha1.ResetAnnotation+"="+value)
		for name, model := range models {
			s := p.waitState(name, v1alpha1.CircuitClosed).Status
			if s.LastTransition.Reason != "Reset" || s.FailureCount != 0 || s.HealthScore != 100 {
				t.Errorf("policy %s after the reset: lastTransition %+v, failureCount %d, healthScore %d",
					name, s.LastTransition, s.FailureCount, s.HealthScore)
			}
			p.eventually("status says which request was done", func() error { return equal(p.policy(name).Status.LastReset, value) })
			p.wantAnswers(p.asks(1, model), "200 only")
		}
	}
}

// TestOverrideEndsByItself forces a circuit open for some seconds.
func TestOverrideEndsByItself(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{})
	p.apply(policy("default", ""), route("chat", "gpt-4o", backend("only", sim)))
	p.waitReady("policy/default", "route/chat")

	until := time.Now().Add(4 * time.Second).UTC().Truncate(time.Second)
	p.apply(policy("default", fmt.Sprintf(`override: {state: Open, until: %q, reason: "provider incident"}`, until.Format(time.RFC3339))))
	s := p.waitState("default", v1alpha1.CircuitOpen).Status
	want := fmt.Sprintf("spec.override forces state Open until %s (provider incident).", until.Format(time.RFC3339))
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionHealthy); c.Reason != v1alpha1.ReasonOverrideActive || len(c.Message) < len(want) || c.Message[:len(want)] != want {
		t.Errorf("the condition Healthy is %s: %s, want %s: %s…", c.Reason, c.Message, v1alpha1.ReasonOverrideActive, want)
	}
	p.wantAnswers(p.asks(2, "gpt-4o"), "503 circuit_open")
	if n := sim.Count(); n != 0 {
		t.Errorf("the provider was called %d times", n)
	}

	p.eventually("traffic flows again", func() error { return equal(p.ask("gpt-4o").String(), "200 only") })
	if now := time.Now(); now.Before(until) {
		t.Errorf("the override ended at %s, want %s", now, until)
	}
	s = p.waitState("default", v1alpha1.CircuitClosed).Status
	if s.LastTransition.Reason != "OverrideEnded" {
		t.Errorf("the last transition is %+v", s.LastTransition)
	}
	p.eventually("the policy is healthy", func() error {
		o := p.policy("default")
		return condition(o.Generation, o.Status.Conditions, v1alpha1.ConditionHealthy, metav1.ConditionTrue, v1alpha1.ReasonHealthy)
	})
}

// TestOverrideClosedLetsEverythingThrough: the circuit underneath is open, and
// is met again when the override is taken away.
func TestOverrideClosedLetsEverythingThrough(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{})
	p.apply(policy("default", stuck), route("chat", "gpt-4o", backend("only", sim)))
	p.waitReady("policy/default", "route/chat")
	sim.SetFault(providersim.Fault{Status: 500})
	p.wantAnswers(p.asks(1, "gpt-4o"), "500 only")
	p.waitState("default", v1alpha1.CircuitOpen)

	p.apply(policy("default", stuck+`, override: {state: Closed, reason: "we need every answer"}`))
	p.waitState("default", v1alpha1.CircuitClosed)
	p.wantAnswers(p.asks(2, "gpt-4o"), "500 only")

	p.apply(policy("default", stuck))
	p.waitState("default", v1alpha1.CircuitOpen)
	p.wantAnswers(p.asks(1, "gpt-4o"), "503 circuit_open")
}

// TestModes goes through the modes of one policy before a broken provider.
func TestModes(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Status: 500})
	p.apply(policy("default", stuck+", mode: Observe"), route("chat", "gpt-4o", backend("only", sim)))
	p.waitReady("policy/default", "route/chat")
	healthy := func(status metav1.ConditionStatus, reason string) {
		t.Helper()
		p.eventually("Healthy is "+reason, func() error {
			o := p.policy("default")
			return condition(o.Generation, o.Status.Conditions, v1alpha1.ConditionHealthy, status, reason)
		})
	}

	// Observe: everything is decided and shown, nothing refused.
	w := p.watchPolicies("-o", "wide")
	p.wantAnswers(p.asks(2, "gpt-4o"), "500 only")
	line := w.waitState(time.Time{}, "default", "Open").fields
	if line["MODE"] != "Observe" || line["REASON"] != "ConsecutiveFailures" {
		t.Errorf("kubectl get -o wide prints %v", line)
	}
	if at, err := time.Parse(time.RFC3339, line["NEXT-PROBE"]); err != nil || time.Until(at) < 50*time.Minute {
		t.Errorf("the next probe is at %s (%v), want about an hour from now", line["NEXT-PROBE"], err)
	}
	healthy(metav1.ConditionFalse, v1alpha1.ReasonObserving)

	// Disabled: nothing is recorded.
	p.apply(policy("default", stuck+", mode: Disabled"))
	healthy(metav1.ConditionTrue, v1alpha1.ReasonDisabled)
	p.wantAnswers(p.asks(2, "gpt-4o"), "500 only")

	// Enforce: it begins closed and empty, and means it.
	p.apply(policy("default", stuck))
	healthy(metav1.ConditionTrue, v1alpha1.ReasonHealthy)
	if s := p.policy("default").Status; s.State != v1alpha1.CircuitClosed || s.FailureCount != 0 {
		t.Errorf("after Disabled the state is %s with %d failures", s.State, s.FailureCount)
	}
	p.wantAnswers(p.asks(1, "gpt-4o"), "500 only")
	p.wantAnswers(p.asks(1, "gpt-4o"), "503 circuit_open")
	healthy(metav1.ConditionFalse, v1alpha1.ReasonCircuitOpen)
}
