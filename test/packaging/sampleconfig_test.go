package packaging

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// TestSamplesHaveNothingAgainstThem compiles the samples, with the defaults that
// the API server gives them: what it accepts may still be wrong together.
func TestSamplesHaveNothingAgainstThem(t *testing.T) {
	t.Parallel()
	var all []*unstructured.Unstructured
	for _, objects := range sampleFiles(t) {
		all = append(all, objects...)
	}
	out, err := apply(t.Context(), all, "--dry-run=server", "-n", "default", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var list unstructured.UnstructuredList
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	defaulted := make([]*unstructured.Unstructured, len(list.Items))
	var in compile.Input
	for i := range list.Items {
		defaulted[i] = &list.Items[i]
	}
	for _, o := range defaulted {
		switch o.GetKind() {
		case "CircuitPolicy":
			in.Policies = append(in.Policies, findIn[v1alpha1.CircuitPolicy](t, defaulted, o.GetKind(), o.GetName()))
		case "ProviderRoute":
			in.Routes = append(in.Routes, findIn[v1alpha1.ProviderRoute](t, defaulted, o.GetKind(), o.GetName()))
		case "Secret":
			in.Secrets = append(in.Secrets, findIn[corev1.Secret](t, defaulted, o.GetKind(), o.GetName()))
		}
	}
	if len(in.Policies) == 0 || len(in.Routes) == 0 || len(in.Secrets) == 0 {
		t.Fatalf("there are %d policies, %d routes and %d Secrets", len(in.Policies), len(in.Routes), len(in.Secrets))
	}
	result := compile.Compile(in, nil, compile.Options{})
	for key, r := range result.Policies {
		if !r.Accepted || len(r.Problems) > 0 {
			t.Errorf("policy %s: accepted %t, problems %v", key.Name, r.Accepted, r.Problems)
		}
	}
	for key, r := range result.Routes {
		if !r.Accepted || !r.ResolvedRefs || len(r.Problems) > 0 {
			t.Errorf("route %s: accepted %t, references resolved %t, problems %v", key.Name, r.Accepted, r.ResolvedRefs, r.Problems)
		}
	}
}
