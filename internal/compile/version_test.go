package compile_test

import (
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/internal/compile"
)

// TestVersion edits one thing at a time: the version is another if what the
// gateway serves is.
func TestVersion(t *testing.T) {
	bundles, err := os.ReadFile("testdata/ca-bundles/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ca, _, _ := strings.Cut(string(bundles), "\n---\n")
	const (
		credential = `{kind: Secret, metadata: {name: s, labels: {switchgear.dev/credentials: "true"}}, stringData: {k: sk-1}}`
		unused     = `{kind: Secret, metadata: {name: unused, labels: {switchgear.dev/credentials: "true"}}, stringData: {k: sk-1}}`
		policy     = "{kind: CircuitPolicy, metadata: {name: p}}"
	)
	for _, tc := range []struct {
		name string
		edit func(*cluster)
		same bool
	}{
		{"nothing", func(*cluster) {}, true},
		{"a route", func(c *cluster) { c.chat(2, "") }, false},
		{"a route that is gone", func(c *cluster) { c.delete("ProviderRoute", "chat") }, false},
		{"a policy", func(c *cluster) { c.apply(policy) }, false},
		{"a policy that no route refers to", func(c *cluster) { c.apply("{kind: CircuitPolicy, metadata: {name: q}}") }, false},
		{"a policy made anew", func(c *cluster) { c.delete("CircuitPolicy", "p"); c.apply(policy) }, false},
		{"an edit that is invalid", func(c *cluster) { c.invalidChat(2) }, true},
		{"a credential", func(c *cluster) { c.apply(credential) }, false},
		{"a credential that is gone", func(c *cluster) { c.delete("Secret", "s") }, false},
		{"a CA bundle", func(c *cluster) { c.apply(ca) }, false},
		{"a Secret that no route refers to", func(c *cluster) { c.apply(unused) }, true},
		{"what is not in a spec", func(c *cluster) {
			for _, o := range []metav1.Object{c.in.Policies[0], c.in.Routes[0]} {
				o.SetAnnotations(map[string]string{"a": "b"})
				o.SetResourceVersion("99")
			}
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCluster(t, compile.Options{})
			c.apply(credential + "\n---\n" + unused + "\n---\n" + policy + "\n---\n" + ca)
			c.chat(1, "credentials: {secretRef: {name: s, key: k}}\n    tls: {caSecretRef: {name: ca, key: ca.crt}}\n    circuitPolicyRef: {name: p}")
			before := c.compile().Snapshot.Version
			tc.edit(c)
			if after := c.compile().Snapshot.Version; (after == before) != tc.same || len(after) != 16 {
				t.Errorf("the version was %q and is %q, want the same: %t", before, after, tc.same)
			}
		})
	}
}
