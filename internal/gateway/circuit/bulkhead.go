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
	mode     Mode             // the circuit's
	open     bool             // callers meet an open circuit: nobody may wait
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
type Slot struct {
	b    *bulkhead
	left bool
}

// Leave gives the slot back and lets the first waiter have it. Call it once.
// The zero Slot has nothing to give.
func (s *Slot) Leave() {
	if checked && s.left {
		panic("circuit: a slot was given back twice")
	}
	b := s.b
	s.b, s.left = nil, true
	if b == nil {
		return
	}
	b.mu.Lock()
	b.running--
	over := b.running < 0
	if b.first != nil {
		b.grant()
	}
	b.mu.Unlock()
	if checked && over {
		panic("circuit: a slot was given back twice")
	}
}

// take takes a slot if that needs no waiting.
func (b *bulkhead) take() (Slot, bool) {
	b.mu.Lock()
	slot, ok := b.takeLocked()
	b.mu.Unlock()
	return slot, ok
}

// takeLocked takes a slot if one is free and nobody waits for it. A circuit
// that only observes counts what it would have refused and refuses nothing.
func (b *bulkhead) takeLocked() (Slot, bool) {
	free := b.free() && b.first == nil
	switch {
	case b.mode == Disabled:
		return Slot{}, true
	case !free && b.mode == Enforce:
		return Slot{}, false
	case !free && b.queued >= b.settings.MaxQueued:
		b.counts.full++
	}
	b.running++
	b.counts.accepted++
	return Slot{b: b}, true
}

func (b *bulkhead) free() bool {
	return b.settings.MaxConcurrent == 0 || b.running < b.settings.MaxConcurrent
}

// enter takes a slot, waiting for one if it must and may.
func (b *bulkhead) enter(ctx context.Context) (Slot, RefusalReason) {
	b.mu.Lock()
	if slot, ok := b.takeLocked(); ok {
		b.mu.Unlock()
		return slot, NotRefused
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
	if w.verdict == NotRefused && ctx.Err() != nil {
		b.running--
		b.grant()
		w.verdict = Cancelled
	}
	switch w.verdict {
	case NotRefused:
		b.counts.accepted++
		return Slot{b: b}, NotRefused
	case BulkheadTimeout:
		b.counts.timedOut++
	case Cancelled:
		b.counts.cancelled++
	case CircuitOpen:
		b.counts.open++
	}
	return Slot{}, w.verdict
}

// grant gives free slots to the first waiters; all get one if the circuit
// refuses nothing any more.
func (b *bulkhead) grant() {
	for b.first != nil && (b.free() || b.mode != Enforce) {
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

// heed says how the breaker stands. While callers meet it open, nobody waits.
func (b *bulkhead) heed(m Mode, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mode, b.open = m, open
	b.grant()
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
