package gateway_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// rawClient is a connection to a gateway on which a test says every byte.
func (r *streamRig) rawClient() *net.TCPConn {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patiently)); err != nil {
		r.t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// say writes to a raw connection.
func say(t *testing.T, w io.Writer, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		t.Fatal(err)
	}
}

// hearReply reads the answer from a raw connection.
func hearReply(t *testing.T, conn io.Reader) reply {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

// TestBodiesThatDoNotArrive: the client is told in its dialect, the provider
// hears nothing, no memory stays taken.
func TestBodiesThatDoNotArrive(t *testing.T) {
	const length, chunked = "Content-Length: 1000", "Transfer-Encoding: chunked"
	breakOff := func(conn *net.TCPConn) error { return conn.CloseWrite() }
	for _, tc := range []struct {
		name, header, body string
		then               func(*net.TCPConn) error // nil: silence
		status             int
		code               string
	}{
		{"slow", length, `{"model":`, nil, 408, "body_timeout"},
		{"slow from the start", length, "", nil, 408, "body_timeout"},
		{"slow in chunks", chunked, "9\r\n{\"model\":\r\n", nil, 408, "body_timeout"},
		{"broken off", length, `{"model":`, breakOff, 400, "invalid_body"},
		{"broken off in chunks", chunked, "9\r\n{\"model\":\r\n", breakOff, 400, "invalid_body"},
		{"chunks of nonsense", chunked, "zz\r\n", nil, 400, "invalid_body"},
	} {
		for _, e := range doors {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{})
				r := newRig(t, func(o *gateway.Options) {
					if tc.code == "body_timeout" {
						o.BodyTimeout = soon
					}
				}, doorRoutes(t, sim.URL, newPolicy(t))...)
				conn := r.rawClient()
				say(t, conn, "POST %s HTTP/1.1\r\nHost: gateway\r\n%s\r\n\r\n%s", e.path, tc.header, tc.body)
				if tc.then != nil {
					if err := tc.then(conn); err != nil {
						t.Fatal(err)
					}
				}
				got := hearReply(t, conn)
				got.wantOwn(t, e, tc.status, tc.code)
				got.wantHeaders(t, map[string]string{"X-Switchgear-Route": routeBeforeBody(e), "X-Switchgear-Backend": ""})
				// What is left of the body is not the next request.
				if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("the connection is not closed: %v", err)
				}
				if sim.Count() != 0 {
					t.Error("the provider was asked")
				}
				r.wantIdle()
			})
		}
	}
}

// routeBeforeBody is the route that is known before the body is: a path's.
func routeBeforeBody(e streamEndpoint) string {
	if e.path == pathDoor.path {
		return routeOf(e)
	}
	return ""
}

// TestTheBodysLimitEndsWithTheBody: it bounds neither the answer nor what comes
// next on the connection.
func TestTheBodysLimitEndsWithTheBody(t *testing.T) {
	t.Parallel()
	const limit = 100 * time.Millisecond
	sim := providersim.Start(t, providersim.Options{Latency: 3 * limit})
	r := newRig(t, func(o *gateway.Options) { o.BodyTimeout = limit }, doorRoutes(t, sim.URL, newPolicy(t))...)
	conn := r.rawClient()
	for range 2 {
		say(t, conn, "POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n%s", chatDoor.path, len(chatDoor.body), chatDoor.body)
		if got := hearReply(t, conn); got.status != http.StatusOK {
			t.Errorf("status %d: %s", got.status, got.body)
		}
	}
}

// TestAnAnnouncedBodyTakesNoMemoryBeforeItComes.
func TestAnAnnouncedBodyTakesNoMemoryBeforeItComes(t *testing.T) {
	t.Parallel()
	const announced = 30 << 20
	r := newRig(t, nil, doorRoutes(t, "http://127.0.0.1:1", newPolicy(t))...)
	conn := r.rawClient()
	say(t, conn, "POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n{", chatDoor.path, announced)
	held := func() int { return r.counts("switchgear_buffered_bytes", "")[""] }
	r.eventually("the body to be waited for", func() bool { return held() > 0 })
	if n := held(); n > 64<<10 {
		t.Errorf("%d bytes are held for one that has come", n)
	}
	conn.Close()
	r.wantIdle()
}
