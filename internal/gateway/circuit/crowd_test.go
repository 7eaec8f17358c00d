package circuit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// crowd is a circuit with callers at its bulkhead, inside a synctest bubble.
type crowd struct {
	t     *testing.T
	c     *Circuit
	s     Settings
	leave map[string]context.CancelFunc

	mu    sync.Mutex
	slots map[string]Slot // guarded by mu
	log   []string        // guarded by mu; who was answered, and how
}

func newCrowd(t *testing.T, b BulkheadSettings) *crowd {
	s := with(func(s *Settings) { s.Bulkhead = b })
	return &crowd{t: t, s: s, c: New(s, 0, Options{}), slots: map[string]Slot{}, leave: map[string]context.CancelFunc{}}
}

// enter lets callers come, one after the other, each on a goroutine of its own.
func (w *crowd) enter(names ...string) {
	for _, name := range names {
		ctx, cancel := context.WithCancel(w.t.Context())
		w.leave[name] = cancel
		go func() {
			slot, r, ok := w.c.Enter(ctx, 0)
			w.mu.Lock()
			defer w.mu.Unlock()
			if ok {
				w.slots[name] = slot
				w.log = append(w.log, name)
			} else {
				w.log = append(w.log, name+":"+r.Reason.String())
			}
		}()
		synctest.Wait()
	}
}

func (w *crowd) slot(name string) Slot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.slots[name]
}

// done gives back the slots of callers.
func (w *crowd) done(names ...string) {
	for _, name := range names {
		slot := w.slot(name)
		slot.Leave()
		synctest.Wait()
	}
}

// cancel makes callers give up.
func (w *crowd) cancel(names ...string) {
	for _, name := range names {
		w.leave[name]()
		synctest.Wait()
	}
}

func (w *crowd) reconfigure(b BulkheadSettings) {
	w.s.Bulkhead = b
	w.c.Reconfigure(w.s, 0)
	synctest.Wait()
}

func (w *crowd) call(o Outcome) {
	p, _, ok := w.c.Acquire(0)
	if !ok {
		w.t.Error("a call was refused")
		return
	}
	p.End(Result{Outcome: o}, 0)
	synctest.Wait()
}

// want checks who was answered since it was asked last, sorted, for those who
// are answered together are in no order, and how many are there.
func (w *crowd) want(running, queued int, log ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(log)
	slices.Sort(w.log)
	if diff := cmp.Diff(log, w.log); diff != "" {
		w.t.Errorf("answered (-want +got)\n%s", diff)
	}
	w.log = nil
	if o := w.c.Observe(0); o.Running != running || o.Queued != queued {
		w.t.Errorf("%d run and %d wait, want %d and %d", o.Running, o.Queued, running, queued)
	}
}

func (w *crowd) wantCounts(entered, full, timedOut, cancelled, open uint64, waited time.Duration) {
	w.t.Helper()
	t := w.c.Observe(0).Totals
	got := fmt.Sprint(t.Entered, t.Refused[BulkheadFull], t.Refused[BulkheadTimeout], t.Refused[Cancelled], t.Refused[CircuitOpen], t.WaitSeconds)
	if want := fmt.Sprint(entered, full, timedOut, cancelled, open, waited.Seconds()); got != want {
		w.t.Errorf("entered, full, timed out, cancelled, open, seconds: %s, want %s", got, want)
	}
}
