package gateway

import (
	"net/http"
	"sync"
	"time"
)

// defaultPulseEvery is shorter than the patience of load balancers.
const defaultPulseEvery = 15 * time.Second

var pulseComment = []byte(": held until it is whole\n\n")

// pulse keeps a client's connection alive with comments while its stream is
// held back. From the first of them on, what goes wrong can only be told in the
// stream.
type pulse struct {
	x     *exchange
	every time.Duration

	mu      sync.Mutex
	timer   *time.Timer // guarded by mu
	stopped bool        // guarded by mu
	begun   bool        // guarded by mu: the client has the headers
}

func newPulse(x *exchange) *pulse {
	p := &pulse{x: x, every: x.g.pulseEvery}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(p.every, p.beat)
	return p
}

// beat writes a comment. Until stop returns, nobody else touches the response.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	x := p.x
	if !p.begun {
		p.begun = true
		h := x.w.Header()
		h["Content-Type"] = []string{"text/event-stream"}
		h["Cache-Control"] = []string{"no-cache"}
		x.w.WriteHeader(http.StatusOK)
	}
	if x.client.write(pulseComment) != nil || x.client.flush() != nil {
		return // the client has left, as its request's context will tell
	}
	x.client.idle()
	p.timer.Reset(p.every)
}

// stop ends the comments and hands the response over; it reports whether its
// headers are with the client. It may be called again, and on nil.
func (p *pulse) stop() (begun bool) {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.timer.Stop()
	return p.begun
}
