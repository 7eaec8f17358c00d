package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// circuitsOff is the process's --circuits=off.
func circuitsOff(s *streamSetup) { s.Options.CircuitsOff = true }

func mode(m circuit.Mode) func(*streamSetup) {
	return func(s *streamSetup) { s.Policy.Circuit.Mode = m }
}

// TestModesInAnOutage: in each, a provider fails, and then is well again before
// its circuit would let anybody through.
func TestModesInAnOutage(t *testing.T) {
	for _, tc := range []struct {
		name    string
		tune    func(*streamSetup)
		refuses bool
		state   circuit.State // after five failures
		calls   string        // what was recorded in the end
	}{
		{"Enforce", mode(circuit.Enforce), true, circuit.Open, "b0 Failure:5"},
		{"Observe", mode(circuit.Observe), false, circuit.Open, "b0 Failure:6 b0 Success:1"},
		{"Disabled", mode(circuit.Disabled), false, circuit.Closed, ""},
		{"circuits off", circuitsOff, false, circuit.Open, "b0 Failure:6 b0 Success:1"},
		{"circuits off, Disabled", func(s *streamSetup) { circuitsOff(s); mode(circuit.Disabled)(s) }, false, circuit.Closed, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range anything {
				tune := func(s *streamSetup) { tc.tune(s); s.Retry.MaxAttempts = 1 }
				inBubble(t, tune, 1, func(r *bubbleRig) {
					r.fault(0, providersim.Fault{Status: 500})
					for range 5 {
						if a := r.ask(way); a.status != 500 {
							t.Errorf("%s: the client got %d", way.name, a.status)
						}
					}
					if s := r.state(way.route()); s != tc.state {
						t.Errorf("%s: the circuit is %v, want %v", way.name, s, tc.state)
					}
					sixth := r.ask(way)
					r.sims[0].Heal()
					seventh := r.ask(way)
					if refused := sixth.code() == "circuit_open" && seventh.code() == "circuit_open"; refused != tc.refuses {
						t.Errorf("%s: the clients got %d %q and %d %q", way.name, sixth.status, sixth.code(), seventh.status, seventh.code())
					}
					if !tc.refuses && (sixth.status != 500 || !asWell(&seventh, "b0")) {
						t.Errorf("%s: the clients got %d and %d", way.name, sixth.status, seventh.status)
					}
					r.wantTally(tc.calls, "circuit_calls_total", "circuit", "outcome")
					reported := "b0 CircuitOpen:2"
					if tc.state == circuit.Closed {
						reported = ""
					}
					r.wantTally(reported, "circuit_refusals_total", "circuit", "reason")
				})
			}
		})
	}
}

// TestABulkheadThatRefusesNothing: in the modes that only look on, every request
// runs.
func TestABulkheadThatRefusesNothing(t *testing.T) {
	for name, tune := range map[string]func(*streamSetup){
		"Observe": mode(circuit.Observe), "Disabled": mode(circuit.Disabled), "circuits off": circuitsOff,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *streamSetup) {
				tune(s)
				s.Policy.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1}
			}, 1, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Kind: providersim.Hold})
				answers := make(chan told)
				for range 3 {
					go func() { answers <- r.ask(chatWhole) }()
				}
				synctest.Wait()
				if n := r.sims[0].Running(); n != 3 {
					t.Errorf("%d calls run, want 3", n)
				}
				r.sims[0].Heal()
				for range 3 {
					if a := <-answers; !asWell(&a, "b0") {
						t.Errorf("a client got %d %s", a.status, a.body)
					}
				}
				want := "b0 BulkheadFull:2"
				if name == "Disabled" {
					want = ""
				}
				r.wantTally(want, "circuit_refusals_total", "circuit", "reason")
			})
		})
	}
}

// TestCircuitsOffIgnoresOverrides that keep a circuit open: in an emergency
// nothing is refused.
func TestCircuitsOffIgnoresOverrides(t *testing.T) {
	inBubble(t, func(s *streamSetup) { circuitsOff(s); forceOpen(0)(s) }, 2, func(r *bubbleRig) {
		if a := r.ask(chatWhole); !asWell(&a, "b0") {
			t.Errorf("the client got %d of %s", a.status, a.header.Get("X-Switchgear-Backend"))
		}
		if s := r.state("gpt"); s != circuit.Open {
			t.Errorf("the circuit is told as %v, want Open", s)
		}
	})
}

// TestRetriesAndTimeoutsHoldInEveryMode: they are not the circuit's.
func TestRetriesAndTimeoutsHoldInEveryMode(t *testing.T) {
	for name, tune := range map[string]func(*streamSetup){
		"Observe": mode(circuit.Observe), "Disabled": mode(circuit.Disabled), "circuits off": circuitsOff,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *streamSetup) { tune(s); attempt10s(s) }, 3, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Status: 500})
				r.fault(1, providersim.Fault{Kind: providersim.Hang})
				if a := r.ask(chatWhole); !asWell(&a, "b2") {
					t.Errorf("the client got %d %s", a.status, a.body)
				}
				r.wantStory("b0@0s b0@500ms b0@1.5s b1@1.5s b2@11.5s")
			})
		})
	}
}

// TestAModeThatChangesAmidAnOutage takes effect with the next request.
func TestAModeThatChangesAmidAnOutage(t *testing.T) {
	inBubble(t, opens, 1, func(r *bubbleRig) {
		apply := func(m circuit.Mode) {
			r.gw.Apply(newStreamSetup(t, func(s *streamSetup) {
				balanced(s)
				opens(s)
				mode(m)(s)
			}).snapshot(t, []string{"http://b0"}))
		}
		r.opened(0)
		steps := []struct {
			mode circuit.Mode
			code string
		}{{circuit.Enforce, "circuit_open"}, {circuit.Observe, ""}, {circuit.Enforce, "circuit_open"}, {circuit.Disabled, ""}, {circuit.Enforce, ""}}
		for i, step := range steps {
			apply(step.mode)
			if a := r.ask(chatWhole); a.code() != step.code {
				t.Errorf("step %d, %v: the client got %d %q, want %q", i, step.mode, a.status, a.code(), step.code)
			}
			time.Sleep(second)
		}
	})
}
