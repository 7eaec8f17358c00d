package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

func newPolicy(name string) *v1alpha1.CircuitPolicy {
	return &v1alpha1.CircuitPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// settledPolicy creates a policy and waits for its first status.
func (op *operator) settledPolicy(t *testing.T, name string) *v1alpha1.CircuitPolicy {
	t.Helper()
	p := newPolicy(name)
	op.create(t, p)
	op.gateway.set(string(p.UID), resting(string(p.UID)))
	waitFor(t, "the first status", func() error {
		return condition(op.policy(t, name).Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1)
	})
	return op.policy(t, name)
}

// open has the policy's circuit open, as the gateway would tell it.
func (op *operator) open(p *v1alpha1.CircuitPolicy, message string) time.Time {
	at := time.Now()
	c := opened(string(p.UID), p.Namespace, p.Name, gateway.Transition{
		From: circuit.Closed, To: circuit.Open, Reason: "ConsecutiveFailures", Message: message, Time: at,
	})
	c.NextProbe = at.Add(30 * time.Second)
	op.gateway.set(string(p.UID), c)
	op.relay.OnTransition(*c.Last)
	return at
}

// closed has it close again.
func (op *operator) closed(p *v1alpha1.CircuitPolicy) {
	c := resting(string(p.UID))
	c.Opens = 1
	c.Last = &gateway.Transition{
		Circuit: c.Key, Namespace: p.Namespace, Name: p.Name, From: circuit.HalfOpen, To: circuit.Closed,
		Reason: "ProbesSucceeded", Message: "2 probes succeeded", Time: time.Now(),
	}
	op.gateway.set(string(p.UID), c)
	op.relay.OnTransition(*c.Last)
}

func (op *operator) waitState(t *testing.T, name string, want v1alpha1.CircuitState) *v1alpha1.CircuitPolicy {
	t.Helper()
	var p *v1alpha1.CircuitPolicy
	waitFor(t, fmt.Sprintf("state %s of policy %s", want, name), func() error {
		if p = op.policy(t, name); p.Status.State != want {
			return fmt.Errorf("state is %q", p.Status.State)
		}
		return nil
	})
	return p
}

func TestPolicyStatusFollowsItsSpec(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	s := p.Status
	if s.State != v1alpha1.CircuitClosed || s.HealthScore != 100 || s.FailureCount != 0 || s.ObservedGeneration != 1 || s.Replicas.Summary != "0/1" {
		t.Errorf("status of a new policy is %+v", s)
	}
	for _, kind := range []string{v1alpha1.ConditionAccepted, v1alpha1.ConditionProgrammed, v1alpha1.ConditionHealthy} {
		if err := condition(s.Conditions, kind, metav1.ConditionTrue, kind, 1); err != nil {
			t.Error(err)
		}
	}

	if err := op.Patch(t.Context(), p, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"failureThreshold":7}}`))); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "generation 2 to be live", func() error {
		now := op.policy(t, "openai").Status
		if now.ObservedGeneration != 2 {
			return fmt.Errorf("observedGeneration is %d", now.ObservedGeneration)
		}
		return condition(now.Conditions, v1alpha1.ConditionProgrammed, metav1.ConditionTrue, v1alpha1.ReasonProgrammed, 2)
	})
	for i, c := range op.policy(t, "openai").Status.Conditions {
		if !c.LastTransitionTime.Equal(&s.Conditions[i].LastTransitionTime) {
			t.Errorf("%s did not change, but its lastTransitionTime did", c.Type)
		}
	}
}

func TestTransitionIsVisibleWithinASecond(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	start := time.Now()
	op.open(p, "5 consecutive failures: 3 × HTTP 503, 2 × timeout")
	now := op.waitState(t, "openai", v1alpha1.CircuitOpen)
	if took := time.Since(start); took > time.Second {
		t.Errorf("the transition was visible after %s", took)
	}
	s := now.Status
	if s.FailureCount != 5 || s.HealthScore != 18 || s.OpenCount != 1 || s.Replicas.Summary != "1/1" || s.OpenedTime == nil || s.NextProbeTime == nil {
		t.Errorf("status of the open circuit is %+v", s)
	}
	last := s.LastTransition
	if last == nil || last.From != v1alpha1.CircuitClosed || last.To != v1alpha1.CircuitOpen || last.Reason != "ConsecutiveFailures" ||
		!strings.Contains(last.Message, "3 × HTTP 503") {
		t.Errorf("lastTransition is %+v", last)
	}
	if err := condition(s.Conditions, v1alpha1.ConditionHealthy, metav1.ConditionFalse, v1alpha1.ReasonCircuitOpen, 1); err != nil {
		t.Error(err)
	}
	if err := condition(s.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1); err != nil {
		t.Error(err)
	}

	op.closed(p)
	s = op.waitState(t, "openai", v1alpha1.CircuitClosed).Status
	if s.FailureCount != 0 || s.HealthScore != 100 || s.OpenedTime != nil || s.NextProbeTime != nil || s.OpenCount != 1 {
		t.Errorf("status of the circuit that closed is %+v", s)
	}
}

func TestCountersFollowEverySecondAndComeToRest(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	c := resting(string(p.UID))
	c.FailureCount, c.HealthScore, c.Queued, c.AtRest = 3, 70, 2, false
	op.gateway.set(string(p.UID), c)
	waitFor(t, "the counters", func() error {
		if s := op.policy(t, "openai").Status; s.FailureCount != 3 || s.HealthScore != 70 || s.Queued != 2 {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
	c.FailureCount, c.HealthScore, c.Queued, c.AtRest = 0, 94, 0, true
	op.gateway.set(string(p.UID), c)
	waitFor(t, "rest", func() error {
		if s := op.policy(t, "openai").Status; s.FailureCount != 0 || s.HealthScore != 100 || s.Queued != 0 {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
}

func TestAtRestNothingIsWritten(t *testing.T) {
	op := startOperator(t)
	op.settledPolicy(t, "one")
	p := op.settledPolicy(t, "two")
	op.open(p, "5 consecutive failures")
	op.waitState(t, "two", v1alpha1.CircuitOpen)
	waitFor(t, "the event", func() error {
		if len(op.events(t, "two")) == 0 {
			return fmt.Errorf("no event yet")
		}
		return nil
	})
	versions := []string{op.policy(t, "one").ResourceVersion, op.policy(t, "two").ResourceVersion}
	before := len(op.writes.all())
	stays(t, 3*tickPeriod, func() error {
		if all := op.writes.all(); len(all) != before {
			return fmt.Errorf("written although nothing has changed: %v", all[before:])
		}
		return nil
	})
	if now := []string{op.policy(t, "one").ResourceVersion, op.policy(t, "two").ResourceVersion}; now[0] != versions[0] || now[1] != versions[1] {
		t.Errorf("resourceVersions went from %v to %v", versions, now)
	}
}

func TestRestartWritesNothingThatStands(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	op.open(p, "5 consecutive failures")
	op.waitState(t, "openai", v1alpha1.CircuitOpen)
	op.closed(p)
	op.waitState(t, "openai", v1alpha1.CircuitClosed)
	waitFor(t, "both events", func() error {
		if n := len(op.events(t, "openai")); n != 2 {
			return fmt.Errorf("%d events", n)
		}
		return nil
	})
	op.stop()

	again := startOperatorIn(t, op.Client, op.namespace)
	again.gateway.set(string(p.UID), resting(string(p.UID)))
	waitFor(t, "the new process to lead", func() error {
		if !again.relay.Leading() {
			return fmt.Errorf("not the leader")
		}
		return nil
	})
	stays(t, 2*tickPeriod, func() error {
		if all := again.writes.all(); len(all) != 0 {
			return fmt.Errorf("a new process wrote %v", all)
		}
		return nil
	})
	s := again.policy(t, "openai").Status
	if s.OpenCount != 1 || s.LastTransition == nil || s.LastTransition.To != v1alpha1.CircuitClosed {
		t.Errorf("the status was lost: %+v", s)
	}
}

func TestStatusThatSomebodyElseChangedIsPutRight(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	p.Status.State, p.Status.FailureCount = v1alpha1.CircuitOpen, 99
	if err := op.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if s := op.waitState(t, "openai", v1alpha1.CircuitClosed).Status; s.FailureCount != 0 {
		t.Errorf("failureCount is still %d", s.FailureCount)
	}
}

func TestCircuitsStandTheWorstFirstWhateverTheyWere(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	one, two := resting(string(p.UID)), resting(string(p.UID))
	one.Key.Model, two.Key.Model = "one", "two"
	sick := func(c gateway.CircuitStatus) gateway.CircuitStatus {
		c.FailureCount, c.HealthScore, c.AtRest = 3, 70, false
		return c
	}
	for _, c := range []struct {
		circuits []gateway.CircuitStatus
		first    string
	}{
		{[]gateway.CircuitStatus{sick(two), one}, "api.example.com/two"},
		{[]gateway.CircuitStatus{sick(one), two}, "api.example.com/one"},
		{[]gateway.CircuitStatus{sick(two), one}, "api.example.com/two"},
	} {
		op.gateway.set(string(p.UID), c.circuits...)
		waitFor(t, c.first+" to stand first", func() error {
			list := op.policy(t, "openai").Status.Circuits
			if len(list) != 2 || list[0].Name != c.first || list[0].FailureCount != 3 || list[1].FailureCount != 0 {
				return fmt.Errorf("circuits are %+v", list)
			}
			return nil
		})
	}
	before := len(op.writes.all())
	stays(t, 2*tickPeriod, func() error {
		if all := op.writes.all(); len(all) != before {
			return fmt.Errorf("written although nothing has changed: %v", all[before:])
		}
		return nil
	})
}

func TestOverrideIsToldUntilItEnds(t *testing.T) {
	op := startOperator(t)
	p := newPolicy("openai")
	until := metav1.NewTime(time.Now().Add(3 * time.Second).Truncate(time.Second))
	p.Spec.Override = &v1alpha1.Override{State: v1alpha1.OverrideClosed, Until: &until, Reason: "provider incident"}
	op.create(t, p)
	for _, reason := range []string{v1alpha1.ReasonOverrideActive, v1alpha1.ReasonHealthy} {
		waitFor(t, "Healthy to have the reason "+reason, func() error {
			return condition(op.policy(t, "openai").Status.Conditions, v1alpha1.ConditionHealthy, metav1.ConditionTrue, reason, 1)
		})
	}
	if now := time.Now(); now.Before(until.Time) {
		t.Errorf("the override was told to have ended %s early", until.Sub(now))
	}
}
