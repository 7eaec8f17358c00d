package providersim

import (
	"bytes"
	"net/http"
	"sync"
	"time"
)

// What the log keeps: the last maxRequests requests, fewer where their bodies
// come to more than maxLogBytes, and the first maxLogBody bytes of each body.
const (
	maxRequests = 10_000
	maxLogBody  = 1 << 20
	maxLogBytes = 64 << 20
)

// entry is a request in the log. Its number counts from 1 and never starts
// afresh; kept says that it has not been forgotten, decided that its fault has
// been chosen.
type entry struct {
	Request
	number  int
	kept    bool
	decided bool
}

// requestLog is the bounded record of requests and the counts of them.
type requestLog struct {
	mu sync.Mutex
	// Guarded by mu, the entries' fields included.
	entries    []*entry
	bytes      int
	number     int
	count      int
	running    int
	maxRunning int
	// undecided is how many of the running have yet to meet their fault.
	undecided int
	// changed is closed at the next change; nil where nobody waits for one.
	changed chan struct{}
}

func (l *requestLog) read(n *int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *n
}

func (l *requestLog) watch() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// update makes a change under the lock and tells those who wait.
func (l *requestLog) update(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *requestLog) begin(r *http.Request) *entry {
	e := &entry{kept: true, Request: Request{
		Time: time.Now(), Proto: r.Proto, RemoteAddr: r.RemoteAddr, Method: r.Method,
		Host: r.Host, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone(),
	}}
	l.update(func() {
		l.entries = append(l.entries, e)
		l.number++
		e.number = l.number
		l.count++
		l.running++
		l.undecided++
		l.maxRunning = max(l.maxRunning, l.running)
		l.trim()
	})
	return e
}

// decide notes the fault that the request has met, if any.
func (l *requestLog) decide(e *entry, fault string) {
	l.update(func() {
		e.Fault = fault
		l.settle(e)
	})
}

// settle counts the request among the decided, once; l.mu is held.
func (l *requestLog) settle(e *entry) {
	if !e.decided {
		e.decided = true
		l.undecided--
	}
}

func (l *requestLog) end(e *entry, outcome func()) {
	l.update(func() {
		outcome()
		l.settle(e)
		l.running--
	})
}

// settled is how many are running; ok says that each has met its fault.
func (l *requestLog) settled() (running int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running, l.undecided == 0
}

// keep puts a body into its entry; l.mu is held.
func (l *requestLog) keep(e *entry, body []byte) {
	e.BodyBytes = len(body)
	e.Body = body
	if len(body) > maxLogBody {
		e.Body = bytes.Clone(body[:maxLogBody]) // So that the rest is let go.
	}
	if e.kept {
		l.bytes += len(e.Body)
		l.trim()
	}
}

// trim forgets the oldest requests beyond the bounds; l.mu is held.
func (l *requestLog) trim() {
	for len(l.entries) > maxRequests || (l.bytes > maxLogBytes && len(l.entries) > 1) {
		l.forget()
	}
}

// forget drops the oldest request; l.mu is held.
func (l *requestLog) forget() {
	e := l.entries[0]
	e.kept = false
	l.bytes -= len(e.Body)
	l.entries[0] = nil
	l.entries = l.entries[1:]
}
