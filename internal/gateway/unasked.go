package gateway

import (
	"errors"
	"sync/atomic"
)

var errUnasked = errors.New("the connection held an answer that nobody had asked for")

// answers tells what a provider answers on an HTTP/1 connection that had been idle
// from what it sent unasked, before the call: the rest of an earlier answer, perhaps,
// and another client's. The transport takes it for the answer if the next call gets
// the connection before it has looked.
type answers struct {
	reads   atomic.Int64 // reads that brought something
	waiting atomic.Bool  // for the call's first write
	before  atomic.Int64 // reads before that
}

// expectCall says that the next write begins a call.
func (a *answers) expectCall() { a.waiting.Store(true) }

func (a *answers) wrote() {
	if a.waiting.Load() && a.waiting.CompareAndSwap(true, false) {
		a.before.Store(a.reads.Load())
	}
}

// isAnswer reports whether the bytes that are there were read after the call's
// first write. What was not may be anybody's: the connection is of no use then.
func (c *providerConn) isAnswer() bool {
	if !c.waiting.Load() && c.reads.Load() != c.before.Load() {
		return true
	}
	_ = c.Conn.Close()
	return false
}
