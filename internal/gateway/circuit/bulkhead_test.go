package circuit

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestBulkhead(t *testing.T) {
	two := BulkheadSettings{MaxConcurrent: 2, MaxQueued: 3, QueueTimeout: 5 * time.Second}
	tests := map[string]struct {
		settings BulkheadSettings
		act      func(w *crowd)
	}{
		"no limit": {BulkheadSettings{}, func(w *crowd) {
			w.enter("a", "b", "c")
			w.want(3, 0, "a", "b", "c")
			w.done("a", "b", "c")
			w.want(0, 0)
			w.wantCounts(3, 0, 0, 0, 0, 0)
		}},
		"no queue": {BulkheadSettings{MaxConcurrent: 1}, func(w *crowd) {
			w.enter("a", "b")
			w.want(1, 0, "a", "b:BulkheadFull")
			w.done("a")
			w.enter("c")
			w.want(1, 0, "c")
			w.wantCounts(2, 1, 0, 0, 0, 0)
		}},
		"strictly first in, first out": {two, func(w *crowd) {
			w.enter("a", "b", "c", "d", "e")
			w.want(2, 3, "a", "b")
			w.done("b")
			w.want(2, 2, "c")
			w.done("c", "a")
			w.want(2, 0, "d", "e")
		}},
		"the queue is full": {two, func(w *crowd) {
			w.enter("a", "b", "c", "d", "e", "f")
			w.want(2, 3, "a", "b", "f:BulkheadFull")
		}},
		"nobody overtakes a waiter": {two, func(w *crowd) {
			w.enter("a", "b", "c")
			w.done("a")
			w.enter("d")
			w.want(2, 1, "a", "b", "c")
		}},
		"waiting has an end": {two, func(w *crowd) {
			w.enter("a", "b", "c")
			time.Sleep(time.Second)
			w.enter("d")
			time.Sleep(4 * time.Second)
			synctest.Wait()
			w.want(2, 1, "a", "b", "c:BulkheadTimeout")
			time.Sleep(time.Second)
			synctest.Wait()
			w.want(2, 0, "d:BulkheadTimeout")
			w.done("a", "b")
			w.want(0, 0)
			w.wantCounts(2, 0, 2, 0, 0, 10*time.Second)
		}},
		"who times out frees its place at once": {two, func(w *crowd) {
			w.enter("a", "b", "c", "d", "e")
			time.Sleep(5 * time.Second)
			synctest.Wait()
			w.enter("f")
			w.want(2, 1, "a", "b", "c:BulkheadTimeout", "d:BulkheadTimeout", "e:BulkheadTimeout")
		}},
		"who leaves frees its place at once": {two, func(w *crowd) {
			w.enter("a", "b", "c", "d", "e")
			w.cancel("d")
			w.enter("f")
			w.want(2, 3, "a", "b", "d:Cancelled")
			w.cancel("c", "f")
			w.done("a")
			w.want(2, 0, "c:Cancelled", "f:Cancelled", "e")
			w.wantCounts(3, 0, 0, 3, 0, 0)
		}},
		"seconds waited are counted for those who got a slot too": {two, func(w *crowd) {
			w.enter("a", "b", "c")
			time.Sleep(3 * time.Second)
			w.done("a")
			w.want(2, 0, "a", "b", "c")
			w.wantCounts(3, 0, 0, 0, 0, 3*time.Second)
		}},
		"growing wakes waiters at once": {two, func(w *crowd) {
			w.enter("a", "b", "c", "d", "e")
			w.reconfigure(BulkheadSettings{4, 3, 5 * time.Second})
			w.want(4, 1, "a", "b", "c", "d")
			w.reconfigure(BulkheadSettings{})
			w.want(5, 0, "e")
		}},
		"shrinking grants nothing until below the limit": {two, func(w *crowd) {
			w.enter("a", "b", "c", "d")
			w.reconfigure(BulkheadSettings{1, 3, 5 * time.Second})
			w.want(2, 2, "a", "b")
			w.done("a")
			w.want(1, 2)
			w.done("b")
			w.want(1, 1, "c")
		}},
		"a shorter queue sends nobody away": {two, func(w *crowd) {
			w.enter("a", "b", "c", "d")
			w.reconfigure(BulkheadSettings{2, 1, 5 * time.Second})
			w.enter("e")
			w.want(2, 2, "a", "b", "e:BulkheadFull")
			w.done("a", "b")
			w.want(2, 0, "c", "d")
		}},
		"a limit that comes later counts who runs": {BulkheadSettings{}, func(w *crowd) {
			w.enter("a", "b", "c")
			w.reconfigure(two)
			w.enter("d")
			w.want(3, 1, "a", "b", "c")
			w.done("a")
			w.want(2, 1)
			w.done("b")
			w.want(2, 0, "d")
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tt.act(newCrowd(t, tt.settings)) })
		})
	}
}

// TestGrantAgainstCancel lets a caller leave and a slot come at the same
// moment, in either order: the slot is given once, and never to who left first.
func TestGrantAgainstCancel(t *testing.T) {
	for _, first := range []string{"leave", "grant"} {
		t.Run(first, func(t *testing.T) {
			for range 50 {
				synctest.Test(t, func(t *testing.T) {
					w := newCrowd(t, BulkheadSettings{1, 2, time.Minute})
					w.enter("a", "b", "c")
					slot := w.slot("a")
					if first == "leave" {
						w.leave["b"]()
						slot.Leave()
					} else {
						slot.Leave()
						w.leave["b"]()
					}
					synctest.Wait()
					if w.slot("b") != (Slot{}) {
						if first == "leave" {
							t.Error("who had left got a slot")
						}
						w.done("b") // it was quicker
					}
					w.done("c")
					if o := w.c.Observe(0); o.Running != 0 || o.Queued != 0 {
						t.Errorf("%d run and %d wait at the end", o.Running, o.Queued)
					}
				})
			}
		})
	}
}
