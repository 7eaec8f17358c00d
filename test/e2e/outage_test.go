package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/testenv"
)

// TestAPIServerGoesAndComesBack: clients do not notice, circuits work on, and
// when the API server is back, status and the edits that were missed arrive.
func TestAPIServerGoesAndComesBack(t *testing.T) {
	w := newWire(t)
	p := newPlace(t, startOperator(t, testenv.OperatorOptions{Server: w.Address()}))
	well, sick := providersim.Start(t, providersim.Options{Name: "well"}), providersim.Start(t, providersim.Options{Name: "sick"})
	p.apply(
		policy("default", stuck),
		route("steady", "gpt-4o", backend("well", well)),
		route("fragile", "gpt-5", backend("sick", sick), backend("well", well)))
	p.waitReady("policy/default", "route/steady", "route/fragile")
	defer p.traffic("gpt-4o", "200 well")()

	w.Cut()
	sick.SetFault(providersim.Fault{Status: 503})
	p.ask("gpt-5")
	p.wantAnswers(p.asks(2, "gpt-5"), "200 well")
	if n := sick.Count(); n != 1 {
		t.Errorf("the sick provider was called %d times, want once: its circuit is open", n)
	}
	p.apply(route("new", "gpt-6", backend("well", well)))
	p.eventually("the lease is lost, and with it nothing else", func() error {
		if !strings.Contains(p.op.log.String(), "Not the leader any more") {
			return errNotYet
		}
		return nil
	})
	if err := equal(p.policy("default").Status.State, v1alpha1.CircuitClosed); err != nil {
		t.Errorf("the state in status, written by nobody: %v", err)
	}
	p.wantAnswers(p.asks(1, "gpt-6"), "404 model_not_found")
	if ready, err := fetch(t, p.op.ProbesURL+"/readyz"); err != nil || ready.status != 200 {
		t.Errorf("readiness is %v %q (%v): a pod that serves must keep its clients", ready, ready.body, err)
	}

	w.Mend()
	p.waitState("default", v1alpha1.CircuitOpen)
	p.event("default", "CircuitOpened")
	p.waitReady("route/new")
	p.wantAnswers(p.asks(1, "gpt-6"), "200 well")
}

// newWire is a proxy before the API server that ends with the test.
func newWire(t *testing.T) *testenv.Wire {
	t.Helper()
	w, err := cluster.NewWire()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// traffic asks on and on until the function that it returns is called, and fails
// the test for any answer but the wanted one.
func (p *place) traffic(model, want string) (stop func()) {
	ctx, cancel := context.WithCancel(p.t.Context())
	var running sync.WaitGroup
	asked := 0
	running.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ; ctx.Err() == nil; asked++ {
			<-tick.C
			a, err := send(p.request(model, false))
			if err == nil {
				err = equal(a.String(), want)
			}
			if err != nil {
				p.t.Errorf("call %d: %v", asked+1, err)
				return
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
		p.t.Logf("%d calls were answered meanwhile", asked)
	}
}
