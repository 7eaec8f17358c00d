package gateway_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// opens makes the first backend's circuit open on its first failure, and nothing
// is asked again.
func opens(s *streamSetup) {
	s.Retry.MaxAttempts = 1
	s.Policy.Circuit.FailureThreshold = 1
	s.Policy.Circuit.SuccessThreshold = 1
	s.Policy.Circuit.ResetBackoff.JitterPercent = 0
}

// open has the circuits of the providers opened, by a failure each. It leaves the
// providers healthy and their logs empty.
func (r *bubbleRig) opened(providers ...int) {
	r.t.Helper()
	for _, i := range providers {
		r.fault(i, providersim.Fault{Status: 500, Requests: 1})
		r.ask(chatWhole)
	}
	synctest.Wait()
	for _, sim := range r.sims {
		sim.ClearRequests()
	}
}

// TestCallsThatACircuitRefuses is the row CircuitOpen: there is no call, and the
// next backend is asked at once.
func TestCallsThatACircuitRefuses(t *testing.T) {
	t.Run("and another takes", func(t *testing.T) {
		for _, way := range anyModel[:2] {
			inBubble(t, opens, 2, func(r *bubbleRig) {
				r.opened(0)
				before := r.tally("requests_total", "backend", "class")
				a := r.ask(way)
				if !asWell(&a, "b1") || a.header.Get("X-Switchgear-Attempts") != "1" || a.after != 0 {
					t.Errorf("%s: the client got %d %v after %v", way.name, a.status, a.header, a.after)
				}
				r.wantStory("b1@0s")
				if before != "b1 Success:1" { // of the request that opened it
					t.Errorf("before, requests_total was %q", before)
				}
				r.wantTally("b1 Success:2", "requests_total", "backend", "class")
				r.wantTally("b0 CircuitOpen:1 b0 ServerError:1 b1 Success:2", "attempts_total", "backend", "class")
				r.wantTally("b0 b1 CircuitOpen:1 b0 b1 ServerError:1", "fallbacks_total", "from", "to", "class")
				r.wantTally("b0 Failure:1 b1 Success:2", "circuit_calls_total", "circuit", "outcome")
				r.wantTally("b0 CircuitOpen:1", "circuit_refusals_total", "circuit", "reason")
			})
		}
	})
	for name, alone := range map[string]struct {
		backends int
		on       gateway.ClassSet
	}{
		"and there is no other":             {1, gateway.FallbackClasses},
		"and it is not in fallback.classes": {2, without("CircuitOpen")},
		"and fallback.classes has no class": {2, 0},
		"and the other is open as well":     {2, gateway.FallbackClasses},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *streamSetup) { opens(s); s.Fallback = alone.on }, alone.backends, func(r *bubbleRig) {
				if r.opened(0); name == "and the other is open as well" {
					time.Sleep(10 * second)
					r.opened(1)
				}
				time.Sleep(2500 * time.Millisecond)
				a := r.ask(chatWhole)
				retryAfter := map[bool]string{true: "18", false: "28"}[name == "and the other is open as well"]
				if a.status != 503 || a.code() != "circuit_open" || a.header.Get("Retry-After") != retryAfter ||
					a.header.Get("X-Should-Retry") != "false" || a.header.Get("X-Switchgear-Attempts") != "0" ||
					a.header.Get("X-Switchgear-Circuit") != "open" || a.header.Get("X-Switchgear-Backend") != "b0" ||
					!strings.Contains(a.body, "the circuit of every backend of route gpt that may be asked is open") {
					t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
				}
				r.wantStory("")
			})
		})
	}
}

// TestRetryAfterOfOpenCircuits is the time to the earliest probe, wherever it
// will be.
func TestRetryAfterOfOpenCircuits(t *testing.T) {
	t.Run("the second is the first to probe", func(t *testing.T) {
		tune := func(s *streamSetup) {
			opens(s)
			short := s.Policy
			short.Circuit.ResetTimeout = 7 * second
			s.Backend = func(n int, b *gateway.Backend) {
				if n == 1 {
					b.Policy = &short
				}
			}
		}
		inBubble(t, tune, 2, func(r *bubbleRig) {
			r.opened(0, 1)
			if a := r.ask(chatWhole); a.header.Get("Retry-After") != "7" {
				t.Errorf("the client got %d %v", a.status, a.header)
			}
		})
	})
	for name, busy := range map[string]int{"the first probes": 0, "the second probes": 1} {
		t.Run(name, func(t *testing.T) {
			tune := func(s *streamSetup) {
				opens(s)
				s.Backend = func(n int, b *gateway.Backend) {
					p := *b.Policy
					if b.Policy = &p; n == busy {
						p.Circuit.ResetTimeout = 5 * second
					}
				}
			}
			inBubble(t, tune, 2, func(r *bubbleRig) {
				r.opened(0, 1)
				time.Sleep(6 * second)
				r.fault(busy, providersim.Fault{Kind: providersim.Hold})
				go r.ask(chatWhole)
				synctest.Wait()
				a := r.ask(chatWhole)
				want := [...]string{"half-open", "open"}[busy]
				if a.code() != "circuit_open" || a.header.Get("Retry-After") != "1" || a.header.Get("X-Switchgear-Circuit") != want {
					t.Errorf("the client got %d %v", a.status, a.header)
				}
				r.sims[busy].Heal()
				synctest.Wait()
			})
		})
	}
	t.Run("forced open without end", func(t *testing.T) {
		tune := func(s *streamSetup) { s.Policy.Circuit.Override.Kind = circuit.ForceOpen }
		inBubble(t, tune, 1, func(r *bubbleRig) {
			if a := r.ask(chatWhole); a.code() != "circuit_open" || a.header["Retry-After"] != nil {
				t.Errorf("the client got %d %v", a.status, a.header)
			}
		})
	})
}

// TestCallsThatABulkheadRefuses is the row BulkheadFull: there is no call, and
// the next backend is asked once it is clear that no slot will be free.
func TestCallsThatABulkheadRefuses(t *testing.T) {
	for _, tc := range []struct {
		name          string
		bulkhead      circuit.BulkheadSettings
		timeout       time.Duration
		code, refusal string
		after         time.Duration
		late          bool // there is no time to ask another
	}{
		{"without a queue", circuit.BulkheadSettings{MaxConcurrent: 1}, minute, "bulkhead_full", "BulkheadFull", 0, false},
		{"in a queue", circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 1, QueueTimeout: 5 * second}, minute, "bulkhead_timeout", "BulkheadTimeout", 5 * second, false},
		{"for longer than the route allows", circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 1, QueueTimeout: 5 * minute}, 10 * second, "bulkhead_timeout", "Cancelled", 10 * second, true},
	} {
		setup := func(s *streamSetup) {
			s.Timeout = tc.timeout
			s.Backend = func(n int, b *gateway.Backend) {
				if n == 0 {
					p := *b.Policy
					p.Circuit.Bulkhead = tc.bulkhead
					b.Policy = &p
				}
			}
		}
		// play has the one slot taken, by a request that is let go in the end.
		play := func(t *testing.T, backends int, on gateway.ClassSet, check func(r *bubbleRig, a *told)) {
			t.Helper()
			inBubble(t, func(s *streamSetup) { setup(s); s.Fallback = on }, backends, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Kind: providersim.Hold, AfterTokens: 1})
				go r.ask(chatStream)
				synctest.Wait()
				a := r.ask(chatWhole)
				if a.after != tc.after {
					t.Errorf("the answer took %v, want %v", a.after, tc.after)
				}
				check(r, &a)
				r.wantTally("b0 "+tc.refusal+":1", "circuit_refusals_total", "circuit", "reason")
				r.sims[0].Heal()
				synctest.Wait()
			})
		}
		refused := func(t *testing.T) func(r *bubbleRig, a *told) {
			return func(r *bubbleRig, a *told) {
				if a.status != 503 || a.code() != tc.code || a.header.Get("Retry-After") != "1" || a.header.Get("X-Should-Retry") != "false" ||
					a.header.Get("X-Switchgear-Attempts") != "0" || a.header.Get("X-Switchgear-Backend") != "b0" {
					t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
				}
				r.wantTally("b0 BulkheadFull:1", "requests_total", "backend", "class")
				r.wantTally("b0 BulkheadFull:1", "attempts_total", "backend", "class")
				r.wantStory("b0@0s")
			}
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Run("and another takes", func(t *testing.T) {
				check := func(r *bubbleRig, a *told) {
					if !asWell(a, "b1") || a.header.Get("X-Switchgear-Attempts") != "1" {
						t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
					}
					r.wantTally("b1 Success:1", "requests_total", "backend", "class")
					r.wantTally("b0 BulkheadFull:1 b1 Success:1", "attempts_total", "backend", "class")
					r.wantTally("b0 b1 BulkheadFull:1", "fallbacks_total", "from", "to", "class")
					r.wantStory("b0@0s b1@" + tc.after.String())
				}
				if tc.late {
					check = refused(t)
				}
				play(t, 2, gateway.FallbackClasses, check)
			})
			t.Run("and there is no other", func(t *testing.T) { play(t, 1, gateway.FallbackClasses, refused(t)) })
			t.Run("and it is not in fallback.classes", func(t *testing.T) { play(t, 2, without("BulkheadFull"), refused(t)) })
		})
	}
}
