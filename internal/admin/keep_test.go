package admin

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

func healthySince(r *rig) (metav1.ConditionStatus, time.Time) {
	r.t.Helper()
	c := meta.FindStatusCondition(get[CircuitItem](r, "/circuits/team-a/openai").Status.Conditions, v1alpha1.ConditionHealthy)
	return c.Status, c.LastTransitionTime.UTC()
}

func TestWithoutAResourceTimesAreRemembered(t *testing.T) {
	r := newRig(t, Options{})
	routes := []*v1alpha1.ProviderRoute{route("team-a", "chat", "gpt-4o")}
	r.apply([]*v1alpha1.CircuitPolicy{policy("team-a", "openai")}, routes)
	began := r.clock
	if ok, since := healthySince(r); ok != metav1.ConditionTrue || !since.Equal(began) {
		t.Fatalf("Healthy is %s since %s", ok, since)
	}
	r.clock = began.Add(time.Hour)
	if ok, since := healthySince(r); ok != metav1.ConditionTrue || !since.Equal(began) {
		t.Errorf("an hour later Healthy is %s since %s, want True since %s", ok, since, began)
	}
	ill := forcedOpen("team-a", "openai")
	ill.Generation = 2
	r.apply([]*v1alpha1.CircuitPolicy{ill}, routes)
	if ok, since := healthySince(r); ok != metav1.ConditionFalse || !since.Equal(r.clock) {
		t.Errorf("under an override Healthy is %s since %s, want False since %s", ok, since, r.clock)
	}
	anew := forcedOpen("team-a", "openai")
	anew.UID, r.clock = "made-anew", began.Add(2*time.Hour)
	r.apply([]*v1alpha1.CircuitPolicy{anew}, routes)
	if _, since := healthySince(r); !since.Equal(r.clock) {
		t.Errorf("a policy made anew has been so since %s, want %s", since, r.clock)
	}
	r.apply(nil, nil)
	_ = get[List[CircuitItem]](r, "/circuits")
	_ = get[List[RouteItem]](r, "/routes")
	if len(r.statuses.policies) != 0 || len(r.statuses.routes) != 0 {
		t.Error("objects that are gone are remembered")
	}
}

func TestResourceThatKeepsItsStatusIsTrusted(t *testing.T) {
	r := newRig(t, Options{})
	p := policy("team-a", "openai")
	before := metav1.NewTime(r.clock.Add(-time.Hour))
	p.Status = v1alpha1.CircuitPolicyStatus{
		ObservedGeneration: 1, OpenCount: 7, LastReset: "monday",
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionHealthy, Status: metav1.ConditionTrue, LastTransitionTime: before}},
	}
	r.apply([]*v1alpha1.CircuitPolicy{p}, nil)
	if ok, since := healthySince(r); ok != metav1.ConditionTrue || !since.Equal(before.Time) {
		t.Errorf("Healthy is %s since %s, want True since %s", ok, since, before)
	}
	if s := get[CircuitItem](r, "/circuits/team-a/openai").Status; s.OpenCount != 7 || s.LastReset != "monday" {
		t.Errorf("status is %+v", s)
	}
	if len(r.statuses.policies) != 0 {
		t.Error("a status is remembered that the resource keeps")
	}
}

func TestKeepLooksWhenSomethingHasChanged(t *testing.T) {
	r := newRig(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Keep(ctx)
	}()
	r.Changed() // before there is anything
	r.apply([]*v1alpha1.CircuitPolicy{policy("team-a", "openai")}, []*v1alpha1.ProviderRoute{route("team-a", "chat", "gpt-4o")})
	r.Changed()
	eventually(t, "both statuses to be looked at", func() bool {
		r.statuses.turn.Lock()
		defer r.statuses.turn.Unlock()
		return len(r.statuses.policies) == 1 && len(r.statuses.routes) == 1
	})
	cancel()
	<-ended
}
