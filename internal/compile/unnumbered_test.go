package compile_test

import (
	"fmt"
	"testing"

	"github.com/switchgear/switchgear/internal/compile"
)

// TestObjectsWithoutNumbers compiles objects as they stand in files: without UID,
// generation and version. They are known by name, and every look is a new one.
func TestObjectsWithoutNumbers(t *testing.T) {
	c := newCluster(t, compile.Options{})
	versions := map[string]bool{}
	step := func(what string, threshold int, credential string, newVersion bool) {
		t.Helper()
		in := deepCopy(c.in)
		for _, o := range in.Policies {
			o.UID, o.ResourceVersion, o.Generation = "", "", 0
		}
		for _, o := range in.Routes {
			o.UID, o.ResourceVersion, o.Generation = "", "", 0
		}
		for _, o := range in.Secrets {
			o.UID, o.ResourceVersion = "", ""
		}
		r := compile.Compile(in, c.last, c.options)
		c.last = r.LastGood
		b := liveRoute(t, r, "chat").Backends[0]
		if got := b.Policy.Circuit.FailureThreshold; got != threshold || string(b.Credential.Key) != credential {
			t.Errorf("%s: the threshold is %d, the credential %q, want %d, %q", what, got, string(b.Credential.Key), threshold, credential)
		}
		if versions[r.Snapshot.Version] == newVersion {
			t.Errorf("%s: the version %s is new: %t", what, r.Snapshot.Version, !newVersion)
		}
		versions[r.Snapshot.Version] = true
	}
	const secret = `{kind: Secret, metadata: {name: s, labels: {switchgear.dev/credentials: "true"}}, stringData: {k: %s}}`
	c.apply("{kind: CircuitPolicy, metadata: {name: p}, spec: {failureThreshold: 7}}")
	c.apply(fmt.Sprintf(secret, "sk-1"))
	c.chat(1, "credentials: {secretRef: {name: s, key: k}}\n    circuitPolicyRef: {name: p}")
	step("to begin with", 7, "sk-1", true)
	step("left alone", 7, "sk-1", false)
	c.apply("{kind: CircuitPolicy, metadata: {name: p}, spec: {failureThreshold: 8}}")
	step("edited", 8, "sk-1", true)
	c.apply("{kind: CircuitPolicy, metadata: {name: p}, spec: {failureThreshold: -1}}")
	step("edited to be invalid", 8, "sk-1", true)
	c.apply(fmt.Sprintf(secret, "sk-2"))
	step("with another credential", 8, "sk-2", false) // no value goes into the version
	c.delete("Secret", "s")
	step("without it", 8, "", true)
}
