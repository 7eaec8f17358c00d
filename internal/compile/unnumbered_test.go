package compile_test

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/internal/compile"
)

// TestObjectsWithoutNumbers compiles objects that no API server has numbered, as
// they stand in files. Every look at them is a new one, and without a UID they
// are known by name.
func TestObjectsWithoutNumbers(t *testing.T) {
	for name, unnumber := range map[string]func(metav1.Object){
		"neither":       func(o metav1.Object) { o.SetUID(""); o.SetGeneration(0) },
		"no UID":        func(o metav1.Object) { o.SetUID(""); o.SetGeneration(1) },
		"no generation": func(o metav1.Object) { o.SetGeneration(0) },
		"no version":    func(metav1.Object) {},
	} {
		t.Run(name, func(t *testing.T) { testWithoutNumbers(t, unnumber) })
	}
}

func testWithoutNumbers(t *testing.T, unnumber func(metav1.Object)) {
	c := newCluster(t, compile.Options{})
	step := func(what string, threshold int, credential string) {
		t.Helper()
		in := deepCopy(c.in)
		for _, o := range in.Policies {
			unnumber(o)
		}
		for _, o := range in.Routes {
			unnumber(o)
		}
		for _, o := range in.Secrets {
			unnumber(o)
			o.ResourceVersion = ""
		}
		r := compile.Compile(in, c.last, c.options)
		c.last = r.LastGood
		b := liveRoute(t, r, "chat").Backends[0]
		if got := b.Policy.Circuit.FailureThreshold; got != threshold || string(b.Credential.Key) != credential {
			t.Errorf("%s: the threshold is %d, the credential %q, want %d, %q", what, got, string(b.Credential.Key), threshold, credential)
		}
	}
	secret := func(value string) {
		t.Helper()
		c.apply(fmt.Sprintf(`{kind: Secret, metadata: {name: s, labels: {switchgear.dev/credentials: "true"}}, stringData: {k: %s}}`, value))
	}
	policy := func(threshold int) {
		t.Helper()
		c.apply(fmt.Sprintf("{kind: CircuitPolicy, metadata: {name: p}, spec: {failureThreshold: %d}}", threshold))
	}
	policy(7)
	secret("sk-1")
	c.chat(1, "credentials: {secretRef: {name: s, key: k}}\n    circuitPolicyRef: {name: p}")
	step("to begin with", 7, "sk-1")
	step("left alone", 7, "sk-1")
	policy(8)
	step("edited", 8, "sk-1")
	policy(-1)
	step("edited to be invalid", 8, "sk-1")
	secret("sk-2")
	step("with another credential", 8, "sk-2")
	c.delete("Secret", "s")
	step("without it", 8, "")
}
