package status

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

func TestRefinedProblemsTellMissingFromUnlabelled(t *testing.T) {
	problems := []compile.Problem{
		{Condition: "ResolvedRefs", Reason: "SecretNotFound", Message: `spec.backends[0]: there is no Secret "gone".`},
		{Condition: "ResolvedRefs", Reason: "SecretNotFound", Message: `spec.backends[1]: there is no Secret "bare".`},
		{Condition: "ResolvedRefs", Reason: "PolicyNotFound", Message: `spec.backends[2]: there is no CircuitPolicy "bare".`},
	}
	got := RefineProblems(problems, "team-a", map[string]bool{"gone": false, "bare": true})
	for i, reason := range []string{v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretNotLabelled, v1alpha1.ReasonPolicyNotFound} {
		if got[i].Reason != reason {
			t.Errorf("problem %d has reason %s, want %s", i, got[i].Reason, reason)
		}
	}
	if want := "kubectl label secret -n team-a bare switchgear.dev/credentials=true"; !strings.HasSuffix(got[1].Message, want) {
		t.Errorf("the message does not end in %q: %s", want, got[1].Message)
	}
	if problems[1].Reason != v1alpha1.ReasonSecretNotFound {
		t.Error("the result of compile was changed")
	}
}

func TestRefinementIsRepeatedAsTheStatusTellsIt(t *testing.T) {
	result := &compile.RouteResult{Secrets: []string{"gone", "bare"}}
	result.Problems = []compile.Problem{
		{Condition: "ResolvedRefs", Reason: "SecretNotFound", Message: `spec.backends[0]: there is no Secret "gone".`},
		{Condition: "ResolvedRefs", Reason: "SecretNotFound", Message: `spec.backends[1]: there is no Secret "bare".`},
	}
	route := &v1alpha1.ProviderRoute{}
	route.Namespace = "team-a"
	if diff := cmp.Diff(result.Problems, RefineAsTold(route, result)); diff != "" {
		t.Errorf("without a status something was refined:\n%s", diff)
	}
	want := RefineProblems(result.Problems, "team-a", map[string]bool{"bare": true})
	route.Status = OfRoute(RouteInput{Route: route, Result: result, Problems: want, Now: testNow})
	if diff := cmp.Diff(want, RefineAsTold(route, result)); diff != "" {
		t.Errorf("what the leader found is not repeated (-want +got):\n%s", diff)
	}
	route.Status = OfRoute(RouteInput{Route: route, Result: result, Problems: result.Problems, Now: testNow})
	if diff := cmp.Diff(result.Problems, RefineAsTold(route, result)); diff != "" {
		t.Errorf("what the leader did not find was refined:\n%s", diff)
	}
}
