package controller

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// asked returns an admin item as JSON.
func (op *operator) asked(path string) (map[string]any, error) {
	resp, err := http.Get(op.admin + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var item map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&item); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d: %v", path, resp.StatusCode, item)
	}
	return item, nil
}

// differsFromResource tells where an admin item and the API server differ about
// a status.
func (op *operator) differsFromResource(t *testing.T, kind, path, name string) error {
	t.Helper()
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	if err := op.Get(t.Context(), client.ObjectKey{Namespace: op.namespace, Name: name}, u); err != nil {
		return err
	}
	raw, err := json.Marshal(u.Object["status"])
	if err != nil {
		return err
	}
	var status map[string]any // with JSON's own numbers
	if err := json.Unmarshal(raw, &status); err != nil {
		return err
	}
	item, err := op.asked(path + "/" + op.namespace + "/" + name)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(status, item["status"]); diff != "" {
		return fmt.Errorf("the statuses differ (-resource +admin):\n%s", diff)
	}
	return nil
}

func TestAdminShowsTheStatusOfTheResource(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	op.create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "openai"}, StringData: map[string]string{"api-key": "sk-1"}})
	r := newRoute("chat", "gpt-4o")
	r.Spec.Backends[0].CircuitPolicyRef = &v1alpha1.CircuitPolicyReference{Name: "openai"}
	r.Spec.Backends[0].Credentials = &v1alpha1.Credentials{SecretRef: &v1alpha1.SecretKeyReference{Name: "openai", Key: "api-key"}}
	op.gateway.setRoute("chat", gateway.RouteStatus{Backends: []gateway.BackendStatus{
		{Name: "openai", Circuit: "c", State: circuit.Open, FailureCount: 5, HealthScore: 18},
	}})
	op.create(t, r)
	op.waitRoute(t, "chat", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotLabelled, 1)
	same := func(what string) {
		t.Helper()
		waitFor(t, "the policy's statuses to agree "+what, func() error { return op.differsFromResource(t, policyKind, "/circuits", "openai") })
		waitFor(t, "the route's statuses to agree "+what, func() error { return op.differsFromResource(t, routeKind, "/routes", "chat") })
	}
	same("at rest")
	op.open(p, "5 consecutive failures: 3 × HTTP 503, 2 × timeout")
	op.waitState(t, "openai", v1alpha1.CircuitOpen)
	same("while open")
	op.closed(p)
	op.waitState(t, "openai", v1alpha1.CircuitClosed)
	same("when closed again")
	if c := meta.FindStatusCondition(op.route(t, "chat").Status.Conditions, v1alpha1.ConditionResolvedRefs); c.Reason != v1alpha1.ReasonSecretNotLabelled {
		t.Errorf("the Secret that lacks its label is told to be %s", c.Reason)
	}
}

func TestAdminListenerStreamsAndEndsWithTheProcess(t *testing.T) {
	op := startOperator(t)
	resp, err := http.Get(op.admin + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	stream := bufio.NewReader(resp.Body)
	for _, want := range []string{": listening\n", "\n", "event: transition\n", "data: "} {
		if line, err := stream.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			t.Fatalf("the stream says %q (%v), want %q", line, err, want)
		}
		if want == "\n" { // it listens by now
			op.feed.OnTransition(gateway.Transition{Namespace: "team-a", Name: "openai", To: circuit.Open})
		}
	}
	op.stop() // fails if it takes long
	if _, err := io.ReadAll(stream); err != nil {
		t.Errorf("the stream did not end well: %v", err)
	}
	if _, err := op.asked("/circuits"); err == nil {
		t.Error("the admin listener has outlived its process")
	}
}

func TestAdminIsNotReadyBeforeTheFirstConfiguration(t *testing.T) {
	c, ns := newNamespace(t)
	w := &wire{}
	w.cut()
	op := startOperatorOver(t, c, ns, w)
	waitFor(t, "the answer that nothing is known yet", func() error { return get(op.admin+"/circuits", http.StatusServiceUnavailable) })
	w.mend()
	waitFor(t, "the first answer", func() error { return get(op.admin+"/circuits", http.StatusOK) })
}
