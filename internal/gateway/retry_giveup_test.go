package gateway_test

import (
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestWhoGivesUp: where the route says what is done about a failure, an SDK is
// told not to repeat on top, though the provider was called only once. Where it
// does not, or where the provider asks for a longer wait than the route's, that is
// between the SDK and the provider.
func TestWhoGivesUp(t *testing.T) {
	noRetry := func(s *streamSetup) { s.Retry.MaxAttempts = 1 }
	// second changes the second backend's policy.
	second := func(s *streamSetup, change func(p *gateway.Policy)) {
		s.Backend = func(n int, b *gateway.Backend) {
			if p := *b.Policy; n == 1 {
				change(&p)
				b.Policy = &p
			}
		}
	}
	for _, tc := range []struct {
		name     string
		backends int
		tune     func(s *streamSetup)
		before   int // requests that spend the budget
		fault    providersim.Fault
		again    string // x-should-retry; "true" is the provider's own word
	}{
		{"the budget is spent", 1, func(s *streamSetup) {
			s.Policy.Circuit.FailureThreshold = 0
			s.Retry.MaxAttempts, s.Retry.InitialDelay, s.Retry.BudgetPercent = 2, time.Millisecond, 1
		}, 3, providersim.Fault{Status: 503}, "false"},
		{"the circuit has opened", 1, func(s *streamSetup) { s.Policy.Circuit.FailureThreshold = 1 }, 0, providersim.Fault{Status: 503}, "false"},
		{"the time is up", 1, func(s *streamSetup) { s.Timeout = 100 * time.Millisecond }, 0, providersim.Fault{Status: 503}, "false"},
		{"a Retry-After that is not waited for in the time that is left", 1, func(s *streamSetup) { s.Timeout = time.Second }, 0, providersim.Fault{Status: 429, RetryAfter: "5"}, "false"},
		{"a class that only another could make good for", 1, nil, 0, providersim.Fault{Status: 429, ErrorType: "insufficient_quota"}, "false"},
		{"the fallback is open", 2, func(s *streamSetup) {
			noRetry(s)
			second(s, func(p *gateway.Policy) { p.Circuit.Override.Kind = circuit.ForceOpen })
		}, 0, providersim.Fault{Status: 500}, "false"},

		{"no retry and no fallback", 1, noRetry, 0, providersim.Fault{Status: 500}, "true"},
		{"no retry and no class to fall back on", 2, func(s *streamSetup) { noRetry(s); s.Fallback = 0 }, 0, providersim.Fault{Status: 500}, "true"},
		{"a Retry-After beyond maxRetryAfter", 1, nil, 0, providersim.Fault{Status: 429, RetryAfter: "6"}, "true"},
		{"a refusal that nobody can make good for", 1, nil, 0, providersim.Fault{Status: 409}, "true"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, tc.tune, tc.backends, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Status: 500})
				for range tc.before {
					r.ask(chatWhole)
				}
				tc.fault.Header = map[string]string{"X-Should-Retry": "true"}
				r.fault(0, tc.fault)
				a := r.ask(chatWhole)
				if a.status != tc.fault.Status || a.header.Get("X-Switchgear-Attempts") != "1" || a.header.Get("X-Should-Retry") != tc.again {
					t.Errorf("the client got %d %v, want X-Should-Retry: %s", a.status, a.header, tc.again)
				}
			})
		})
	}
}
