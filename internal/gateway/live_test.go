package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestAnEditInAnOutage: whatever changes, an open circuit stays open until its
// own time, and the provider is left alone.
func TestAnEditInAnOutage(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*gateway.Policy, []*gateway.Route)
	}{
		{"nothing", func(*gateway.Policy, []*gateway.Route) {}},
		{"a higher threshold", func(p *gateway.Policy, _ []*gateway.Route) { p.Circuit.FailureThreshold = 100 }},
		{"no threshold", func(p *gateway.Policy, _ []*gateway.Route) { p.Circuit.FailureThreshold = 0 }},
		{"another window", func(p *gateway.Policy, _ []*gateway.Route) { p.Circuit.Window = time.Second }},
		{"another bulkhead", func(p *gateway.Policy, _ []*gateway.Route) { p.Circuit.Bulkhead.MaxConcurrent = 1 }},
		{"another reset timeout", func(p *gateway.Policy, _ []*gateway.Route) { p.Circuit.ResetTimeout = 30 * time.Second }},
		{"other timeouts", func(p *gateway.Policy, _ []*gateway.Route) { p.Timeouts.Attempt = time.Second }},
		{"the route", func(_ *gateway.Policy, routes []*gateway.Route) {
			routes[0].Timeout, routes[0].Backends[0].Model = time.Second, "other"
		}},
		{"a route beside it", func(_ *gateway.Policy, routes []*gateway.Route) { routes[1].Name = "renamed" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(providersim.Fault{Status: 500})
			sensitive := func(p *gateway.Policy) { p.Circuit.FailureThreshold = 3 }
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t, sensitive))...)
			for range 3 {
				r.post(chatDoor)
			}
			before := r.circuitOf("gpt")
			p := newPolicy(t, sensitive)
			routes := doorRoutes(t, sim.URL, p)
			tc.edit(p, routes)
			r.apply(routes...)

			after := r.circuitOf("gpt")
			if before.State != circuit.Open || after.State != circuit.Open || !after.OpenedTime.Equal(before.OpenedTime) || after.FailureCount != 3 || after.Opens != 1 {
				t.Errorf("before %+v, after %+v", before, after)
			}
			r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
			if sim.Count() != 3 {
				t.Errorf("the provider was asked %d times", sim.Count())
			}
			r.wantEnds(map[string]int{"ServerError": 3, "CircuitOpen": 1}, map[string]int{"Failure": 3})
		})
	}
}

// TestAnEditKeepsTheCounts: failures before it and after it open the circuit
// together.
func TestAnEditKeepsTheCounts(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Status: 500})
	edited := func(reset time.Duration) []*gateway.Route {
		return doorRoutes(t, sim.URL, newPolicy(t, func(p *gateway.Policy) {
			p.Circuit.FailureThreshold, p.Circuit.ResetTimeout = 3, reset
		}))
	}
	r := newRig(t, nil, edited(10*time.Second)...)
	for i := range 3 {
		if got := r.post(chatDoor); got.status != http.StatusInternalServerError {
			t.Errorf("call %d: status %d: %s", i, got.status, got.body)
		}
		r.apply(edited(time.Duration(20+i) * time.Second)...)
	}
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
	last := r.circuitOf("gpt").Last
	if last == nil || last.Message != "3 consecutive failures: 3 × HTTP 500" {
		t.Errorf("the transition is %+v", last)
	}
}

// TestAnEditCanHelp: a circuit opens by a stricter rule, and an override or a
// shorter wait act at once.
func TestAnEditCanHelp(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	with := func(edit func(*gateway.Policy)) []*gateway.Route { return doorRoutes(t, sim.URL, newPolicy(t, edit)) }
	r := newRig(t, nil, with(unchanged)...)
	sim.SetFault(providersim.Fault{Status: 500})
	r.post(chatDoor)
	r.post(chatDoor)
	sim.Heal()

	r.apply(with(func(p *gateway.Policy) { p.Circuit.FailureThreshold = 2 })...)
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
	r.apply(with(func(p *gateway.Policy) { p.Circuit.Override.Kind = circuit.ForceClosed })...)
	if got := r.post(chatDoor); got.status != http.StatusOK {
		t.Errorf("forced closed: status %d: %s", got.status, got.body)
	}
	r.apply(with(unchanged)...)
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
	r.apply(with(func(p *gateway.Policy) { p.Circuit.ResetTimeout = 10 * time.Millisecond })...)
	r.eventually("a probe's turn", func() bool { return r.post(chatDoor).status == http.StatusOK })
	if c := r.circuitOf("gpt"); c.State != circuit.Closed {
		t.Errorf("the circuit is %v", c.State)
	}
}

// TestANewPolicyHasNewCircuits, be it of the same name.
func TestANewPolicyHasNewCircuits(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	of := func(id string) []*gateway.Route {
		return doorRoutes(t, sim.URL, newPolicy(t, func(p *gateway.Policy) { p.ID, p.Circuit.FailureThreshold = id, 1 }))
	}
	r := newRig(t, nil, of("first")...)
	sim.SetFault(providersim.Fault{Status: 500, Requests: 1})
	r.post(chatDoor)
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
	r.apply(of("second")...)
	if got := r.post(chatDoor); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if r.gw.ObservePolicy("first") != nil {
		t.Error("the first policy is still observed")
	}
}

// TestResetByHand closes all circuits of a policy.
func TestResetByHand(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Status: 500})
	p := newPolicy(t, func(p *gateway.Policy) { p.Circuit.FailureThreshold = 1 })
	r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
	for _, e := range doors {
		r.post(e)
		r.post(e).wantOwn(t, e, http.StatusServiceUnavailable, "circuit_open")
	}
	if got := r.gw.Restless(); cmp.Diff([]string{"p"}, got) != "" {
		t.Errorf("restless: %q", got)
	}
	sim.Heal()
	r.gw.Reset("another")
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
	r.gw.Reset("p")
	if got := r.gw.Restless(); len(got) != 0 {
		t.Errorf("restless: %q", got)
	}
	for _, e := range doors {
		if got := r.post(e); got.status != http.StatusOK {
			t.Errorf("status %d: %s", got.status, got.body)
		}
	}
}

// TestAnEditUnderCalls: those that run and those that wait are finished with what
// they began with, whatever is taken away meanwhile; the next calls meet what is
// new.
func TestAnEditUnderCalls(t *testing.T) {
	for _, tc := range []struct {
		name string
		next func(sim *providersim.Server) []*gateway.Route
		then func(r *streamRig)
	}{
		{"the policy", func(sim *providersim.Server) []*gateway.Route {
			return doorRoutes(t, sim.URL, newPolicy(t, oneAtATime, func(p *gateway.Policy) { p.Circuit.FailureThreshold = 7 }))
		}, nil},
		{"the backend", func(*providersim.Server) []*gateway.Route {
			return doorRoutes(t, "http://127.0.0.1:1", newPolicy(t, oneAtATime))
		}, func(r *streamRig) {
			r.post(chatDoor).wantOwn(r.t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
		}},
		{"all of it", func(*providersim.Server) []*gateway.Route { return nil }, func(r *streamRig) {
			r.post(chatDoor).wantOwn(r.t, chatDoor, http.StatusNotFound, "model_not_found")
			r.post(pathDoor).wantOwn(r.t, pathDoor, http.StatusNotFound, "no_route")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(providersim.Fault{Kind: providersim.Hold})
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t, oneAtATime))...)
			answers := []<-chan reply{r.begin(t.Context(), pathDoor), r.begin(t.Context(), chatDoor)}
			sim.WaitRunning(2)
			answers = append(answers, r.enqueue(t.Context(), "a", "b")...)
			r.apply(tc.next(sim)...)
			if tc.then != nil {
				tc.then(r)
			}
			sim.Heal()
			for _, answer := range answers {
				if got := r.await(answer); got.status != http.StatusOK {
					t.Errorf("status %d (%v): %s", got.status, got.err, got.body)
				}
			}
			if sim.Count() != len(answers) {
				t.Errorf("the provider was asked %d times", sim.Count())
			}
			r.wantIdle()
		})
	}
}

// TestACircuitThatOpensTooLate, when it is live no more, is not waited for.
func TestACircuitThatOpensTooLate(t *testing.T) {
	t.Parallel()
	coming, released := make(chan struct{}), make(chan struct{})
	provider := script(t, func(s scripted) {
		close(coming)
		s.wait(released)
		s.w.WriteHeader(http.StatusInternalServerError)
	})
	opened := make(chan gateway.Transition, 1)
	r := newRig(t, func(o *gateway.Options) { o.OnTransition = func(tr gateway.Transition) { opened <- tr } },
		doorRoutes(t, provider, newPolicy(t, func(p *gateway.Policy) { p.Circuit.FailureThreshold = 1 }))...)
	answer := r.begin(t.Context(), chatDoor)
	<-coming
	r.apply()
	close(released)
	r.await(answer)
	if tr := <-opened; tr.To != circuit.Open {
		t.Errorf("told %+v", tr)
	}
	if n := r.gw.Watched(); n != 0 {
		t.Errorf("%d circuits are waited for", n)
	}
}

// TestAWiderBulkheadLetsTheQueueIn at once.
func TestAWiderBulkheadLetsTheQueueIn(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Hold})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t, oneAtATime))...)
	answers := []<-chan reply{r.begin(t.Context(), chatDoor)}
	sim.WaitRunning(1)
	answers = append(answers, r.enqueue(t.Context(), "a", "b")...)
	wide := func(p *gateway.Policy) { p.Circuit.Bulkhead.MaxConcurrent = 3 }
	r.apply(doorRoutes(t, sim.URL, newPolicy(t, oneAtATime, wide))...)
	sim.WaitRunning(3)
	sim.Heal()
	for _, answer := range answers {
		if got := r.await(answer); got.status != http.StatusOK {
			t.Errorf("status %d: %s", got.status, got.body)
		}
	}
}
