package e2e

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestInvalidPolicyLeavesTheLastGoodOne: what takes a profile to know is no
// business of the API server's. The policy says what is wrong, and the last good
// spec serves on.
func TestInvalidPolicyLeavesTheLastGoodOne(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{})
	p.apply(policy("default", `failureThreshold: 1`), policy("other", ``), route("chat", "gpt-4o", backend("only", sim)))
	p.waitReady("policy/default", "policy/other", "route/chat")

	// Conservative stays open for 2m at first.
	p.apply(policy("default", `failureThreshold: 9, profile: Conservative, resetBackoff: {max: 1m}`))
	const message = `spec.resetBackoff.max is "1m": must be at least resetTimeout, which is 2m (profile Conservative)`
	p.eventually("the policy is not accepted", func() error {
		o := p.policy("default")
		return condition(o.Generation, o.Status.Conditions, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid)
	})
	o := p.policy("default")
	for kind, want := range map[string]struct{ reason, message string }{
		v1alpha1.ConditionAccepted:   {v1alpha1.ReasonInvalid, message},
		v1alpha1.ConditionProgrammed: {v1alpha1.ReasonNotProgrammed, "Generation 1 serves on; generation 2 is not accepted: see the condition Accepted."},
		v1alpha1.ConditionReady:      {v1alpha1.ReasonInvalid, "Accepted is False: " + message},
	} {
		c := meta.FindStatusCondition(o.Status.Conditions, kind)
		if c == nil || c.Status != metav1.ConditionFalse || c.Reason != want.reason || c.Message != want.message {
			t.Errorf("the condition %s is %+v, want False, %s: %s", kind, c, want.reason, want.message)
		}
	}
	if got := o.Status.Effective; got.FailureThreshold != 1 || got.Profile != v1alpha1.ProfileBalanced {
		t.Errorf("the values in force are %+v, want those of the last good spec", got)
	}
	if got := p.event("default", v1alpha1.ReasonInvalid); got.Note != message || got.Type != "Warning" {
		t.Errorf("the Event is %s: %q, want a warning: %q", got.Type, got.Note, message)
	}
	p.waitReady("policy/other", "route/chat")

	sim.SetFault(providersim.Fault{Status: 500})
	p.wantAnswers(p.asks(1, "gpt-4o"), "500 only")
	p.wantAnswers(p.asks(1, "gpt-4o"), "503 circuit_open")

	p.apply(policy("default", `failureThreshold: 9, profile: Conservative`))
	p.waitReady("policy/default")
}

// TestConflictLeavesTheOlderRoute: two routes for one model.
func TestConflictLeavesTheOlderRoute(t *testing.T) {
	p := sharePlace(t)
	older, younger := providersim.Start(t, providersim.Options{}), providersim.Start(t, providersim.Options{})
	p.apply(route("a-claims-first", "gpt-4o", backend("older", older)))
	p.waitReady("route/a-claims-first")
	p.apply(route("b-claims-too", "gpt-4o", backend("younger", younger)))
	message := p.waitCondition("b-claims-too", v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonConflicted)
	if !strings.Contains(message, "gpt-4o") || !strings.Contains(message, "a-claims-first") {
		t.Errorf("the message is %q: it does not say what was lost to whom", message)
	}
	p.wantAnswers(p.asks(2, "gpt-4o"), "200 older")
	p.waitReady("route/a-claims-first")

	p.kubectl("delete", "providerroute", "a-claims-first")
	p.waitReady("route/b-claims-too")
	p.wantAnswers(p.asks(1, "gpt-4o"), "200 younger")
}
