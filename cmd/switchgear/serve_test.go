package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/controller"
)

// slowServer is a gateway's listener that drains when the test says so.
type slowServer struct{ drained chan struct{} }

// Listen opens nothing.
func (*slowServer) Listen() error { return nil }

// Addr returns an address.
func (*slowServer) Addr() net.Addr { return &net.TCPAddr{} }

// Leave is heard by nobody.
func (*slowServer) Leave() {}

// Serve waits for the end.
func (*slowServer) Serve(ctx context.Context) error { <-ctx.Done(); return nil }

// Shutdown waits for the test.
func (s *slowServer) Shutdown(context.Context) error { <-s.drained; return nil }

// TestStatusIsKeptUntilTheDrainHasEnded: what happens to circuits meanwhile has
// its time too. Edits are taken until the end begins.
func TestStatusIsKeptUntilTheDrainHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, server := make(chan struct{}), &slowServer{make(chan struct{})}
		close(now)
		listener := &controller.Listener{Server: server, Close: func() {}, Applied: now, Admitted: now, Released: now, Grace: time.Hour}
		ctx, cancel := context.WithCancel(t.Context())
		var watching, looking bool
		during := func(on *bool) func(context.Context) {
			return func(ctx context.Context) {
				*on = true
				<-ctx.Done()
				*on = false
			}
		}
		ended := errors.New("not yet")
		go func() {
			ended = serve(ctx, slog.New(slog.DiscardHandler), listener, nil, during(&watching), during(&looking))
		}()
		want := func(when string, watched, looked bool) {
			synctest.Wait()
			if watching != watched || looking != looked {
				t.Errorf("%s: files are watched: %v, want %v; statuses are looked at: %v, want %v", when, watching, watched, looking, looked)
			}
		}
		want("before the end", true, true)
		cancel()
		want("in the drain", false, true)
		close(server.drained)
		want("after the drain", false, false)
		if ended != nil {
			t.Errorf("the end is %v", ended)
		}
	})
}
