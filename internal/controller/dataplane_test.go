package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type brokenListener struct {
	*fakeListener
	listen, serve error
}

func (l brokenListener) Listen() error               { return l.listen }
func (l brokenListener) Serve(context.Context) error { return l.serve }

func TestListenerTellsWhatFailed(t *testing.T) {
	ready := make(chan struct{})
	close(ready)
	for name, c := range map[string]struct {
		server brokenListener
		want   string
	}{
		"binding": {brokenListener{newFakeListener(), errors.New("address already in use"), nil}, "opening the gateway's listener: address already in use"},
		"serving": {brokenListener{newFakeListener(), nil, errors.New("too many files")}, "serving: too many files"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &Listener{Server: c.server, Close: func() {}, Applied: ready, Admitted: ready, Released: ready}
			if err := l.Start(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestDrainEndsWithTheGracePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		applied, admitted, released := make(chan struct{}), make(chan struct{}), make(chan struct{})
		server := newFakeListener()
		server.drained = make(chan struct{}) // never
		closed := false
		l := &Listener{
			Server: server, Close: func() { closed = true }, Applied: applied, Admitted: admitted, Released: released,
			Delay: 5 * time.Second, Grace: time.Hour,
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Start(ctx) }()

		synctest.Wait()
		if l.Bound() {
			t.Error("the listener opened before a configuration was applied")
		}
		close(applied)
		synctest.Wait()
		if l.Bound() {
			t.Error("the listener opened before it was known that the name is free")
		}
		close(admitted)
		synctest.Wait()
		if !l.Bound() {
			t.Error("the listener did not open")
		}
		cancel()
		told := time.Now()
		synctest.Wait()
		if !server.left.Load() {
			t.Error("clients are not told to go elsewhere")
		}
		select {
		case <-server.shutting:
			t.Error("the drain began before the lease was released")
		default:
		}
		close(released)
		<-server.shutting
		start := time.Now()
		if delay := start.Sub(told); delay != 5*time.Second {
			t.Errorf("the listener closed after %s, want the delay", delay)
		}
		if err := <-ended; err != nil {
			t.Errorf("the end is an error: %v", err)
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("the drain took %s, want the grace period", took)
		}
		if !closed {
			t.Error("the gateway was not closed")
		}
	})
}
