package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// TestAnEditMovesWhatTimeBrings, without any request: an open circuit is half-open
// when its new wait is over, and an override ends at its new end.
func TestAnEditMovesWhatTimeBrings(t *testing.T) {
	for _, tc := range []struct {
		name         string
		before, edit func(s *streamSetup)
		from, to     circuit.State
	}{
		{"a shorter wait", waits(time.Hour), waits(40 * second), circuit.Open, circuit.HalfOpen},
		{"a longer wait", waits(20 * second), waits(40 * second), circuit.Open, circuit.HalfOpen},
		{"an override that ends sooner", forcedFor(time.Hour), forcedFor(40 * second), circuit.Open, circuit.Closed},
		{"an override that ends later", forcedFor(20 * second), forcedFor(40 * second), circuit.Open, circuit.Closed},
		{"an override that ends at all", forcedFor(0), forcedFor(40 * second), circuit.Open, circuit.Closed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(s *streamSetup) { opens(s); tc.before(s) }, 1, func(r *bubbleRig) {
				edited := newStreamSetup(t, func(s *streamSetup) { balanced(s); opens(s); tc.edit(s) })
				r.opened(0)
				r.gw.Apply(edited.snapshot(t, []string{"http://b0"}))
				for _, step := range []struct {
					after time.Duration
					want  circuit.State
				}{{40*second - time.Millisecond, tc.from}, {time.Millisecond, tc.to}} {
					time.Sleep(step.after)
					synctest.Wait()
					if got := r.state("gpt"); got != step.want {
						t.Errorf("after %v it is %v, want %v", time.Since(r.began), got, step.want)
					}
				}
			})
		})
	}
}

// waits is how long an open circuit does, from its opening.
func waits(d time.Duration) func(*streamSetup) {
	return func(s *streamSetup) {
		s.Policy.Circuit.ResetTimeout, s.Policy.Circuit.ResetBackoff.Max = d, time.Hour
	}
}

// forcedFor forces circuits open from the beginning; 0: without end.
func forcedFor(d time.Duration) func(*streamSetup) {
	return func(s *streamSetup) {
		if s.Policy.Circuit.Override.Kind = circuit.ForceOpen; d != 0 {
			s.Policy.OverrideUntil = time.Now().Add(d)
		}
	}
}
