package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestTheFirstBreakDecidesWhetherAStreamIsResumed, by its class alone: what the
// client has seen a part of goes on wherever it can, so that a second break, of a
// class that is not in fallback.classes, leads to the next backend and not to the
// one that broke off.
func TestTheFirstBreakDecidesWhetherAStreamIsResumed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		on      gateway.ClassSet
		resumed bool
	}{
		{"in fallback.classes", gateway.ClassSet(0).With(gateway.ServerError), true},
		{"not in fallback.classes", gateway.FallbackClasses &^ gateway.ClassSet(0).With(gateway.ServerError), false},
	} {
		for _, e := range resumableEndpoints {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{Name: "first-sim"})
				whole := sim.Answer() + " and more."
				sim.SetFault(providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: 3, ErrorType: "server_error"})
				second, secondURL := write(t, "second", always(2))
				third, thirdURL := write(t, "third", nil)
				second.text, third.text = whole, whole
				r := newStreamRig(t, func(s *streamSetup) {
					recovering(gateway.RecoverByResuming, false, true, true)(s)
					s.Fallback = tc.on
					s.Retry = gateway.Retry{MaxAttempts: 3, InitialDelay: time.Millisecond, MaxDelay: time.Millisecond, Multiplier: 1, BudgetPercent: 100}
				}, sim.URL, secondURL, thirdURL)
				a := r.open(e.path, e.body)
				h := hear(t, a.whole())
				calls := [...]int{sim.Count(), len(second.asked()), len(third.asked())}
				if !tc.resumed {
					if a.resp.StatusCode != http.StatusOK || h.errors != 1 || h.ends != 0 || calls != [...]int{1, 0, 0} {
						t.Errorf("the client heard %+v, after %v calls", h, calls)
					}
					return
				}
				if h.text != whole || h.ends != 1 || h.errors != 0 || calls != [...]int{1, 1, 1} {
					t.Errorf("the client heard %+v, after %v calls, want one of each", h, calls)
				}
			})
		}
	}
}
