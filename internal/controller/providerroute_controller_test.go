package controller

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

func newRoute(name string, models ...string) *v1alpha1.ProviderRoute {
	return &v1alpha1.ProviderRoute{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ProviderRouteSpec{
			Models:   models,
			Backends: []v1alpha1.Backend{{Name: "openai", Type: v1alpha1.BackendOpenAI, URL: "https://api.example.com/v1"}},
		},
	}
}

func (op *operator) waitRoute(t *testing.T, name, kind string, status metav1.ConditionStatus, reason string, generation int64) *v1alpha1.ProviderRoute {
	t.Helper()
	var r *v1alpha1.ProviderRoute
	waitFor(t, fmt.Sprintf("%s=%s (%s) of route %s", kind, status, reason, name), func() error {
		r = op.route(t, name)
		return condition(r.Status.Conditions, kind, status, reason, generation)
	})
	return r
}

func TestRouteFollowsItsSecret(t *testing.T) {
	op := startOperator(t)
	r := newRoute("chat", "gpt-4o")
	r.Spec.Backends[0].Credentials = &v1alpha1.Credentials{SecretRef: &v1alpha1.SecretKeyReference{Name: "openai", Key: "api-key"}}
	op.create(t, r)
	now := op.waitRoute(t, "chat", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound, 1)
	if m := meta.FindStatusCondition(now.Status.Conditions, v1alpha1.ConditionResolvedRefs).Message; !strings.Contains(m, `"openai"`) {
		t.Errorf("the message does not name the Secret: %s", m)
	}
	if err := condition(now.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound, 1); err != nil {
		t.Error(err)
	}

	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "openai"}, StringData: map[string]string{"api-key": "sk-1"}}
	op.create(t, secret)
	now = op.waitRoute(t, "chat", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotLabelled, 1)
	command := fmt.Sprintf("kubectl label secret -n %s openai switchgear.dev/credentials=true", op.namespace)
	if m := meta.FindStatusCondition(now.Status.Conditions, v1alpha1.ConditionResolvedRefs).Message; !strings.Contains(m, command) {
		t.Errorf("the message does not say %q: %s", command, m)
	}

	label := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"switchgear.dev/credentials":"true"}}}`))
	if err := op.Patch(t.Context(), secret, label); err != nil {
		t.Fatal(err)
	}
	op.waitRoute(t, "chat", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1)
	if key := op.key(t); key != "sk-1" {
		t.Errorf("the live credential is %q", key)
	}
	if err := op.Patch(t.Context(), secret, client.RawPatch("application/merge-patch+json", []byte(`{"stringData":{"api-key":"sk-2"}}`))); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the new key to be live", func() error {
		if key := op.key(t); key != "sk-2" {
			return fmt.Errorf("it is %q", key)
		}
		return nil
	})
	if err := op.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	op.waitRoute(t, "chat", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound, 1)

	var told []string
	for _, e := range op.events(t, "chat") {
		told = append(told, e.Reason)
	}
	for _, reason := range []string{v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretNotLabelled, v1alpha1.ReasonResolvedRefs} {
		if !strings.Contains(strings.Join(told, " "), reason) {
			t.Errorf("no event says %s: %v", reason, told)
		}
	}
}

// key is the credential of the one backend of the one route that is live.
func (op *operator) key(t *testing.T) string {
	t.Helper()
	s := op.gateway.applied()
	if len(s.Routes) != 1 {
		t.Fatalf("%d routes are live, want 1", len(s.Routes))
	}
	return string(s.Routes[0].Backends[0].Credential.Key)
}

func TestConflictingRouteNamesTheWinner(t *testing.T) {
	op := startOperator(t)
	op.create(t, newRoute("older", "gpt-4o"))
	op.waitRoute(t, "older", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1)
	op.create(t, newRoute("younger", "gpt-4o"))
	loser := op.waitRoute(t, "younger", v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonConflicted, 1)
	if m := meta.FindStatusCondition(loser.Status.Conditions, v1alpha1.ConditionAccepted).Message; !strings.Contains(m, "older") {
		t.Errorf("the message does not name the winner: %s", m)
	}
	op.waitRoute(t, "older", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1)

	if err := op.Delete(t.Context(), op.route(t, "older")); err != nil {
		t.Fatal(err)
	}
	op.waitRoute(t, "younger", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1)
}

func TestRouteFollowsTheCircuitsOfItsPolicies(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	r := newRoute("chat", "gpt-4o", "gpt-4o-*")
	r.Spec.Backends[0].CircuitPolicyRef = &v1alpha1.CircuitPolicyReference{Name: "openai"}
	op.gateway.setRoute("chat", gateway.RouteStatus{ActiveBackend: "openai", Backends: []gateway.BackendStatus{
		{Name: "openai", Circuit: "c", State: circuit.Closed, HealthScore: 100, AtRest: true},
	}})
	op.create(t, r)
	now := op.waitRoute(t, "chat", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1)
	if now.Status.ActiveBackend != "openai" || now.Status.ModelsSummary != "gpt-4o,gpt-4o-*" {
		t.Errorf("status is %+v", now.Status)
	}

	op.gateway.setRoute("chat", gateway.RouteStatus{Backends: []gateway.BackendStatus{
		{Name: "openai", Circuit: "c", State: circuit.Open, FailureCount: 5, HealthScore: 18},
	}})
	op.open(p, "5 consecutive failures")
	waitFor(t, "the route to tell of the open circuit", func() error {
		s := op.route(t, "chat").Status
		if s.ActiveBackend != "" || s.Backends[0].State != v1alpha1.CircuitOpen || s.Backends[0].FailureCount != 5 {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
	op.waitRoute(t, "chat", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1)
}

func TestTransitionOfABuiltInCircuitIsToldOnItsRoutes(t *testing.T) {
	op := startOperator(t)
	op.create(t, newRoute("chat", "gpt-4o"))
	op.waitRoute(t, "chat", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, 1)
	key := op.gateway.applied().Routes[0].Matches[0].Circuits[0]
	op.relay.OnTransition(gateway.Transition{
		Circuit: key, Namespace: op.namespace, From: circuit.Closed, To: circuit.Open, Message: "5 consecutive failures: 5 × HTTP 500",
	})
	waitFor(t, "the event", func() error {
		list := op.events(t, "chat")
		if len(list) != 1 || list[0].Reason != eventCircuitOpened || !strings.Contains(list[0].Note, "5 × HTTP 500") {
			return fmt.Errorf("events are %+v", list)
		}
		return nil
	})
}
