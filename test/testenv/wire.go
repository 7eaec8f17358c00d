package testenv

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
)

// Wire is a TCP proxy before the API server, which can be cut and mended.
type Wire struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu    sync.Mutex
	isCut bool                  // guarded by mu
	conns map[net.Conn]struct{} // guarded by mu
}

// NewWire starts a proxy on a free port of loopback. The caller closes it.
func (c *Cluster) NewWire() (*Wire, error) {
	server, err := url.Parse(c.Config.Host)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's address: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening in the API server's place: %w", err)
	}
	w := &Wire{listener: l, target: server.Host, conns: map[net.Conn]struct{}{}}
	w.running.Go(w.accept)
	return w, nil
}

// Close breaks every connection and waits until nothing of the proxy runs.
func (w *Wire) Close() {
	_ = w.listener.Close()
	w.Cut()
	w.running.Wait()
}

func (w *Wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return // closed
		}
		w.running.Go(func() { w.carry(client) })
	}
}

func (w *Wire) carry(client net.Conn) {
	defer client.Close() //nolint:errcheck // it has been used
	server, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // it has been used
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

func (w *Wire) enter(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		w.conns[c] = struct{}{}
	}
	return !w.isCut
}

func (w *Wire) leave(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		delete(w.conns, c)
	}
}

// Cut breaks every connection and refuses new ones.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for c := range w.conns {
		_ = c.Close()
	}
}

// Mend lets connections through again.
func (w *Wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

// Address is where the API server is reached by way of the wire.
func (w *Wire) Address() string { return w.listener.Addr().String() }
