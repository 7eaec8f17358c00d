package controller

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// The write budget: all of the leader's writes draw on one bucket.
const (
	writesPerSecond = 15
	writesBurst     = 100
)

// WriteClass ranks a write: of those that wait, the lowest class is let
// through first, within a class the one that has waited longest.
type WriteClass int

// The classes, the first to be written first.
const (
	PolicyState    WriteClass = iota // a policy's conditions, transitions and effective values
	RouteState                       // a route's conditions and where its traffic goes
	EventRecord                      // a Kubernetes Event
	PolicyCounters                   // a policy's counters and health
	RouteCounters                    // a route's counters and health
)

// WriteKey names a write that somebody wants to make. Whoever asks again under
// the same key means the same write, in its newest state.
type WriteKey struct {
	Kind string
	types.NamespacedName
}

// WriteBudget is a token bucket that knows who waits. A write that is refused
// is remembered; when its turn comes the budget sets a token aside for its key
// and tells so, and whoever is told asks again with what is to be written by
// then. So nobody blocks, and what is written late is the newest state.
type WriteBudget struct {
	// OnGrant is told the key of each waiting write whose turn has come. It must
	// not block. It is set before Start.
	OnGrant func(WriteKey)

	rate  float64 // tokens a second
	burst float64
	wake  chan struct{}

	mu      sync.Mutex
	tokens  float64                   // guarded by mu
	filled  time.Time                 // guarded by mu; when tokens was right
	order   int                       // guarded by mu
	queue   writeQueue                // guarded by mu
	waiting map[WriteKey]*waitingItem // guarded by mu
	granted map[WriteKey]bool         // guarded by mu
}

// NewWriteBudget returns a full bucket: 15 writes a second, 100 at once.
func NewWriteBudget() *WriteBudget {
	return &WriteBudget{
		OnGrant: func(WriteKey) {},
		rate:    writesPerSecond,
		burst:   writesBurst,
		wake:    make(chan struct{}, 1),
		tokens:  writesBurst,
		filled:  time.Now(),
		waiting: map[WriteKey]*waitingItem{},
		granted: map[WriteKey]bool{},
	}
}

// Ask reports whether the write may be made now; then it must be made, or given
// back with Drop. Otherwise it waits under its key, in the better of the
// classes that it was asked for with, until OnGrant is told of it.
func (b *WriteBudget) Ask(key WriteKey, class WriteClass) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.granted[key] {
		delete(b.granted, key)
		return true
	}
	if w := b.waiting[key]; w != nil {
		if class < w.class {
			w.class = class
			heap.Fix(&b.queue, w.index)
		}
		return false
	}
	b.refill()
	if b.tokens >= 1 && (len(b.queue) == 0 || class < b.queue[0].class) {
		b.tokens--
		return true
	}
	b.order++
	w := &waitingItem{key: key, class: class, order: b.order}
	b.waiting[key] = w
	heap.Push(&b.queue, w)
	b.nudge()
	return false
}

// Drop says that there is nothing to write any more under that key: its place
// in the queue, or the token set aside for it, goes to others.
func (b *WriteBudget) Drop(key WriteKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.waiting[key]; w != nil {
		heap.Remove(&b.queue, w.index)
		delete(b.waiting, key)
	}
	if b.granted[key] {
		delete(b.granted, key)
		b.tokens = min(b.tokens+1, b.burst)
		b.nudge()
	}
}

// Start grants until ctx ends.
func (b *WriteBudget) Start(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, next := b.grant()
		for _, key := range due {
			b.OnGrant(key)
		}
		if next > 0 {
			timer.Reset(next)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		case <-timer.C:
		}
	}
}

// NeedLeaderElection has the manager start the budget whoever leads.
func (*WriteBudget) NeedLeaderElection() bool { return false }

// grant sets tokens aside for those whose turn it is, and says in how long the
// next token comes; 0 if nobody waits for it.
func (b *WriteBudget) grant() (due []WriteKey, next time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill()
	for b.tokens >= 1 && len(b.queue) > 0 {
		w := heap.Pop(&b.queue).(*waitingItem)
		delete(b.waiting, w.key)
		b.granted[w.key] = true
		b.tokens--
		due = append(due, w.key)
	}
	if len(b.queue) > 0 {
		next = time.Duration((1-b.tokens)/b.rate*float64(time.Second)) + time.Millisecond
	}
	return due, next
}

// refill adds the tokens that have come since it was last called. The caller
// holds mu.
func (b *WriteBudget) refill() {
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.filled).Seconds())
	b.filled = now
}

func (b *WriteBudget) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

type waitingItem struct {
	key   WriteKey
	class WriteClass
	order int
	index int
}

// writeQueue is a heap by class, then by age.
type writeQueue []*waitingItem

func (q writeQueue) Len() int { return len(q) }
func (q writeQueue) Less(i, j int) bool {
	if q[i].class != q[j].class {
		return q[i].class < q[j].class
	}
	return q[i].order < q[j].order
}
func (q writeQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push is heap.Interface's.
func (q *writeQueue) Push(x any) {
	w := x.(*waitingItem)
	w.index = len(*q)
	*q = append(*q, w)
}

// Pop is heap.Interface's.
func (q *writeQueue) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	*q = (*q)[:last]
	return w
}
