package controller

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

func TestOutageOfTheAPIServerIsCaughtUpWith(t *testing.T) {
	c, ns := newNamespace(t)
	w := &wire{}
	op := startOperatorOver(t, c, ns, w)
	p := op.settledPolicy(t, "openai")
	waitFor(t, "readiness", func() error { return get(op.readyz, 200) })

	w.cut()
	snapshot := op.gateway.applied()
	op.open(p, "5 consecutive failures")
	op.create(t, newPolicy("new"))
	waitFor(t, "the lease to be lost", func() error {
		if op.relay.Leading() {
			return fmt.Errorf("still leading")
		}
		return nil
	})
	if op.gateway.applied() != snapshot {
		t.Error("the configuration changed although nothing could be read")
	}
	if err := get(op.readyz, 200); err != nil {
		t.Errorf("readiness during the outage: %v", err)
	}

	w.mend()
	op.waitState(t, "openai", v1alpha1.CircuitOpen)
	waitFor(t, "the event about the outage", func() error {
		if n := len(op.events(t, "openai")); n != 1 {
			return fmt.Errorf("%d events", n)
		}
		return nil
	})
	waitFor(t, "the new policy's status", func() error {
		if g := op.policy(t, "new").Status.ObservedGeneration; g != 1 {
			return fmt.Errorf("observedGeneration is %d", g)
		}
		return nil
	})
}

func TestStartWithoutAnAPIServerWaits(t *testing.T) {
	c, ns := newNamespace(t)
	w := &wire{}
	w.cut()
	op := startOperatorOver(t, c, ns, w)
	waitFor(t, "the probe server", func() error { return get(op.readyz, 500) })
	response, err := http.Get(op.readyz)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(body), "[-]api-server-read-and-configuration-applied") || !strings.Contains(string(body), "[-]listener-bound") {
		t.Errorf("readiness says %q (%v)", body, err)
	}
	select {
	case <-op.listener.listening:
		t.Error("the listener is open although there is no configuration")
	case err := <-op.ended:
		t.Fatalf("the operator ended: %v", err)
	case <-time.After(tickPeriod):
	}
	w.mend()
	<-op.listener.listening
	waitFor(t, "readiness", func() error { return get(op.readyz, 200) })
}
