package gateway_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// endlessly keeps circuits closed, so that nothing but the budget bounds what a
// provider sees.
func endlessly(s *streamSetup) {
	s.Policy.Circuit.FailureThreshold = 0
	s.Policy.Circuit.FailureRate.Percent = 0
	s.Retry.MaxAttempts = 2
	s.Retry.InitialDelay = 100 * time.Millisecond
	s.Retry.JitterPercent = 0
}

// burst has so many requests come at once, and waits for their ends.
func (r *bubbleRig) burst(n int, way asking) []told {
	out := make([]told, n)
	done := make(chan struct{})
	for i := range n {
		go func() {
			out[i] = r.ask(way)
			done <- struct{}{}
		}()
	}
	for range n {
		<-done
	}
	return out
}

// TestTheRetryBudget: three repeats a second, or budgetPercent of the recent
// requests; the rest go on to the next backend at once, which draws on nothing.
func TestTheRetryBudget(t *testing.T) {
	for _, tc := range []struct {
		requests, percent, repeats int
	}{{3, 20, 3}, {10, 20, 3}, {40, 20, 8}, {40, 0, 3}, {40, 100, 40}} {
		t.Run(strconv.Itoa(tc.requests)+" requests, "+strconv.Itoa(tc.percent)+" percent", func(t *testing.T) {
			inBubble(t, func(s *streamSetup) { endlessly(s); s.Retry.BudgetPercent = tc.percent }, 2, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Status: 500})
				for _, a := range r.burst(tc.requests, chatWhole) {
					if !asWell(&a, "b1") {
						t.Errorf("the client got %d %s", a.status, a.body)
					}
				}
				synctest.Wait()
				if got, want := r.sims[0].Count(), tc.requests+tc.repeats; got != want {
					t.Errorf("b0 saw %d calls, want %d", got, want)
				}
				if got := r.sims[1].Count(); got != tc.requests {
					t.Errorf("b1 saw %d calls, want %d", got, tc.requests)
				}
				r.wantTally("b0:"+strconv.Itoa(tc.repeats), "retries_total", "backend")
				want := ""
				if spent := tc.requests - tc.repeats; spent > 0 {
					want = "gpt:" + strconv.Itoa(spent)
				}
				r.wantTally(want, "retry_budget_exhausted_total", "route")
			})
		})
	}
}

// TestTheRetryBudgetOfAnOutage: with one backend only, the clients whose repeat
// is not allowed get the provider's error at once.
func TestTheRetryBudgetOfAnOutage(t *testing.T) {
	inBubble(t, endlessly, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500})
		once := 0
		for _, a := range r.burst(20, chatStream) {
			if a.status != 500 {
				t.Errorf("the client got %d", a.status)
			}
			if a.header.Get("X-Switchgear-Attempts") == "1" {
				once++
			}
		}
		if once != 16 {
			t.Errorf("%d requests were called once, want 16 of 20", once)
		}
		// A second later three more may be repeated, ten seconds later a fifth again.
		time.Sleep(2 * second)
		r.burst(5, chatStream)
		r.wantTally("b0:7", "retries_total", "backend")
		time.Sleep(20 * second)
		r.burst(30, chatStream)
		r.wantTally("b0:13", "retries_total", "backend")
	})
}

// TestEachRouteHasABudget of its own.
func TestEachRouteHasABudget(t *testing.T) {
	inBubble(t, endlessly, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500})
		r.burst(10, chatWhole)
		r.burst(10, messagesWhole)
		r.wantTally("claude:3 gpt:3", "retries_total", "route")
		r.wantTally("claude:7 gpt:7", "retry_budget_exhausted_total", "route")
	})
}

// TestTheRetryBudgetSurvivesApply: an edit is no way to more repeats.
func TestTheRetryBudgetSurvivesApply(t *testing.T) {
	inBubble(t, endlessly, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500})
		r.burst(10, chatWhole)
		edited := newStreamSetup(t, func(s *streamSetup) {
			balanced(s)
			endlessly(s)
			s.Retry.BudgetPercent = 40
		}).snapshot(t, []string{"http://b0"})
		r.gw.Apply(edited)
		r.burst(10, chatWhole) // 20 recent requests, of which 8 may be repeated: 5 more
		r.wantTally("gpt:8", "retries_total", "route")
		for _, route := range edited.Routes {
			if strings.HasPrefix(route.Name, "gpt") {
				r.gw.Apply(&gateway.Snapshot{Policies: edited.Policies, Routes: []*gateway.Route{route}})
			}
		}
		r.burst(10, chatWhole)
		r.wantTally("gpt:12", "retries_total", "route")
	})
}
