package compile_test

import (
	"testing"

	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// TestCircuitIdentity edits one thing at a time. What a circuit is made of gives
// a new one; everything else leaves it, with its state, alone.
func TestCircuitIdentity(t *testing.T) {
	const (
		policy = "{kind: CircuitPolicy, metadata: {name: p}, spec: {failureThreshold: 5}}"
		secret = `{kind: Secret, metadata: {name: s, labels: {switchgear.dev/credentials: "true"}}, stringData: {k: sk-1}}`
		route  = `
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: ["gpt-*"]
  backends: [{name: b, type: OpenAI, url: "https://a.example.com/v1", circuitPolicyRef: {name: p}, credentials: {secretRef: {name: s, key: k}}}]`
	)
	for _, tc := range []struct {
		name, edit string
		same       bool
	}{
		{"the policy's thresholds", "{kind: CircuitPolicy, metadata: {name: p}, spec: {failureThreshold: 6, mode: Observe, override: {state: Open}}}", true},
		{"the policy's scope", "{kind: CircuitPolicy, metadata: {name: p}, spec: {scope: Provider}}", false},
		{"the credential's value", `{kind: Secret, metadata: {name: s, labels: {switchgear.dev/credentials: "true"}}, stringData: {k: sk-2}}`, true},
		{"the backend's name, path and settings", `
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: ["gpt-*"]
  timeout: 1m
  headers: [{name: x-workload, value: batch}]
  backends: [{name: c, type: OpenAI, url: "https://A.example.com:443/v2", priority: 3, weight: 7, circuitPolicyRef: {name: p}, credentials: {secretRef: {name: s, key: k}}}]`, true},
		{"another model beside it", `
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: ["gpt-*", o1]
  backends: [{name: b, type: OpenAI, url: "https://a.example.com/v1", circuitPolicyRef: {name: p}, credentials: {secretRef: {name: s, key: k}}}]`, true},
		{"the host", `
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: ["gpt-*"]
  backends: [{name: b, type: OpenAI, url: "https://b.example.com/v1", circuitPolicyRef: {name: p}, credentials: {secretRef: {name: s, key: k}}}]`, false},
		{"the credential's key", `
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: ["gpt-*"]
  backends: [{name: b, type: OpenAI, url: "https://a.example.com/v1", circuitPolicyRef: {name: p}, credentials: {secretRef: {name: s, key: l}}}]`, false},
		{"the pattern, where the upstream model varies", `
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: ["gpt-4*"]
  backends: [{name: b, type: OpenAI, url: "https://a.example.com/v1", circuitPolicyRef: {name: p}, credentials: {secretRef: {name: s, key: k}}}]`, false},
		{"the upstream model", `
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: ["gpt-*"]
  backends: [{name: b, type: OpenAI, url: "https://a.example.com/v1", model: gpt-4o, circuitPolicyRef: {name: p}, credentials: {secretRef: {name: s, key: k}}}]`, false},
		{"the policy", `
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: ["gpt-*"]
  backends: [{name: b, type: OpenAI, url: "https://a.example.com/v1", credentials: {secretRef: {name: s, key: k}}}]`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCluster(t, compile.Options{})
			c.apply(policy + "\n---\n" + secret + "\n---\n" + route)
			before := circuits(t, c.compile(), "chat")[0]
			want := gateway.CircuitKey{Policy: string(c.in.Policies[0].UID), Origin: "https://a.example.com", Credential: "s/k", Model: "gpt-*"}
			if before != want {
				t.Fatalf("the circuit is %+v, want %+v", before, want)
			}
			c.apply(tc.edit)
			if after := circuits(t, c.compile(), "chat")[0]; (after == before) != tc.same {
				t.Errorf("the circuit was %v and is %v, want the same: %t", before, after, tc.same)
			}
		})
	}
}
