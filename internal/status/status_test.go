package status

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

var testNow = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func accepted(generation int64) *compile.PolicyResult {
	return &compile.PolicyResult{ObjectResult: compile.ObjectResult{Accepted: true, ResolvedRefs: true, LiveGeneration: generation}}
}

func named(model string, s circuit.State, failures, health int) gateway.CircuitStatus {
	c := resting("id")
	c.Key.Model, c.State, c.FailureCount, c.HealthScore, c.AtRest = model, s, failures, health, false
	return c
}

func TestPolicyStatusIsThatOfTheWorstCircuit(t *testing.T) {
	queued := named("queued", circuit.Closed, 0, 95)
	queued.Queued = 7
	rest := resting("id")
	rest.HealthScore, rest.FailureCount = 93, 0
	for name, c := range map[string]struct {
		circuits []gateway.CircuitStatus
		state    v1alpha1.CircuitState
		failures int32
		health   int32
		queued   int32
		healthy  string // reason
	}{
		"no circuit":            {nil, "Closed", 0, 100, 0, "Healthy"},
		"one at rest":           {[]gateway.CircuitStatus{rest}, "Closed", 0, 100, 0, "Healthy"},
		"one queues":            {[]gateway.CircuitStatus{queued, rest}, "Closed", 0, 95, 7, "Healthy"},
		"two queue":             {[]gateway.CircuitStatus{queued, queued}, "Closed", 0, 95, 14, "Healthy"},
		"half-open beats ill":   {[]gateway.CircuitStatus{named("a", circuit.Closed, 4, 40), named("b", circuit.HalfOpen, 5, 50)}, "HalfOpen", 5, 50, 0, "CircuitHalfOpen"},
		"open beats half-open":  {[]gateway.CircuitStatus{named("a", circuit.HalfOpen, 4, 10), named("b", circuit.Open, 5, 18)}, "Open", 5, 18, 0, "CircuitOpen"},
		"the illest of closed":  {[]gateway.CircuitStatus{named("a", circuit.Closed, 1, 90), named("b", circuit.Closed, 3, 60)}, "Closed", 3, 60, 0, "Healthy"},
		"the one that fails":    {[]gateway.CircuitStatus{named("a", circuit.Closed, 1, 60), named("b", circuit.Closed, 3, 60)}, "Closed", 3, 60, 0, "Healthy"},
		"at rest counts as 100": {[]gateway.CircuitStatus{rest, named("b", circuit.Closed, 1, 96)}, "Closed", 1, 96, 0, "Healthy"},
	} {
		t.Run(name, func(t *testing.T) {
			s := OfPolicy(PolicyInput{Policy: newPolicy("p"), Result: accepted(0), Observed: PolicyObservation{Circuits: c.circuits, Replicas: 1}, Now: testNow})
			if s.State != c.state || s.FailureCount != c.failures || s.HealthScore != c.health || s.Queued != c.queued {
				t.Errorf("status is %s, %d failures, health %d, %d queued; want %s, %d, %d, %d",
					s.State, s.FailureCount, s.HealthScore, s.Queued, c.state, c.failures, c.health, c.queued)
			}
			if got := find(s.Conditions, v1alpha1.ConditionHealthy).Reason; got != c.healthy {
				t.Errorf("Healthy has reason %s, want %s", got, c.healthy)
			}
		})
	}
}

func TestPolicyStatusListsSixtyFourCircuitsAtMost(t *testing.T) {
	var circuits []gateway.CircuitStatus
	for range 100 {
		circuits = append(circuits, named("m", circuit.Closed, 0, 95))
	}
	circuits = append(circuits, named("worst", circuit.Open, 9, 3))
	s := OfPolicy(PolicyInput{Policy: newPolicy("p"), Result: accepted(0), Observed: PolicyObservation{Circuits: circuits}, Now: testNow})
	if len(s.Circuits) != maxCircuits || s.Circuits[0].FailureCount != 9 {
		t.Errorf("%d circuits are listed, the first %+v", len(s.Circuits), s.Circuits[0])
	}
}

func TestHealthySaysWhoDecides(t *testing.T) {
	open := []gateway.CircuitStatus{named("m", circuit.Open, 5, 10)}
	until := metav1.NewTime(testNow.Add(time.Hour))
	past := metav1.NewTime(testNow.Add(-time.Hour))
	for name, c := range map[string]struct {
		spec    v1alpha1.CircuitPolicySpec
		off     bool
		status  metav1.ConditionStatus
		reason  string
		message string // part of it
	}{
		"the breaker":         {v1alpha1.CircuitPolicySpec{Mode: v1alpha1.ModeEnforce}, false, "False", "CircuitOpen", "1 of 1 circuits not closed: api.example.com/m is Open"},
		"nobody":              {v1alpha1.CircuitPolicySpec{Mode: v1alpha1.ModeDisabled}, false, "True", "Disabled", "nothing is recorded"},
		"the breaker, unfelt": {v1alpha1.CircuitPolicySpec{Mode: v1alpha1.ModeObserve}, false, "False", "Observing", "nothing is refused"},
		"a person":            {v1alpha1.CircuitPolicySpec{Override: &v1alpha1.Override{State: v1alpha1.OverrideOpen, Reason: "incident"}}, false, "False", "OverrideActive", "forces state Open (incident)."},
		"a person, for a time": {v1alpha1.CircuitPolicySpec{Override: &v1alpha1.Override{State: v1alpha1.OverrideOpen, Until: &until}}, false, "False", "OverrideActive",
			"until 2026-05-04T13:00:00Z"},
		"a person no more":          {v1alpha1.CircuitPolicySpec{Override: &v1alpha1.Override{State: v1alpha1.OverrideOpen, Until: &past}}, false, "False", "CircuitOpen", "is Open"},
		"the breaker, switched off": {v1alpha1.CircuitPolicySpec{}, true, "False", "CircuitsOff", "--circuits=off: nothing is refused, whatever the spec says. 1 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPolicy("p")
			p.Spec = c.spec
			s := OfPolicy(PolicyInput{Policy: p, Result: accepted(0), Observed: PolicyObservation{Circuits: open, CircuitsOff: c.off}, Now: testNow})
			got := find(s.Conditions, v1alpha1.ConditionHealthy)
			if got.Status != c.status || got.Reason != c.reason || !strings.Contains(got.Message, c.message) {
				t.Errorf("Healthy is %s (%s): %s", got.Status, got.Reason, got.Message)
			}
		})
	}
}

func TestConditionsFromProblems(t *testing.T) {
	problem := func(kind, reason string, warning bool) compile.Problem {
		return compile.Problem{Condition: kind, Reason: reason, Message: "about " + reason, Warning: warning}
	}
	for name, c := range map[string]struct {
		result compile.ObjectResult
		want   []string // type=status(reason)
		ready  string   // its message
	}{
		"well": {compile.ObjectResult{Accepted: true, ResolvedRefs: true, LiveGeneration: 4},
			[]string{"Accepted=True(Accepted)", "ResolvedRefs=True(ResolvedRefs)", "Programmed=True(Programmed)", "Ready=True(Ready)"}, "Accepted and live."},
		"a warning": {compile.ObjectResult{Accepted: true, ResolvedRefs: true, LiveGeneration: 4,
			Problems: []compile.Problem{problem("Accepted", "SharedCircuit", true)}},
			[]string{"Accepted=True(SharedCircuit)", "ResolvedRefs=True(ResolvedRefs)", "Programmed=True(Programmed)", "Ready=True(Ready)"}, "Accepted and live."},
		"invalid, the last good one serves": {compile.ObjectResult{ResolvedRefs: true, LiveGeneration: 3,
			Problems: []compile.Problem{problem("Accepted", "SharedCircuit", true), problem("Accepted", "Invalid", false)}},
			[]string{"Accepted=False(Invalid)", "ResolvedRefs=True(ResolvedRefs)", "Programmed=False(NotProgrammed)", "Ready=False(Invalid)"},
			"Accepted is False: about Invalid"},
		"a missing Secret": {compile.ObjectResult{Accepted: true, LiveGeneration: 4,
			Problems: []compile.Problem{problem("ResolvedRefs", "SecretNotFound", false), problem("ResolvedRefs", "PolicyNotFound", false)}},
			[]string{"Accepted=True(Accepted)", "ResolvedRefs=False(SecretNotFound)", "Programmed=True(Programmed)", "Ready=False(SecretNotFound)"},
			"ResolvedRefs is False: about SecretNotFound; about PolicyNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &v1alpha1.ProviderRoute{}
			r.Generation = 4
			in := RouteInput{Route: r, Result: &compile.RouteResult{ObjectResult: c.result}, Problems: c.result.Problems, Now: testNow}
			s := OfRoute(in)
			var got []string
			for _, one := range s.Conditions {
				got = append(got, one.Type+"="+string(one.Status)+"("+one.Reason+")")
				if one.ObservedGeneration != 4 || one.Message == "" {
					t.Errorf("condition %+v", one)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("conditions differ (-want +got):\n%s", diff)
			}
			if m := find(s.Conditions, v1alpha1.ConditionReady).Message; m != c.ready {
				t.Errorf("Ready says %q, want %q", m, c.ready)
			}
		})
	}
}

func TestLastTransitionTimeMovesWithTheStatusAlone(t *testing.T) {
	p := newPolicy("p")
	p.Generation = 1
	first := OfPolicy(PolicyInput{Policy: p, Result: accepted(1), Now: testNow})
	p.Status, p.Generation = first, 2
	later := testNow.Add(time.Minute)
	second := OfPolicy(PolicyInput{Policy: p, Result: accepted(1), Now: later})
	for kind, want := range map[string]time.Time{
		v1alpha1.ConditionAccepted: testNow, v1alpha1.ConditionProgrammed: later, v1alpha1.ConditionReady: later, v1alpha1.ConditionHealthy: testNow,
	} {
		if got := find(second.Conditions, kind).LastTransitionTime.Time; !got.Equal(want) {
			t.Errorf("lastTransitionTime of %s is %s, want %s", kind, got, want)
		}
	}
}

func TestLastTransitionOutlivesTheProcessWhileItExplainsTheState(t *testing.T) {
	old := &v1alpha1.Transition{From: "HalfOpen", To: "Closed", Reason: "ProbesSucceeded"}
	if got := lastTransition(nil, old, "Closed"); got != old {
		t.Errorf("it became %+v", got)
	}
	if got := lastTransition(nil, &v1alpha1.Transition{From: "Closed", To: "Open"}, "Closed"); got != nil {
		t.Errorf("a transition to Open explains the state Closed: %+v", got)
	}
	restored := named("m", circuit.Open, 0, 10)
	restored.Last = &gateway.Transition{From: circuit.Closed, To: circuit.Open, Reason: circuit.WasRestored, Time: testNow}
	tripped := &v1alpha1.Transition{From: "Closed", To: "Open", Reason: "ConsecutiveFailures"}
	if got := lastTransition([]gateway.CircuitStatus{restored}, tripped, "Open"); got != tripped {
		t.Errorf("a restart took the place of what opened the circuit: %+v", got)
	}
	if got := lastTransition([]gateway.CircuitStatus{restored}, old, "Open"); got == nil || got.Reason != "Restored" {
		t.Errorf("where nothing else explains the state, it is %+v, want Restored", got)
	}
}

func TestOpenCountOnlyRises(t *testing.T) {
	var o OpenCounts
	p := newPolicy("p")
	p.UID = "one"
	p.Status.OpenCount = 5 // of an earlier process
	for i, step := range []struct{ live, want int64 }{
		{0, 5}, {1, 6}, {3, 8}, {1, 8}, {2, 9},
	} {
		if got := o.Count(p, step.live); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
	p.UID, p.Status.OpenCount = "made anew", 0
	if got := o.Count(p, 1); got != 1 {
		t.Errorf("a policy made anew begins with %d, want 1", got)
	}
}

func TestOpenCountsForgetWhatIsGone(t *testing.T) {
	var o OpenCounts
	here, gone := newPolicy("here"), newPolicy("gone")
	for _, p := range []*v1alpha1.CircuitPolicy{here, gone} {
		o.Count(p, 3)
	}
	o.Retain(map[types.NamespacedName]bool{{Name: "here"}: true})
	if got := o.Count(here, 0); got != 3 {
		t.Errorf("the one that stayed has %d, want the 3 of a circuit that is no more", got)
	}
	if got := o.Count(gone, 0); got != 0 {
		t.Errorf("the one that was gone has %d, want 0", got)
	}
}

func TestModelsSummary(t *testing.T) {
	for want, s := range map[string]v1alpha1.ProviderRouteSpec{
		"gpt-4o":       {Models: []string{"gpt-4o"}},
		"a,b,c":        {Models: []string{"a", "b", "c"}},
		"a,b,c,+2":     {Models: []string{"a", "b", "c", "d", "e"}},
		"/ext/weather": {PathPrefix: "/ext/weather"},
	} {
		if got := modelsSummary(&s); got != want {
			t.Errorf("summary is %q, want %q", got, want)
		}
	}
}

func newPolicy(name string) *v1alpha1.CircuitPolicy {
	return &v1alpha1.CircuitPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// resting is a closed circuit with nothing to tell.
func resting(id string) gateway.CircuitStatus {
	return gateway.CircuitStatus{
		Key:   gateway.CircuitKey{Policy: id, Origin: "https://api.example.com", Model: "m"},
		State: circuit.Closed, HealthScore: 100, AtRest: true,
	}
}

func find(list []metav1.Condition, kind string) metav1.Condition {
	for _, c := range list {
		if c.Type == kind {
			return c
		}
	}
	return metav1.Condition{}
}

func TestProgrammedCountsReplicasUntilAllHaveIt(t *testing.T) {
	p := newPolicy("p")
	p.Generation = 2
	behind := Reach{Replicas: 6, Behind: []string{"a", "b", "c", "d"}}
	for _, step := range []struct {
		what    string
		live    int64
		reach   Reach
		status  metav1.ConditionStatus
		message string
	}{
		{"on some", 2, behind, "False", "This generation is live on 2 of 6 replicas, and not yet on a, b, c and 1 more."},
		{"on all but one", 2, Reach{Replicas: 3, Behind: []string{"c"}}, "False", "This generation is live on 2 of 3 replicas, and not yet on c."},
		{"on all", 2, Reach{Replicas: 3}, "True", "This generation is live."},
		{"another comes", 2, Reach{Replicas: 4, Behind: []string{"d"}}, "True", "This generation is live."},
		{"not even here", 1, Reach{Replicas: 4}, "False", "Generation 1 serves on; generation 2 is not accepted: see the condition Accepted."},
		{"and back", 2, Reach{Replicas: 4, Behind: []string{"d"}}, "False", "This generation is live on 3 of 4 replicas, and not yet on d."},
	} {
		p.Status = OfPolicy(PolicyInput{Policy: p, Result: accepted(step.live), Reach: step.reach, Now: testNow})
		if c := find(p.Status.Conditions, v1alpha1.ConditionProgrammed); c.Status != step.status || c.Message != step.message {
			t.Errorf("%s: Programmed is %s: %s", step.what, c.Status, c.Message)
		}
	}
	p.Status = OfPolicy(PolicyInput{Policy: p, Result: accepted(2), Reach: Reach{Replicas: 3}, Now: testNow})
	p.Generation = 3
	p.Status = OfPolicy(PolicyInput{Policy: p, Result: accepted(3), Reach: Reach{Replicas: 3, Behind: []string{"a"}}, Now: testNow})
	if c := find(p.Status.Conditions, v1alpha1.ConditionProgrammed); c.Status != metav1.ConditionFalse {
		t.Errorf("the next generation is %s before all have it", c.Status)
	}
}
