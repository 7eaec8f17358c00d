package gateway

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// lull is how long a connection must have been quiet for its client not to be
// about to send a request on it.
const lull = time.Second

// connections knows which connections have a request on them, and since when the
// others have none.
type connections struct {
	changed chan struct{}

	mu    sync.Mutex
	quiet map[net.Conn]time.Time // guarded by mu; since when; zero: a request runs
}

func newConnections() *connections {
	return &connections{changed: make(chan struct{}, 1), quiet: map[net.Conn]time.Time{}}
}

// track is a server's ConnState.
func (c *connections) track(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	switch s {
	case http.StateNew, http.StateIdle:
		c.quiet[conn] = time.Now()
	case http.StateActive:
		c.quiet[conn] = time.Time{}
	default:
		delete(c.quiet, conn)
	}
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// wait waits until no request runs and every connection has been quiet for a
// while, or the context ends. It is for a server that lets each connection end
// with the next answer: a stream that had begun before ends without that word,
// and its client may send one more request, which must not meet a closed door.
func (c *connections) wait(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		again, done := c.look(time.Now())
		if done {
			return
		}
		if again > 0 {
			timer.Reset(again)
		}
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		case <-timer.C:
		}
	}
}

// look reports whether all is quiet, and if not, after how long it may be; 0:
// not before something changes.
func (c *connections) look(now time.Time) (again time.Duration, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, since := range c.quiet {
		if since.IsZero() {
			return 0, false
		}
		again = max(again, lull-now.Sub(since))
	}
	return again, again <= 0
}
