package controller

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// TestOnlyTheNamespacesThatAreServedAreSeen: two of three, with the status of
// both, and nothing of the third.
func TestOnlyTheNamespacesThatAreServedAreSeen(t *testing.T) {
	c, own := newNamespace(t)
	_, first := newNamespace(t)
	_, second := newNamespace(t)
	_, third := newNamespace(t)
	op, cancel := launch(t, c, own, fmt.Sprint("replica-", replicas.Add(1)), &wire{}, first, second)
	t.Cleanup(func() {
		cancel()
		if err := <-op.ended; err != nil {
			t.Errorf("the operator ended with: %v", err)
		}
	})
	in := func(ns string) *operator { return &operator{Client: c, namespace: ns} }
	for _, ns := range []string{third, first, second} {
		in(ns).create(t, newPolicy("openai"), newRoute("chat", "gpt-4o"))
	}
	for _, ns := range []string{first, second} {
		waitFor(t, "the status in "+ns, func() error {
			for _, conditions := range [][]metav1.Condition{in(ns).policy(t, "openai").Status.Conditions, in(ns).route(t, "chat").Status.Conditions} {
				if err := condition(conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var seen []string
	for _, r := range op.gateway.applied().Routes {
		seen = append(seen, r.Namespace)
	}
	slices.Sort(seen)
	want := []string{first, second}
	slices.Sort(want)
	if !slices.Equal(seen, want) {
		t.Errorf("it serves routes of %v, want %v", seen, want)
	}
	if g := in(third).policy(t, "openai").Status.ObservedGeneration; g != 0 {
		t.Error("it wrote where it does not serve")
	}
	op.waitReplica(t, op.name, "its report", func(*v1alpha1.GatewayReplica) bool { return true })
}
