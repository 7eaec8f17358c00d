package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// unrepeated keeps the transport from repeating a call behind the circuit's back.
// On HTTP/1 it does so with a GET whose connection had been idle and breaks: at any
// time, and for as long as it has idle connections.
func unrepeated(ctx context.Context, trace *httptrace.ClientTrace) context.Context {
	ctx, giveUp := context.WithCancel(ctx)
	var wrote atomic.Bool
	got := trace.GotConn
	trace.WroteHeaders = func() { wrote.Store(true) }
	trace.GotConn = func(info httptrace.GotConnInfo) {
		// What was not sent yet may be; on HTTP/2 also what the provider has said
		// that it has not looked at.
		if !wrote.Load() || isHTTP2(info.Conn) {
			got(info)
			return
		}
		giveUp()
		if c := providerConnOf(info.Conn); c != nil {
			c.barred.Store(true)
		}
	}
	return ctx
}

func isHTTP2(c net.Conn) bool {
	t, ok := c.(*tls.Conn)
	return ok && t.ConnectionState().NegotiatedProtocol == "h2"
}

var errBarred = errors.New("the call is not to be repeated on this connection")

// Write is net.Conn's.
func (c *providerConn) Write(p []byte) (int, error) {
	if c.barred.Load() {
		return 0, errBarred
	}
	c.wrote()
	return c.Conn.Write(p) //nolint:wrapcheck // it is what io.Writer's callers compare with
}
