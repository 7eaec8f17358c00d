package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/testenv"
)

// TestAReplicaIsCutOff: one of two cannot reach the API server for as long as it
// takes to count no more. It serves and decides all the while; when it is back,
// status is the truth within 15 s and what it has missed is live within 5 s.
func TestAReplicaIsCutOff(t *testing.T) {
	w := newWire(t)
	f := startReplicas(t, 1)
	p := newPlace(t, f.leader())
	lonely := p.by(f.start(testenv.OperatorOptions{Server: w.Address()}))
	well, sick := providersim.Start(t, providersim.Options{Name: "well"}), providersim.Start(t, providersim.Options{Name: "sick"})
	p.apply(policy("default", stuck),
		route("steady", "gpt-4o", backend("well", well)),
		route("fragile", "gpt-5", backend("sick", sick)))
	p.waitReady("policy/default", "route/steady", "route/fragile")
	p.waitReplicas("default", "0/2")
	defer lonely.traffic("gpt-4o", "200 well")()

	w.Cut()
	cut := time.Now()
	sick.SetFault(providersim.Fault{Status: 503})
	lonely.wantAnswers(lonely.asks(1, "gpt-5"), "503 sick")
	lonely.wantAnswers(lonely.asks(1, "gpt-5"), "503 circuit_open")
	p.apply(route("new", "gpt-6", backend("well", well)))
	p.waitCondition("new", v1alpha1.ConditionProgrammed, "False", v1alpha1.ReasonNotProgrammed)
	p.waitReplicas("default", "0/1")
	p.waitReady("route/new") // as who counts has it
	t.Logf("it counted no more %s after the cut", time.Since(cut).Round(time.Second))
	lonely.wantAnswers(lonely.asks(1, "gpt-6"), "404 model_not_found")
	if ready, err := fetch(t, lonely.op.ProbesURL+"/readyz"); err != nil || ready.status != 200 {
		t.Errorf("readiness is %v %q (%v): a pod that serves must keep its clients", ready, ready.body, err)
	}

	w.Mend()
	mended := time.Now()
	p.eventually("the missed edit is live", func() error {
		return equal(lonely.ask("gpt-6").String(), "200 well")
	})
	if took := time.Since(mended); took > 5*time.Second {
		t.Errorf("the missed edit was live after %s, want within 5s", took)
	}
	p.waitReplicas("default", "1/2")
	if took := time.Since(mended); took > 15*time.Second {
		t.Errorf("status was true after %s, want within 15s", took)
	}
	t.Logf("all was well %s after the cut was mended", time.Since(mended).Round(time.Millisecond))
	log := lonely.op.log.String()
	if n := strings.Count(log, "\n") - strings.Count(log, "msg=Request "); n > 200 {
		t.Errorf("the log has %d lines that are not of requests", n)
	}
	for _, want := range []string{"The API server cannot be reached; trying on", "The API server is back"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}
