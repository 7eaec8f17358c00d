package circuit

import (
	"testing"
	"time"
)

// TestNoAllocations: a call through a closed circuit leaves nothing for the
// garbage collector.
func TestNoAllocations(t *testing.T) {
	c := New(with(func(s *Settings) {
		s.FailureThreshold = 5
		s.FailureRate = RateRule{50, 20}
		s.SlowCallRate = SlowRule{80, time.Second, 20}
		s.Bulkhead = BulkheadSettings{10, 10, time.Second}
	}), 0, Options{OnEvent: func(Transition) {}})
	ctx := t.Context()
	now := time.Duration(0)
	end := func(o Outcome) func() {
		return func() {
			now += time.Millisecond
			p, _, ok := c.Acquire(now)
			if !ok {
				panic("refused")
			}
			p.FirstToken(now)
			p.End(Result{Outcome: o, Label: "HTTP 503"}, now)
		}
	}
	success, failure := end(Success), end(Failure)
	for name, f := range map[string]func(){
		"success": success,
		"failure": func() { failure(); success(); success() },
		"ignored": end(Ignored),
		"Admits":  func() { c.Admits(now) },
		"Settle":  func() { c.Settle(now) },
		"Observe": func() { c.Observe(now) },
		"slot": func() {
			slot, _, ok := c.Enter(ctx, now)
			if !ok {
				panic("refused")
			}
			slot.Leave()
		},
	} {
		if got := testing.AllocsPerRun(200, f); got != 0 {
			t.Errorf("%s: %v allocations, want none", name, got)
		}
	}
	open := New(base(), 0, Options{})
	p, _, _ := open.Acquire(0)
	p.End(Result{Outcome: Throttled}, 0)
	if got := testing.AllocsPerRun(200, func() { open.Acquire(0) }); got != 0 {
		t.Errorf("a refusal: %v allocations, want none", got)
	}
}
