package gateway_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
)

// TestAnHTTP2ConnectionThatDiesInSilence, as one does whose other end was switched
// off: the gateway finds out by pings within 25 s, and not by the limit of a call.
func TestAnHTTP2ConnectionThatDiesInSilence(t *testing.T) {
	ca, certificate := exampleCertificate()
	tune := func(s *streamSetup) {
		s.Backend = func(_ int, b *gateway.Backend) {
			b.URL = &url.URL{Scheme: "https", Host: "b0", Path: b.URL.Path}
			b.TLS = gateway.TLS{CA: ca, ServerName: "example.com"}
		}
	}
	inBubble(t, tune, 1, func(r *bubbleRig) {
		r.serveTLS("b0:443", certificate, r.sims[0])
		first := &deafConn{deaf: make(chan struct{}), closed: make(chan struct{})}
		r.gw.SetDial(func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := r.net.dial(ctx, address)
			if err == nil && first.Conn == nil {
				first.Conn = conn
				return first, nil
			}
			return conn, err
		})
		if a := r.ask(chatWhole); !asWell(&a, "b0") || r.sims[0].Requests()[0].Proto != "HTTP/2.0" {
			t.Fatalf("the client got %d %s by %s", a.status, a.body, r.sims[0].Requests()[0].Proto)
		}
		close(first.deaf)
		a := r.ask(chatWhole)
		if !asWell(&a, "b0") || a.header.Get("X-Switchgear-Attempts") != "2" || a.after != 25500*time.Millisecond {
			t.Errorf("the client got %d %v after %v, want the answer to the repeat after 25.5 s", a.status, a.header, a.after)
		}
		r.wantTally("ConnectionError:1 Success:2", "attempts_total", "class")
	})
}

// deafConn is a connection whose other end is gone without a word.
type deafConn struct {
	net.Conn
	deaf, closed chan struct{}
	once         sync.Once
}

func (c *deafConn) isDeaf() bool {
	select {
	case <-c.deaf:
		return true
	default:
		return false
	}
}

// Read is net.Conn's.
func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.isDeaf() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return n, err
}

// Write is net.Conn's.
func (c *deafConn) Write(p []byte) (int, error) {
	if c.isDeaf() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// Close is net.Conn's.
func (c *deafConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// serveTLS serves HTTP/2 at an address, until the test ends.
func (r *bubbleRig) serveTLS(address string, c tls.Certificate, h http.Handler) {
	l := &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	r.net[address] = l
	server := &http.Server{Handler: h, TLSConfig: &tls.Config{Certificates: []tls.Certificate{c}}, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.ServeTLS(l, "", "") }() // it ends with the listener
	r.t.Cleanup(func() { _ = server.Close() })
}

// exampleCertificate is that of net/http/httptest, for example.com, and its CA.
func exampleCertificate() (ca string, c tls.Certificate) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})), server.TLS.Certificates[0]
}
