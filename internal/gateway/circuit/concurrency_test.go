package circuit

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// together runs n functions at once and waits for all.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// gauge counts who is inside at a time.
type gauge struct {
	mu        sync.Mutex
	now, peak int
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.peak = max(g.peak, g.now)
}

// visit comes, lets others come, and goes.
func (g *gauge) visit() {
	g.add(1)
	for range 3 {
		runtime.Gosched()
	}
	g.add(-1)
}

func TestOneOfAHundredGetsThroughAtHalfOpen(t *testing.T) {
	for _, settled := range []bool{true, false} {
		for range 20 {
			r := newRig(t, base())
			r.play("F F F +30s")
			if settled {
				r.play("settle")
			}
			var through atomic.Int64
			var probe Permit
			together(100, func(int) {
				r.c.Admits(r.now)
				if p, refusal, ok := r.c.Acquire(r.now); ok {
					through.Add(1)
					probe = p
				} else if refusal.Reason != ProbesBusy {
					t.Errorf("refused for %v", refusal.Reason)
				}
			})
			if got := through.Load(); got != 1 {
				t.Fatalf("%d callers got through, want 1", got)
			}
			probe.End(Result{Outcome: Success}, r.now)
			r.wantState(Closed)
		}
	}
}

func TestProbesNeverAboveTheMaximum(t *testing.T) {
	const most = 3
	r := newRig(t, with(func(s *Settings) { s.MaxProbes, s.SuccessThreshold = most, 1<<30 }))
	r.play("F F F +30s settle")
	var probes gauge
	together(16, func(int) {
		for range 300 {
			p, _, ok := r.c.Acquire(r.now)
			if !ok {
				continue
			}
			probes.visit()
			p.End(Result{Outcome: Outcome(rand.IntN(2) * int(Ignored))}, r.now)
		}
	})
	if got := probes.peak; got > most {
		t.Errorf("%d probes at a time, want at most %d", got, most)
	}
	r.wantState(HalfOpen)
}

func TestConcurrentFailuresAllCount(t *testing.T) {
	const n = 2000
	r := newRig(t, with(func(s *Settings) {
		s.FailureThreshold = n + 1
		s.FailureRate = RateRule{100, n + 1}
	}))
	together(n, func(int) {
		p, _, ok := r.c.Acquire(r.now)
		if !ok {
			t.Error("refused")
			return
		}
		p.End(Result{Outcome: Failure, Label: "timeout"}, r.now)
	})
	o := r.observe()
	if o.FailureCount != n || o.WindowCalls != n || o.WindowFailures != n || o.Totals.Failures != n || o.State != Closed {
		t.Errorf("counted %d in a row, %d of %d in the window, %d in all; want %d each", o.FailureCount, o.WindowFailures, o.WindowCalls, o.Totals.Failures, n)
	}
}

func TestConcurrentFailuresOpenOnce(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.FailureThreshold = 100 }))
	var refused atomic.Int64
	together(500, func(int) {
		p, _, ok := r.c.Acquire(r.now)
		if !ok {
			refused.Add(1)
			return
		}
		p.End(Result{Outcome: Failure}, r.now)
	})
	o := r.observe()
	if o.Totals.Opens != 1 || r.reasons() != "Open(ConsecutiveFailures)" {
		t.Errorf("%d openings, told %s", o.Totals.Opens, r.reasons())
	}
	if int64(o.Totals.Failures)+refused.Load() != 500 || int64(o.Totals.Refused[CircuitOpen]) != refused.Load() {
		t.Errorf("%d failures and %d refusals (%v counted) of 500 calls", o.Totals.Failures, refused.Load(), o.Totals.Refused)
	}
}

// TestNoSlotIsLost lets callers come, wait, give up at random and go, while the
// limits change and the breaker opens and closes.
func TestNoSlotIsLost(t *testing.T) {
	tests := map[string]func(r *rig, i int){
		"steady": func(*rig, int) {},
		"resized": func(r *rig, i int) {
			r.reconfigure(func(s *Settings) { s.Bulkhead.MaxConcurrent = 1 + i%9 })
		},
		"opened and closed": func(r *rig, i int) {
			r.reconfigure(forced(OverrideKind(i%3), 0))
		},
		"other modes": func(r *rig, i int) {
			r.reconfigure(func(s *Settings) { s.Mode = Mode(i % 3) })
		},
	}
	for name, disturb := range tests {
		t.Run(name, func(t *testing.T) {
			const most = 5
			r := newRig(t, with(func(s *Settings) { s.Bulkhead = BulkheadSettings{most, 8, time.Minute} }))
			var running gauge
			var quit atomic.Bool
			var disturber sync.WaitGroup
			disturber.Go(func() {
				for i := 0; !quit.Load(); i++ {
					disturb(r, i)
					r.c.Observe(r.now)
				}
			})
			together(24, func(i int) {
				for n := range 150 {
					ctx, cancel := context.WithCancel(t.Context())
					if (i+n)%3 == 0 {
						go cancel()
					}
					slot, _, ok := r.c.Enter(ctx, r.now)
					if ok {
						running.visit()
						slot.Leave()
					}
					cancel()
				}
			})
			quit.Store(true)
			disturber.Wait()
			if o := r.observe(); o.Running != 0 || o.Queued != 0 {
				t.Errorf("%d run and %d wait at the end", o.Running, o.Queued)
			}
			if got := running.peak; name == "steady" && got > most {
				t.Errorf("%d ran at a time, want at most %d", got, most)
			}
			r.s.Mode, r.s.Override = Enforce, Override{}
			r.reconfigure(func(s *Settings) { s.Bulkhead.MaxConcurrent, s.Bulkhead.MaxQueued = most, 0 })
			for range most {
				if _, refusal, ok := r.c.Enter(t.Context(), r.now); !ok {
					t.Fatalf("a slot was lost: %v", refusal.Reason)
				}
			}
			if _, _, ok := r.c.Enter(t.Context(), r.now); ok {
				t.Error("a slot was given twice")
			}
		})
	}
}

// TestEverythingAtOnce is for the race detector, and for a circuit that is
// whole in the end.
func TestEverythingAtOnce(t *testing.T) {
	r := newRig(t, with(func(s *Settings) {
		s.ResetTimeout, s.ProbeLease, s.MaxProbes = 10, 50, 2
		s.FailureRate = RateRule{60, 10}
		s.Bulkhead = BulkheadSettings{8, 8, time.Minute}
	}))
	var clock atomic.Int64
	now := func() time.Duration { return time.Duration(clock.Add(1)) }
	together(12, func(i int) {
		rnd := rand.New(rand.NewPCG(1, uint64(i)))
		for range 400 {
			switch rnd.IntN(12) {
			case 0:
				r.c.Observe(now())
			case 1:
				r.c.Settle(now())
				r.c.Deadline(now())
			case 2:
				r.c.Warn(now())
			case 3:
				s := r.s
				s.FailureThreshold = 2 + rnd.IntN(3)
				r.c.Reconfigure(s, now())
			case 4:
				r.c.Restore(r.c.Save(now()), now())
			default:
				slot, _, ok := r.c.Enter(t.Context(), now())
				if !ok {
					continue
				}
				if p, _, ok := r.c.Acquire(now()); ok {
					if rnd.IntN(2) == 0 {
						p.FirstToken(now())
					}
					p.End(Result{Outcome: Outcome(rnd.IntN(4)), Label: "x"}, now())
				}
				slot.Leave()
			}
		}
	})
	if o := r.observe(); o.Running != 0 || o.Queued != 0 {
		t.Errorf("%d run and %d wait at the end", o.Running, o.Queued)
	}
	at := Closed
	for _, tr := range r.transitions() {
		if tr.From != at || tr.To == at {
			t.Fatalf("told %v to %v when it was %v", tr.From, tr.To, at)
		}
		at = tr.To
	}
	r.c.Reset(now())
	r.play("S =Closed")
}
