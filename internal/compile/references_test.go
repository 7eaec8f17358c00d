package compile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/compile"
)

// TestDefaultPolicyComesAndGoes puts the namespace's default in the place of the
// built-in one, and takes it away.
func TestDefaultPolicyComesAndGoes(t *testing.T) {
	c := newCluster(t, compile.Options{})
	c.chat(1, "")
	step := func(what string, threshold int, policies ...string) {
		t.Helper()
		r := c.compile()
		if got := liveRoute(t, r, "chat").Backends[0].Policy.Circuit.FailureThreshold; got != threshold {
			t.Errorf("%s: the threshold in force is %d, want %d", what, got, threshold)
		}
		result := r.Routes[key("chat")]
		var names []string
		for _, p := range result.Policies {
			names = append(names, p.Name)
		}
		if !slices.Equal(names, policies) || len(result.Problems) > 0 {
			t.Errorf("%s: uses %v, want %v; problems %v", what, names, policies, problemLines(result.Problems))
		}
	}
	step("none", 5)
	c.apply("{kind: CircuitPolicy, metadata: {name: default}, spec: {scope: Policy}}")
	step("invalid", 5)
	c.apply("{kind: CircuitPolicy, metadata: {name: default}, spec: {failureThreshold: 7}}")
	step("valid", 7, "default")
	c.apply("{kind: CircuitPolicy, metadata: {name: default}, spec: {failureThreshold: 8, scope: Policy}}")
	step("edited to be invalid", 7, "default")
	c.delete("CircuitPolicy", "default")
	step("deleted", 5)
}

// TestReferencesActAtOnce changes and takes away the Secret of a route whose
// spec is no longer valid: what serves on is the spec, not the credential.
func TestReferencesActAtOnce(t *testing.T) {
	c := newCluster(t, compile.Options{})
	secret := func(label, data string) {
		t.Helper()
		c.apply(fmt.Sprintf("{kind: Secret, metadata: {name: s, labels: {switchgear.dev/credentials: %q}}, stringData: %s}", label, data))
	}
	// Another that would do is never taken instead.
	c.apply(`{kind: Secret, metadata: {name: t, labels: {switchgear.dev/credentials: "true"}}, stringData: {k: sk-other}}`)
	step := func(what, credential, reason string) {
		t.Helper()
		r := c.compile()
		b := liveRoute(t, r, "chat").Backends[0]
		if string(b.Credential.Key) != credential || (b.Unavailable == "") != (credential != "") {
			t.Errorf("%s: the credential is %q, want %q; unavailable: %q", what, string(b.Credential.Key), credential, b.Unavailable)
		}
		result := r.Routes[key("chat")]
		var reasons []string
		for _, p := range result.Problems {
			if p.Condition == "ResolvedRefs" {
				reasons = append(reasons, p.Reason)
			}
		}
		if strings.Join(reasons, ",") != reason || result.ResolvedRefs != (reason == "") {
			t.Errorf("%s: references resolved %t, reasons %v, want %q", what, result.ResolvedRefs, reasons, reason)
		}
		if served(r) != 1 {
			t.Errorf("%s: version %d serves, want 1", what, served(r))
		}
	}
	for _, valid := range []bool{true, false} {
		c.chat(1, "credentials: {secretRef: {name: s, key: k}}")
		secret("true", "{k: sk-0}")
		step("to begin with", "sk-0", "")
		if !valid {
			c.chat(2, "credentials: {secretRef: {name: t, key: k}}\n    priority: -1")
		}
		secret("true", "{k: sk-1}")
		step("rotated", "sk-1", "")
		step("left alone", "sk-1", "")
		secret("true", `{k: "  sk-2\n"}`)
		step("with white space around it", "sk-2", "")
		secret("true", "{other: sk-3}")
		step("without its key", "", "SecretKeyNotFound")
		secret("true", "{k: sk-4}")
		step("with its key again", "sk-4", "")
		secret("no", "{k: sk-5}")
		step("without consent", "", "SecretNotLabelled")
		secret("true", "{k: sk-6}")
		step("with consent again", "sk-6", "")
		c.delete("Secret", "s")
		step("deleted", "", "SecretNotFound")
		step("still deleted", "", "SecretNotFound")
		secret("true", `{k: "sk-7\nsk-8"}`)
		step("made anew, invalid", "", "SecretInvalid")
		secret("true", "{k: sk-9}")
		step("made anew", "sk-9", "")
		c.delete("Secret", "s")
		c.delete("ProviderRoute", "chat")
		c.compile()
	}
}
