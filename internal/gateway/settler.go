package gateway

import (
	"container/heap"
	"sync"
	"time"
)

// settler performs the transitions that time alone brings (open to half-open,
// an expired probe, the end of an override), so that they happen without
// traffic. It keeps one timer for all circuits, set to the earliest deadline.
type settler struct {
	now  func() time.Duration
	wake chan struct{}
	quit chan struct{}
	done chan struct{}

	mu      sync.Mutex
	queue   deadlines                      // guarded by mu
	entries map[*managedCircuit]*deadlined // guarded by mu
}

type deadlined struct {
	circuit *managedCircuit
	at      time.Duration
	index   int
}

func newSettler(now func() time.Duration) *settler {
	s := &settler{
		now:     now,
		wake:    make(chan struct{}, 1),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
		entries: map[*managedCircuit]*deadlined{},
	}
	go s.run()
	return s
}

// watch looks at a circuit's deadline afresh.
func (s *settler) watch(c *managedCircuit) {
	at, ok := c.Deadline(s.now())
	s.mu.Lock()
	ok = ok && !c.forgotten // a call that began before may still open it
	e := s.entries[c]
	switch {
	case e == nil && ok:
		e = &deadlined{circuit: c, at: at}
		s.entries[c] = e
		heap.Push(&s.queue, e)
	case e != nil && ok:
		e.at = at
		heap.Fix(&s.queue, e.index)
	case e != nil:
		heap.Remove(&s.queue, e.index)
		delete(s.entries, c)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// forget drops a circuit that is live no more, for good.
func (s *settler) forget(c *managedCircuit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.forgotten = true
	if e := s.entries[c]; e != nil {
		heap.Remove(&s.queue, e.index)
		delete(s.entries, c)
	}
}

func (s *settler) stop() {
	close(s.quit)
	<-s.done
}

func (s *settler) run() {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if c, wait := s.next(); c != nil {
			c.Settle(s.now())
			s.watch(c)
			continue
		} else if wait > 0 {
			timer.Reset(wait)
		}
		select {
		case <-timer.C:
		case <-s.wake:
		case <-s.quit:
			return
		}
	}
}

// next returns the circuit that is due, or how long to wait for the first that
// will be; zero where there is none.
func (s *settler) next() (*managedCircuit, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil, 0
	}
	first := s.queue[0]
	if wait := first.at - s.now(); wait > 0 {
		return nil, wait
	}
	return first.circuit, 0
}

// deadlines is a heap by time.
type deadlines []*deadlined

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at < d[j].at }
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].index, d[j].index = i, j
}

// Push is heap.Interface's.
func (d *deadlines) Push(x any) {
	e := x.(*deadlined)
	e.index = len(*d)
	*d = append(*d, e)
}

// Pop is heap.Interface's.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	e := (*d)[last]
	*d = (*d)[:last]
	return e
}
