package e2e

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestSecretTakesEffectAtOnce: a Secret that is labelled, changed, emptied,
// deleted and made again takes effect without a restart, and each time the
// route says what it lacks.
func TestSecretTakesEffectAtOnce(t *testing.T) {
	p := sharePlace(t)
	sim := providersim.Start(t, providersim.Options{Name: "openai", TLS: true})
	p.kubectl("create", "secret", "generic", "ca", "--from-literal=ca.crt="+string(sim.CAPEM))
	p.kubectl("label", "secret", "ca", "switchgear.dev/credentials=true")
	p.kubectl("create", "secret", "generic", "openai", "--from-literal=api-key=first")
	p.apply(route("chat", "gpt-4o", backend("openai", sim,
		"credentials: {secretRef: {name: openai, key: api-key}}", "tls: {caSecretRef: {name: ca, key: ca.crt}}")))

	advice := p.unresolved(sim, v1alpha1.ReasonSecretNotLabelled)
	p.follow(advice)
	p.resolved(sim, "first")

	p.setKey("api-key", "second")
	p.resolved(sim, "second")

	p.setKey("other", "third")
	if message := p.unresolved(sim, v1alpha1.ReasonSecretKeyNotFound); !strings.Contains(message, `has no key "api-key", only "other"`) {
		t.Errorf("the message is %q: it does not say which keys there are", message)
	}

	p.kubectl("delete", "secret", "openai")
	if message := p.unresolved(sim, v1alpha1.ReasonSecretNotFound); !strings.Contains(message, `no Secret "openai"`) {
		t.Errorf("the message is %q: it does not name what is missing", message)
	}

	p.kubectl("create", "secret", "generic", "openai", "--from-literal=api-key=fourth")
	p.kubectl("label", "secret", "openai", "switchgear.dev/credentials=true")
	p.resolved(sim, "fourth")
}

// setKey makes a value the Secret's only one.
func (p *place) setKey(key, value string) {
	p.t.Helper()
	p.kubectl("patch", "secret", "openai", "--type=json",
		fmt.Sprintf(`-p=[{"op": "remove", "path": "/data"}, {"op": "add", "path": "/stringData", "value": {%q: %q}}]`, key, value))
}

// follow runs the command that a message gives as advice.
func (p *place) follow(message string) {
	p.t.Helper()
	_, command, found := strings.Cut(message, "kubectl ")
	if !found {
		p.t.Fatalf("the message is %q: it does not say what to do", message)
	}
	if _, err := cluster.Kubectl(p.t.Context(), strings.Fields(command)...); err != nil {
		p.t.Fatal(err)
	}
}

// unresolved waits until the route says why the Secret cannot be used, and shows
// that its provider is not called. It returns the message.
func (p *place) unresolved(sim *providersim.Server, reason string) string {
	p.t.Helper()
	message := p.waitCondition("chat", v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, reason)
	p.waitCondition("chat", v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
	if got := p.event("chat", reason); got.Note != message {
		p.t.Errorf("the Event says %q, the condition %q", got.Note, message)
	}
	asked := sim.Count()
	p.wantAnswers(p.asks(1, "gpt-4o"), "502 upstream_unavailable")
	if got := sim.Count(); got != asked {
		p.t.Errorf("the provider was called %d times with a credential that may not be used", got-asked)
	}
	return message
}

// resolved waits until calls carry that key.
func (p *place) resolved(sim *providersim.Server, key string) {
	p.t.Helper()
	p.eventually("calls carry the key "+key, func() error {
		if a := p.ask("gpt-4o"); a.String() != "200 openai" {
			return fmt.Errorf("the answer is %s", a)
		}
		log := sim.Requests()
		return equal(log[len(log)-1].Header.Get("Authorization"), "Bearer "+key)
	})
	p.waitReady("route/chat")
}
