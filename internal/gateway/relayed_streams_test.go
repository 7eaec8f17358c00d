package gateway_test

import (
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestSilenceOfARelayedStream: the wait for the first event is bounded by firstToken,
// also where the headers came at once, and only those after it by streamIdle.
func TestSilenceOfARelayedStream(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault providersim.Fault
		cut   time.Duration // when; 0: it is whole
	}{
		{"before the first event, for longer than streamIdle", providersim.Fault{FirstTokenDelay: 30 * second}, 0},
		{"before the first event, for longer than firstToken", providersim.Fault{FirstTokenDelay: 90 * second}, minute},
		{"after it", providersim.Fault{Kind: providersim.Stall, AfterTokens: 1, FirstTokenDelay: 30 * second}, 50 * second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, nil, 1, func(r *bubbleRig) {
				r.fault(0, tc.fault)
				a := r.ask(asking{"path", "/ext/a?stream=true", ""})
				if tc.cut == 0 {
					if a.err != nil {
						t.Errorf("got %q, %v after %v, want the whole", a.body, a.err, a.after)
					}
					r.wantTally("b0 Success:1", "attempts_total", "backend", "class")
					return
				}
				if a.status != 200 || a.err == nil || a.after != tc.cut {
					t.Errorf("got %d, %q, %v after %v, want a break after %v", a.status, a.body, a.err, a.after, tc.cut)
				}
				r.wantTally("b0 StreamError:1", "attempts_total", "backend", "class")
			})
		})
	}
}
