package e2e

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// wire is a TCP proxy before the API server, which the test can cut.
type wire struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu    sync.Mutex
	isCut bool                  // guarded by mu
	conns map[net.Conn]struct{} // guarded by mu
}

// newWire starts a proxy that ends with the test.
func newWire(t *testing.T) *wire {
	t.Helper()
	server, err := url.Parse(cluster.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, target: server.Host, conns: map[net.Conn]struct{}{}}
	w.running.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		w.running.Wait()
	})
	return w
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return // closed at the test's end
		}
		w.running.Go(func() { w.carry(client) })
	}
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !w.enter(client, server) {
		return
	}
	defer w.leave(client, server)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // it ends when either side does
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	both.Wait()
}

func (w *wire) enter(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		w.conns[c] = struct{}{}
	}
	return !w.isCut
}

func (w *wire) leave(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		delete(w.conns, c)
	}
}

// cut breaks every connection and refuses new ones.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for c := range w.conns {
		_ = c.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

// address is where the API server is reached by way of the wire.
func (w *wire) address() string { return w.listener.Addr().String() }
