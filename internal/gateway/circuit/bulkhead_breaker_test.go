package circuit

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestBulkheadAndBreaker: what the breaker does to those who wait.
func TestBulkheadAndBreaker(t *testing.T) {
	one := BulkheadSettings{MaxConcurrent: 1, MaxQueued: 5, QueueTimeout: time.Minute}
	trip := func(w *crowd) {
		for range 3 {
			w.call(Failure)
		}
	}
	mode := func(w *crowd, m Mode) {
		w.s.Mode = m
		w.reconfigure(w.s.Bulkhead)
	}
	override := func(w *crowd, o OverrideKind) {
		w.s.Override.Kind = o
		w.reconfigure(w.s.Bulkhead)
	}
	tests := map[string]func(w *crowd){
		"when it opens, all waiters are refused as open": func(w *crowd) {
			w.enter("a", "b", "c", "d")
			trip(w)
			w.want(1, 0, "a", "b:CircuitOpen", "c:CircuitOpen", "d:CircuitOpen")
			w.done("a")
			w.want(0, 0)
			w.wantCounts(1, 0, 0, 0, 3, 0)
		},
		"while it is open, nobody waits": func(w *crowd) {
			w.enter("a")
			trip(w)
			w.enter("b")
			w.want(1, 0, "a", "b:CircuitOpen")
		},
		"while it is open, a free slot is given": func(w *crowd) {
			trip(w)
			w.enter("a")
			w.want(1, 0, "a")
		},
		"half-open, one may wait, until a probe fails": func(w *crowd) {
			trip(w)
			w.c.Settle(30 * time.Second)
			w.enter("a", "b")
			w.want(1, 1, "a")
			p, _, _ := w.c.Acquire(30 * time.Second)
			p.End(Result{Outcome: Failure}, 30*time.Second)
			synctest.Wait()
			w.want(1, 0, "b:CircuitOpen")
		},
		"half-open, nobody waits while every probe's place is taken": func(w *crowd) {
			trip(w)
			p, _, _ := w.c.Acquire(30 * time.Second)
			w.enter("a")
			_, r, ok := w.c.Enter(w.t.Context(), 30*time.Second)
			if ok || r.Reason != ProbesBusy {
				w.t.Errorf("Enter says %v %v, want ProbesBusy", ok, r.Reason)
			}
			w.want(1, 0, "a")
			p.End(Result{}, 30*time.Second)
		},
		"an end that is due lets one wait": func(w *crowd) {
			trip(w)
			w.enter("a")
			go w.c.Enter(w.t.Context(), 30*time.Second)
			synctest.Wait()
			w.want(1, 1, "a")
			w.done("a")
		},
		"an override that is over lets one wait": func(w *crowd) {
			w.s.Override = Override{ForceOpen, 10 * time.Second}
			w.reconfigure(w.s.Bulkhead)
			w.enter("a", "b")
			w.want(1, 0, "a", "b:ForcedOpen")
			go w.c.Enter(w.t.Context(), 10*time.Second)
			synctest.Wait()
			w.want(1, 1)
			w.done("a")
		},
		"forced open refuses all waiters": func(w *crowd) {
			w.enter("a", "b")
			override(w, ForceOpen)
			w.want(1, 0, "a", "b:CircuitOpen")
		},
		"forced closed keeps them waiting whatever is underneath": func(w *crowd) {
			override(w, ForceClosed)
			w.enter("a", "b")
			trip(w)
			w.want(1, 1, "a")
			override(w, NoOverride)
			w.want(1, 0, "b:CircuitOpen")
		},
		"a reset lets one wait again": func(w *crowd) {
			w.enter("a")
			trip(w)
			w.c.Reset(0)
			w.enter("b")
			w.want(1, 1, "a")
		},
		"Observe refuses nothing and keeps nobody waiting": func(w *crowd) {
			mode(w, Observe)
			w.enter("a", "b", "c")
			trip(w)
			w.enter("d")
			w.want(4, 0, "a", "b", "c", "d")
			w.wantCounts(4, 0, 0, 0, 0, 0)
		},
		"Observe counts whom a full queue would have refused": func(w *crowd) {
			w.reconfigure(BulkheadSettings{MaxConcurrent: 1})
			mode(w, Observe)
			w.enter("a", "b", "c")
			w.want(3, 0, "a", "b", "c")
			w.wantCounts(3, 2, 0, 0, 0, 0)
		},
		"turned to Observe, those who wait go": func(w *crowd) {
			w.enter("a", "b", "c")
			mode(w, Observe)
			w.want(3, 0, "a", "b", "c")
			mode(w, Enforce)
			w.enter("d")
			w.done("a", "b")
			w.want(1, 1)
			w.done("c")
			w.want(1, 0, "d")
		},
		"turned off, those who wait go": func(w *crowd) {
			w.enter("a", "b", "c")
			mode(w, Disabled)
			w.want(3, 0, "a", "b", "c")
			w.done("a", "b", "c")
			w.want(0, 0)
		},
		"Disabled counts nobody": func(w *crowd) {
			mode(w, Disabled)
			w.enter("a", "b", "c")
			w.want(0, 0, "a", "b", "c")
			w.done("a", "b", "c")
			w.want(0, 0)
			w.wantCounts(0, 0, 0, 0, 0, 0)
		},
	}
	for name, act := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { act(newCrowd(t, one)) })
		})
	}
}

func TestARefusedWaiterIsToldWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCrowd(t, BulkheadSettings{1, 1, time.Minute})
		w.enter("a")
		var refusal Refusal
		go func() { _, refusal, _ = w.c.Enter(t.Context(), 0) }()
		synctest.Wait()
		for range 3 {
			w.call(Failure)
		}
		if want := (Refusal{CircuitOpen, 30 * time.Second}); refusal != want {
			t.Errorf("refused with %+v, want %+v", refusal, want)
		}
	})
}
