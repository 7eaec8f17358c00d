package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestDelaysGrowUpToMaxDelay with each attempt, as many as maxAttempts allows.
func TestDelaysGrowUpToMaxDelay(t *testing.T) {
	tune := func(s *streamSetup) {
		s.Policy.Circuit.FailureThreshold = 0
		s.Retry.MaxAttempts, s.Retry.MaxDelay = 7, 3*second
	}
	inBubble(t, tune, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500})
		a := r.ask(chatStream)
		if a.status != 500 || a.header.Get("X-Switchgear-Attempts") != "7" || a.header.Get("X-Should-Retry") != "false" {
			t.Errorf("the client got %d %v", a.status, a.header)
		}
		r.wantStory("b0@0s b0@500ms b0@1.5s b0@3.5s b0@6.5s b0@9.5s b0@12.5s")
	})
}

// TestMaxAttemptsOfOne: the backend is not asked again, and an SDK may do so.
func TestMaxAttemptsOfOne(t *testing.T) {
	inBubble(t, func(s *streamSetup) { s.Retry.MaxAttempts = 1 }, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500, Header: map[string]string{"X-Should-Retry": "true"}})
		a := r.ask(chatWhole)
		if a.status != 500 || a.header.Get("X-Switchgear-Attempts") != "1" || a.header.Get("X-Should-Retry") != "true" {
			t.Errorf("the client got %d %v", a.status, a.header)
		}
		r.wantStory("b0@0s")
	})
}

// TestTheRoutesTimeoutCutsWaiting: what would end beyond it is not begun, and
// the client is told of the failure at once.
func TestTheRoutesTimeoutCutsWaiting(t *testing.T) {
	for name, tc := range map[string]struct {
		timeout time.Duration
		story   string
		after   time.Duration
	}{
		"before the third attempt":   {1500 * time.Millisecond, "b0@0s b0@500ms", 500 * time.Millisecond},
		"just after the third began": {1501 * time.Millisecond, "b0@0s b0@500ms b0@1.5s", 1500 * time.Millisecond},
		"before the second":          {100 * time.Millisecond, "b0@0s", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *streamSetup) { s.Timeout = tc.timeout }, 1, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Status: 500})
				if a := r.ask(chatWhole); a.status != 500 || a.after != tc.after {
					t.Errorf("the client got %d after %v", a.status, a.after)
				}
				r.wantStory(tc.story)
			})
		})
	}
	t.Run("and goes on to the next backend", func(t *testing.T) {
		inBubble(t, func(s *streamSetup) { s.Timeout = second }, 2, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{Status: 500})
			if a := r.ask(chatWhole); !asWell(&a, "b1") {
				t.Errorf("the client got %d %s", a.status, a.body)
			}
			r.wantStory("b0@0s b0@500ms b1@500ms")
		})
	})
	t.Run("over all attempts together", func(t *testing.T) {
		inBubble(t, func(s *streamSetup) { s.Timeout, s.Policy.Timeouts.Attempt = 25*second, 10*second }, 3, func(r *bubbleRig) {
			for i := range 3 {
				r.fault(i, providersim.Fault{Kind: providersim.Hang})
			}
			if a := r.ask(chatWhole); a.status != 504 || a.code() != "upstream_timeout" || a.after != 25*second || a.header.Get("X-Switchgear-Backend") != "b0" {
				t.Errorf("the client got %d %v after %v", a.status, a.header, a.after)
			}
			r.wantStory("b0@0s b1@10s b2@20s")
		})
	})
}

// TestAClientThatLeavesWhileItsRepeatWaits ends the wait.
func TestAClientThatLeavesWhileItsRepeatWaits(t *testing.T) {
	for _, way := range anything {
		inBubble(t, nil, 2, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{Status: 503, RetryAfter: "4"})
			if a := r.askFor(second, way); a.err == nil {
				t.Errorf("%s: the client got %d", way.name, a.status)
			}
			synctest.Wait() // and not a moment later nothing is held, as inBubble checks
			r.wantTally("b0 ClientGone:1", "requests_total", "backend", "class")
			r.wantTally("b0 ServerError:1", "attempts_total", "backend", "class")
			r.wantTally("b0 Failure:1", "circuit_calls_total", "circuit", "outcome")
			r.wantTally("", "buffered_bytes")
			time.Sleep(minute)
			r.wantStory("b0@0s")
		})
	}
}

// TestAClientThatLeavesWhileItsRepeatIsQueued is counted as such, and not as the
// failure before.
func TestAClientThatLeavesWhileItsRepeatIsQueued(t *testing.T) {
	inBubble(t, oneSlot, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500, Requests: 1}, providersim.Fault{Kind: providersim.Hold})
		left := make(chan told)
		go func() { left <- r.askFor(2*second, chatWhole) }()
		time.Sleep(100 * time.Millisecond)
		go r.ask(chatWhole)
		if a := <-left; a.err == nil {
			t.Errorf("the client got %d", a.status)
		}
		r.wantTally("b0 ClientGone:1", "requests_total", "backend", "class")
		r.sims[0].Heal()
		r.wantTally("b0 ClientGone:1 b0 Success:1", "requests_total", "backend", "class")
		r.wantStory("b0@0s b0@100ms")
	})
}

func oneSlot(s *streamSetup) {
	s.Policy.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 10, QueueTimeout: minute}
}

// TestNoSlotIsHeldWhileARepeatWaits: another request runs meanwhile, in the only
// slot that there is.
func TestNoSlotIsHeldWhileARepeatWaits(t *testing.T) {
	inBubble(t, oneSlot, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 503, RetryAfter: "4", Requests: 1})
		repeated := make(chan told)
		go func() { repeated <- r.ask(chatWhole) }()
		time.Sleep(second)
		for range 3 {
			if a := r.ask(chatStream); !asWell(&a, "b0") || a.after != 0 {
				t.Errorf("the other client got %d after %v", a.status, a.after)
			}
		}
		if a := <-repeated; !asWell(&a, "b0") || a.after != 4500*time.Millisecond {
			t.Errorf("the client got %d after %v", a.status, a.after)
		}
		r.wantStory("b0@0s b0@1s b0@1s b0@1s b0@4.5s")
	})
}

// TestACircuitThatOpensWhileARepeatWaits: the repeat is refused, the next backend
// is asked, and if there is none the client is told of the failure.
func TestACircuitThatOpensWhileARepeatWaits(t *testing.T) {
	for name, providers := range map[string]int{"with another": 2, "alone": 1} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, providers, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Status: 503, RetryAfter: "4", Requests: 1}, providersim.Fault{Status: 402})
				repeated := make(chan told)
				go func() { repeated <- r.ask(chatWhole) }()
				time.Sleep(second)
				r.ask(chatStream)
				a := <-repeated
				if providers == 2 {
					if !asWell(&a, "b1") || a.header.Get("X-Switchgear-Attempts") != "2" {
						t.Errorf("the client got %d %v", a.status, a.header)
					}
					r.wantStory("b0@0s b0@1s b1@1s b1@4.5s")
					r.wantTally("b0 b1 QuotaExhausted:1 b0 b1 ServerError:1", "fallbacks_total", "from", "to", "class")
				} else {
					if a.status != 503 || a.code() != "" || a.header.Get("X-Switchgear-Backend") != "b0" {
						t.Errorf("the client got %d %v", a.status, a.header)
					}
					r.wantStory("b0@0s b0@1s")
				}
				r.wantTally("", "retries_total", "backend", "class")
			})
		})
	}
}
