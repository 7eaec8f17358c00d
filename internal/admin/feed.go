package admin

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/switchgear/switchgear/internal/gateway"
)

const (
	// ringSize is how many events a listener may be behind before it misses some.
	ringSize = 4096
	// maxListeners bounds who can listen at once.
	maxListeners = 16
)

var (
	errTooManyListeners = errors.New("too many listeners")
	errFeedClosed       = errors.New("the process is ending")
)

// Feed passes on what the gateway tells, to as many as listen. While nobody
// does, it costs a look at a counter.
type Feed struct {
	listening atomic.Int32 // len(listeners), to be read without the lock
	done      chan struct{}

	mu        sync.Mutex
	closed    bool                   // guarded by mu
	listeners map[*listener]struct{} // guarded by mu
	ring      []event                // guarded by mu; nil while nobody listens
	end       uint64                 // guarded by mu; event n, of this many, is ring[n%ringSize]
}

// event is what happened: one of its fields is set.
type event struct {
	transition *gateway.Transition
	refusal    *gateway.Refusal
}

// listener is one who listens to a feed.
type listener struct {
	feed *Feed
	wake chan struct{}
	next uint64 // the event to take next; guarded by the feed's mu
}

// NewFeed returns a feed without listeners.
func NewFeed() *Feed {
	return &Feed{done: make(chan struct{}), listeners: map[*listener]struct{}{}}
}

// OnTransition takes a transition from the gateway. It never blocks.
func (f *Feed) OnTransition(t gateway.Transition) {
	if f.listening.Load() == 0 {
		return
	}
	told := t // t itself would be allocated for nobody too
	f.publish(event{transition: &told})
}

// OnRefusal takes a refusal from the gateway. It never blocks.
func (f *Feed) OnRefusal(r gateway.Refusal) {
	if f.listening.Load() == 0 {
		return
	}
	told := r
	f.publish(event{refusal: &told})
}

// Close ends every listener's stream and lets nobody listen any more.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.done)
	}
}

func (f *Feed) publish(e event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ring == nil {
		return // the last listener has just left
	}
	f.ring[f.end%ringSize] = e
	f.end++
	for l := range f.listeners {
		select {
		case l.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// listen begins with the next event to come.
func (f *Feed) listen() (*listener, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, errFeedClosed
	case len(f.listeners) == maxListeners:
		return nil, errTooManyListeners
	}
	if f.ring == nil {
		f.ring = make([]event, ringSize)
	}
	l := &listener{feed: f, wake: make(chan struct{}, 1), next: f.end}
	f.listeners[l] = struct{}{}
	f.listening.Store(int32(len(f.listeners)))
	return l, nil
}

// leave ends listening.
func (l *listener) leave() {
	f := l.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.listeners, l)
	f.listening.Store(int32(len(f.listeners)))
	if len(f.listeners) == 0 {
		f.ring = nil
	}
}

// take appends the events that are there, up to the buffer's capacity, and
// tells how many before them are lost.
func (l *listener) take(buf []event) (missed uint64, events []event) {
	f := l.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.end > ringSize && l.next < f.end-ringSize {
		missed = f.end - ringSize - l.next
		l.next += missed
	}
	for len(buf) < cap(buf) && l.next < f.end {
		buf = append(buf, f.ring[l.next%ringSize])
		l.next++
	}
	return missed, buf
}
