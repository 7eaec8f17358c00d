package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/test/testenv"
)

// TestKindsOlderThanTheBinary: it says so in one line, is not ready, and goes on
// by itself when they are there.
func TestKindsOlderThanTheBinary(t *testing.T) {
	clusterOfItsOwn(t)
	if err := cluster.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	kubectl := func(args ...string) {
		t.Helper()
		if _, err := cluster.Kubectl(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	const schema = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties"
	kubectl("patch", "crd", "circuitpolicies.switchgear.dev", "--type=json", "-p", `[{"op": "remove", "path": "`+schema+`/sharing"}]`)
	kubectl("delete", "crd", "providerroutes.switchgear.dev")

	eventually(t, "the API server publishes what is left", func() error {
		for _, gone := range []string{"circuitpolicies.spec.sharing", "providerroutes"} {
			if _, err := cluster.Kubectl(t.Context(), "explain", gone); err == nil {
				return errNotYet
			}
		}
		return nil
	})

	log := &testenv.LogBuffer{}
	p, err := cluster.StartOperator(t.Context(), testenv.OperatorOptions{Binary: binary, Log: log, Args: usual})
	if err != nil {
		t.Fatal(err)
	}
	op := &operator{Operator: p, log: log}
	t.Cleanup(func() {
		if err := op.stop(); err != nil {
			t.Error(err)
		}
	})
	const line = "The CustomResourceDefinitions are older than this binary"
	const lacking = "CircuitPolicy has no spec.sharing; ProviderRoute is not there"
	eventually(t, "the log says what is lacking", func() error {
		for l := range strings.Lines(log.String()) {
			if strings.Contains(l, line) && strings.Contains(l, lacking) && strings.Contains(l, "make install") {
				return nil
			}
		}
		return errNotYet
	})
	ready, err := fetch(t, op.ProbesURL+"/readyz")
	if err != nil || ready.status != 500 || !strings.Contains(ready.body, "[-]kinds-of-this-version") {
		t.Errorf("readiness is %v %q (%v), want it red", ready, ready.body, err)
	}

	if err := cluster.InstallFrom(t.Context(), "crd"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is ready", func() error {
		a, err := fetch(t, op.ProbesURL+"/readyz?verbose")
		if err == nil && a.status != 200 {
			err = fmt.Errorf("%s: %s", a, a.body)
		}
		return err
	})
	if n := strings.Count(log.String(), lacking); n != 1 {
		t.Errorf("the log says so %d times, want once:\n%s", n, log)
	}
	if strings.Contains(log.String(), "could not find the requested resource") {
		t.Errorf("the log says it in other words too:\n%s", log)
	}
}
