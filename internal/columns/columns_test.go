package columns

import (
	"bytes"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func object(namespace, name string, more map[string]any) unstructured.Unstructured {
	o := map[string]any{"metadata": map[string]any{
		"namespace": namespace, "name": name, "creationTimestamp": time.Now().Add(-3 * time.Hour).UTC().Format(time.RFC3339),
	}}
	maps.Copy(o, more)
	return unstructured.Unstructured{Object: o}
}

func circuits() []unstructured.Unstructured {
	return []unstructured.Unstructured{
		object("team-a", "anthropic", map[string]any{
			"spec": map[string]any{"mode": "Enforce"},
			"status": map[string]any{
				"state": "Closed", "healthScore": int64(100), "failureCount": int64(0), "queued": int64(0),
				"replicas":   map[string]any{"summary": "0/1"},
				"conditions": []any{map[string]any{"type": "Accepted", "status": "True"}, map[string]any{"type": "Ready", "status": "True"}},
			},
		}),
		object("team-b", "openai", map[string]any{
			"spec": map[string]any{"mode": "Observe"},
			"status": map[string]any{
				"state": "Open", "healthScore": int64(18), "failureCount": int64(5), "queued": int64(12),
				"nextProbeTime": "2026-05-04T12:00:30Z", "lastTransition": map[string]any{"reason": "ConsecutiveFailures"},
				"replicas":   map[string]any{"summary": "1/1"},
				"conditions": []any{map[string]any{"type": "Ready", "status": "False"}},
			},
		}),
		object("team-b", "without-a-status", nil),
	}
}

func TestPrintsTheColumnsOfTheDefinitions(t *testing.T) {
	routes := []unstructured.Unstructured{object("team-a", "chat", map[string]any{"status": map[string]any{
		"modelsSummary": "gpt-4o,gpt-4o-*", "activeBackend": "openai",
		"conditions": []any{map[string]any{"type": "Ready", "status": "True"}},
	}})}
	for name, c := range map[string]struct {
		plural  string
		objects []unstructured.Unstructured
		options Options
		want    string
	}{
		"circuits": {"circuitpolicies", circuits(), Options{}, `
NAME               STATE    HEALTH   FAILURES   QUEUED   OPEN   READY   AGE
anthropic          Closed   100      0          0        0/1    True    3h
openai             Open     18       5          12       1/1    False   3h
without-a-status                                                        3h
`},
		"circuits of all namespaces, wide": {"circuitpolicies", circuits(), Options{WithNamespace: true, Wide: true}, `
NAMESPACE   NAME               STATE    HEALTH   FAILURES   QUEUED   OPEN   READY   AGE   MODE      NEXT-PROBE             REASON
team-a      anthropic          Closed   100      0          0        0/1    True    3h    Enforce                          
team-b      openai             Open     18       5          12       1/1    False   3h    Observe   2026-05-04T12:00:30Z   ConsecutiveFailures
team-b      without-a-status                                                        3h                                     
`},
		"routes": {"providerroutes", routes, Options{}, `
NAME   MODELS            ACTIVE   READY   AGE
chat   gpt-4o,gpt-4o-*   openai   True    3h
`},
		"routes, wide": {"providerroutes", routes, Options{Wide: true, WithNamespace: true}, `
NAMESPACE   NAME   MODELS            ACTIVE   READY   AGE
team-a      chat   gpt-4o,gpt-4o-*   openai   True    3h
`},
		"nothing": {"providerroutes", nil, Options{}, "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Definition(c.plural)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := Print(&out, d, c.objects, c.options); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, "\n"+out.String()); diff != "" {
				t.Errorf("what is printed differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknownResourceIsAnError(t *testing.T) {
	if _, err := Definition("pods"); err == nil {
		t.Error("there is a definition of pods")
	}
}
