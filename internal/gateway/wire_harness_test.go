package gateway_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// wire starts a provider that writes to its connections what no HTTP server
// would. It plays for each request; when that returns, the connection is closed,
// unless it says to keep it.
func wire(t *testing.T, play func(c net.Conn, r *http.Request) (keep bool)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			conns[c] = true
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return // the gateway has left
					}
					_, _ = io.Copy(io.Discard, r.Body) // as far as it came
					if !play(c, r) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "http://" + l.Addr().String()
}

// put writes text to a connection, which the gateway may have left.
func put(c net.Conn, text ...string) bool {
	_, err := io.WriteString(c, strings.Join(text, ""))
	return err == nil
}
