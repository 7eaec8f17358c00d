package status

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// RefineProblems gives the problems about Secrets that are there without the
// label the reason and the advice that fit.
func RefineProblems(problems []compile.Problem, namespace string, unlabelled map[string]bool) []compile.Problem {
	out := slices.Clone(problems)
	for i, p := range out {
		if p.Reason != v1alpha1.ReasonSecretNotFound {
			continue
		}
		for name, there := range unlabelled {
			if there && strings.Contains(p.Message, strconv.Quote(name)) {
				out[i].Reason = v1alpha1.ReasonSecretNotLabelled
				out[i].Message = fmt.Sprintf("%s: the Secret is there, but it lacks the label by which its owner lets it be used; to add it: kubectl label secret -n %s %s %s=%s",
					strings.TrimRight(p.Message, "."), namespace, name, v1alpha1.CredentialsLabel, v1alpha1.CredentialsLabelValue)
			}
		}
	}
	return out
}

// RefineAsTold refines a route's problems by what its status says already: the
// leader alone asks the API server, and the others repeat what it has found.
func RefineAsTold(route *v1alpha1.ProviderRoute, r *compile.RouteResult) []compile.Problem {
	told := meta.FindStatusCondition(route.Status.Conditions, v1alpha1.ConditionResolvedRefs)
	if told == nil {
		return r.Problems
	}
	unlabelled := map[string]bool{}
	for _, name := range r.Secrets {
		for i, p := range RefineProblems(r.Problems, route.Namespace, map[string]bool{name: true}) {
			if p != r.Problems[i] && strings.Contains(told.Message, p.Message) {
				unlabelled[name] = true
			}
		}
	}
	return RefineProblems(r.Problems, route.Namespace, unlabelled)
}
