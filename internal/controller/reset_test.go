package controller

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

func (op *operator) annotate(t *testing.T, p *v1alpha1.CircuitPolicy, value string) {
	t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.ResetAnnotation, value)
	if err := op.Patch(t.Context(), p, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

func (op *operator) waitReset(t *testing.T, p *v1alpha1.CircuitPolicy, value string, times int) {
	t.Helper()
	waitFor(t, "the reset "+value, func() error {
		if got := op.policy(t, p.Name).Status.LastReset; got != value {
			return fmt.Errorf("lastReset is %q", got)
		}
		return nil
	})
	if n := op.gateway.resetsOf(string(p.UID)); n != times {
		t.Errorf("policy %s was reset %d times, want %d", p.Name, n, times)
	}
}

func TestResetByAnnotation(t *testing.T) {
	op := startOperator(t)
	a, b := op.settledPolicy(t, "a"), op.settledPolicy(t, "b")
	for _, p := range []*v1alpha1.CircuitPolicy{a, b} { // as kubectl annotate --all does
		op.annotate(t, p, "first")
	}
	op.waitReset(t, a, "first", 1)
	op.waitReset(t, b, "first", 1)
	op.annotate(t, a, "second")
	op.waitReset(t, a, "second", 2)
	op.annotate(t, a, "first") // any new value, an old one too
	op.waitReset(t, a, "first", 3)
	op.waitReset(t, b, "first", 1)
	op.stop()

	// A new process does not do again what status says is done.
	op.annotate(t, b, "while nobody was there")
	again := startOperatorIn(t, op.Client, op.namespace)
	again.waitReset(t, a, "first", 0)
	again.waitReset(t, b, "while nobody was there", 1)
}

func TestResetIsAskedForByANewValueOnly(t *testing.T) {
	policy := func(uid, asked, done string) *v1alpha1.CircuitPolicy {
		p := newPolicy("p")
		p.UID = types.UID(uid)
		if asked != "" {
			p.Annotations = map[string]string{v1alpha1.ResetAnnotation: asked}
		}
		p.Status.LastReset = done
		return p
	}
	r := resets{}
	for i, step := range []struct {
		policy *v1alpha1.CircuitPolicy
		want   bool
	}{
		{policy("old", "", ""), false},
		{policy("old", "a", ""), true},
		{policy("old", "a", ""), false}, // the status has not caught up yet
		{policy("old", "a", "a"), false},
		{policy("old", "", "a"), false}, // taking it away asks for nothing
		{policy("old", "a", "a"), true}, // but giving it anew does
		{policy("old", "b", "b"), true}, // another replica's leader was quicker
		{policy("new", "b", "b"), false},
		{policy("new", "c", "b"), true},
	} {
		if got := r.due(step.policy); got != step.want {
			t.Errorf("step %d: due is %v, want %v", i, got, step.want)
		}
	}
	r.retain([]*v1alpha1.CircuitPolicy{policy("new", "", "")})
	if len(r) != 1 {
		t.Errorf("%d policies are remembered, want the one that is left", len(r))
	}
}
