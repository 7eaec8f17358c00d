package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// staleWithin is how soon a provider's having closed an idle connection shows.
// A connection that breaks later broke with the call on it.
const staleWithin = time.Second

// call is an attempt's use of a connection.
type call struct {
	trace    httptrace.ClientTrace // of the first sending
	conn     *providerConn         // nil: none was got
	idle     bool                  // the connection had been idle
	got      time.Duration         // when
	answered atomic.Bool           // a first byte has come
}

// sent reports whether something may have been sent to the provider.
func (c *call) sent() bool { return c.conn != nil }

// send sends the request and returns once the response's headers are there. An
// idle connection that the provider has closed meanwhile is no failure of the
// provider: the call is sent once more, on another, unless the provider may have
// acted on it before.
func (a *attempt) send() (*http.Response, error) {
	resp, err := a.sendOnce(&a.call.trace)
	if err != nil && a.call.stale(a.x.g.now()) && a.dog.Err() == nil && a.x.idempotent() {
		resp, err = a.sendOnce(new(httptrace.ClientTrace))
	}
	if err != nil {
		return nil, fmt.Errorf("calling the provider: %w", err)
	}
	return resp, nil
}

func (c *call) stale(now time.Duration) bool {
	return c.idle && !c.answered.Load() && now-c.got < staleWithin
}

func (a *attempt) sendOnce(trace *httptrace.ClientTrace) (*http.Response, error) {
	c := &a.call
	c.idle = false
	a.dog.set(limitPhase, a.begun, a.b.Policy.Timeouts.Connect, "timeouts.connect")
	trace.GotConn = func(info httptrace.GotConnInfo) {
		c.conn, c.idle, c.got = providerConnOf(info.Conn), info.WasIdle, a.x.g.now()
		if c.idle && c.conn != nil && !isHTTP2(info.Conn) {
			c.conn.expectCall()
		}
		a.limitAnswer()
	}
	trace.GotFirstResponseByte = func() { c.answered.Store(!c.idle || c.conn == nil || c.conn.isAnswer()) }
	ctx := context.Context(a.dog)
	if a.x.endpoint == nil || a.x.endpoint.Other {
		ctx = unrepeated(ctx, trace)
	}
	resp, err := a.b.transport.RoundTrip(a.request(httptrace.WithClientTrace(ctx, trace)))
	if err == nil && !c.answered.Load() {
		_ = resp.Body.Close()
		return nil, errUnasked
	}
	return resp, err
}

// toldBefore reports whether a failure of that class is the death of the call's
// connection, and was counted on the circuit already by another of the calls that
// were on it.
func (c *call) toldBefore(class Class, circuit *managedCircuit) bool {
	switch class {
	case ConnectionError, InvalidResponse, StreamError:
		return c.conn != nil && c.conn.dead.Load() && !c.conn.claim(circuit)
	}
	return false
}

// providerConn is a connection to a provider that remembers its death. With
// HTTP/2, many calls die with it.
type providerConn struct {
	net.Conn
	dead   atomic.Bool
	barred atomic.Bool // nothing more is to be sent
	answers

	mu     sync.Mutex
	claims map[*managedCircuit]bool // guarded by mu: on which it was counted
}

func providerConnOf(c net.Conn) *providerConn {
	for t, ok := c.(*tls.Conn); ok; t, ok = c.(*tls.Conn) {
		c = t.NetConn()
	}
	p, _ := c.(*providerConn)
	return p
}

// Read is net.Conn's.
func (c *providerConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.reads.Add(1)
	}
	if err != nil {
		c.dead.Store(true)
	}
	return n, err //nolint:wrapcheck // it is what io.Reader's callers compare with
}

// claim reports whether it is the first for that circuit.
func (c *providerConn) claim(circuit *managedCircuit) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.claims[circuit] {
		return false
	}
	if c.claims == nil {
		c.claims = map[*managedCircuit]bool{}
	}
	c.claims[circuit] = true
	return true
}
