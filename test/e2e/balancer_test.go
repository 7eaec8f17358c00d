package e2e

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// balancer is a TCP proxy before several replicas, as a Service is: it sends each
// new connection to the next replica that was ready when it last looked.
type balancer struct {
	t        *testing.T
	listener net.Listener
	running  sync.WaitGroup
	stop     chan struct{}

	mu    sync.Mutex
	all   []*operator // guarded by mu
	ready []string    // guarded by mu; addresses
	next  int         // guarded by mu
}

// lookEvery is how far the balancer lags behind readiness.
const lookEvery = 250 * time.Millisecond

// newBalancer starts one that ends with the test.
func newBalancer(t *testing.T, replicas ...*operator) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{t: t, listener: l, stop: make(chan struct{}), all: replicas}
	b.look()
	b.running.Go(b.accept)
	b.running.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-b.stop:
				return
			case <-tick.C:
				b.look()
			}
		}
	})
	t.Cleanup(func() {
		close(b.stop)
		_ = l.Close()
		b.running.Wait()
	})
	return b
}

func (b *balancer) url() string { return "http://" + b.listener.Addr().String() }

// add has it know one more replica.
func (b *balancer) add(op *operator) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, op)
}

// look asks each replica whether it is ready.
func (b *balancer) look() {
	b.mu.Lock()
	all := append([]*operator(nil), b.all...)
	b.mu.Unlock()
	var ready []string
	for _, op := range all {
		if a, err := fetch(b.t, op.ProbesURL+"/readyz"); err == nil && a.status == 200 {
			ready = append(ready, strings.TrimPrefix(op.GatewayURL, "http://"))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready = ready
}

func (b *balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ready) == 0 {
		return ""
	}
	b.next++
	return b.ready[b.next%len(b.ready)]
}

func (b *balancer) accept() {
	for {
		client, err := b.listener.Accept()
		if err != nil {
			return // closed at the test's end
		}
		b.running.Go(func() { carry(client, b.pick()) })
	}
}

// carry copies both ways, and passes the end of either on to the other.
func carry(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // it ends when either side does
			_ = way[0].(*net.TCPConn).CloseWrite()
		})
	}
	both.Wait()
}
