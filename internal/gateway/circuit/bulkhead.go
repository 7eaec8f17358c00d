package circuit

import (
	"context"
	"sync"
	"time"
)

// bulkhead bounds the calls that run at a time and lets others wait in strict
// order. Whether a waiter is granted, refused or leaves is decided under its
// lock alone.
type bulkhead struct {
	mu       sync.Mutex
	settings BulkheadSettings // guarded by mu, as all below
	open     bool             // the breaker is open: nobody may wait
	running  int
	queued   int
	first    *waiter
	last     *waiter
	counts   bulkheadCounts
}

type bulkheadCounts struct {
	accepted, full, timedOut, cancelled, open uint64
	waited                                    time.Duration
}

// waiter is one place in the queue. Its verdict is there when the channel is
// closed.
type waiter struct {
	prev, next *waiter
	decided    chan struct{}
	verdict    RefusalReason // NotRefused: it has the slot
	settled    bool
}

// Slot is a place among the running calls. Leave gives it back.
type Slot struct{ b *bulkhead }

// Leave gives the slot back and lets the first waiter have it. The zero Slot
// has nothing to give.
func (s *Slot) Leave() {
	b := s.b
	if b == nil {
		return
	}
	s.b = nil
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running--
	if checked && b.running < 0 {
		panic("circuit: a slot was given back twice")
	}
	b.grant()
}

// enter takes a slot, waiting for one if it must and may. A lenient bulkhead
// counts what it would have refused and refuses nothing.
func (b *bulkhead) enter(ctx context.Context, lenient bool) (Slot, RefusalReason) {
	b.mu.Lock()
	limit := b.settings.MaxConcurrent
	free := limit == 0 || b.running < limit && b.first == nil
	if free || lenient {
		if !free && b.queued >= b.settings.MaxQueued {
			b.counts.full++
		}
		b.running++
		b.counts.accepted++
		b.mu.Unlock()
		return Slot{b}, NotRefused
	}
	if b.open {
		b.counts.open++
		b.mu.Unlock()
		return Slot{}, CircuitOpen
	}
	if b.queued >= b.settings.MaxQueued {
		b.counts.full++
		b.mu.Unlock()
		return Slot{}, BulkheadFull
	}
	w := b.push()
	timeout := b.settings.QueueTimeout
	b.mu.Unlock()
	return b.wait(ctx, w, timeout)
}

func (b *bulkhead) wait(ctx context.Context, w *waiter, timeout time.Duration) (Slot, RefusalReason) {
	begun := time.Now()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	var gaveUp RefusalReason
	select {
	case <-w.decided:
	case <-timer.C:
		gaveUp = BulkheadTimeout
	case <-ctx.Done():
		gaveUp = Cancelled
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.waited += time.Since(begun)
	if !w.settled {
		b.remove(w, gaveUp)
	}
	// A slot that was granted while its caller left goes to the next.
	if gaveUp == Cancelled && w.verdict == NotRefused {
		b.running--
		b.grant()
		w.verdict = Cancelled
	}
	switch w.verdict {
	case NotRefused:
		b.counts.accepted++
		return Slot{b}, NotRefused
	case BulkheadTimeout:
		b.counts.timedOut++
	case Cancelled:
		b.counts.cancelled++
	case CircuitOpen:
		b.counts.open++
	}
	return Slot{}, w.verdict
}

// grant gives free slots to the first waiters.
func (b *bulkhead) grant() {
	for b.first != nil && (b.settings.MaxConcurrent == 0 || b.running < b.settings.MaxConcurrent) {
		b.running++
		b.remove(b.first, NotRefused)
	}
}

// configure takes new settings; slots that they add go to waiters at once.
func (b *bulkhead) configure(s BulkheadSettings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settings = s
	b.grant()
}

// setOpen says whether the breaker is open; if so, nobody waits any longer.
func (b *bulkhead) setOpen(open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = open
	for open && b.first != nil {
		b.remove(b.first, CircuitOpen)
	}
}

func (b *bulkhead) push() *waiter {
	w := &waiter{prev: b.last, decided: make(chan struct{})}
	if b.last == nil {
		b.first = w
	} else {
		b.last.next = w
	}
	b.last = w
	b.queued++
	return w
}

// remove takes a waiter out of the queue with a verdict.
func (b *bulkhead) remove(w *waiter, verdict RefusalReason) {
	if w.prev == nil {
		b.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		b.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	w.verdict, w.settled = verdict, true
	b.queued--
	close(w.decided)
}
