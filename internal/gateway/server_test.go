package gateway_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// startServer has a rig's gateway served by a listener of its own, and points
// the rig's plain-text calls at it. The channel tells what Serve returned.
func (r *streamRig) startServer(ctx context.Context, o gateway.ServerOptions) (*gateway.Server, <-chan error) {
	r.t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := gateway.NewServer(r.gw, o)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		r.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	r.t.Cleanup(func() {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Shutdown(now) // what a test leaves running is cut
	})
	r.url = "http://" + s.Addr().String()
	return s, served
}

// TestLeavingEndsEachConnectionWithItsAnswer: and takes new ones still.
func TestLeavingEndsEachConnectionWithItsAnswer(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	s, _ := r.startServer(t.Context(), gateway.ServerOptions{})
	for _, leaving := range []bool{false, true} {
		if leaving {
			s.Leave()
		}
		for range 2 {
			resp, err := http.Post(r.url+chatEndpoint.path, "application/json", strings.NewReader(chatEndpoint.body))
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK || resp.Close != leaving {
				t.Errorf("leaving %t: %s, closes %t (%v)", leaving, resp.Status, resp.Close, err)
			}
		}
	}
}

// TestShutdownDrains: no new client gets in, a stream that runs is finished.
func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	want := direct(t, sim.URL, chatEndpoint)
	sim.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 2})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	s, served := r.startServer(t.Context(), gateway.ServerOptions{})
	stream := r.open(chatEndpoint.path, chatEndpoint.body)
	begun := stream.event()
	if got := r.tally("requests_in_flight"); got != ":1" {
		t.Errorf("in flight, while a stream runs: %q, want 1", got)
	}

	down := make(chan error, 1)
	go func() { down <- s.Shutdown(t.Context()) }()
	r.eventually("the listener to close", func() bool {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if err := receive(t, served); err != nil {
		t.Errorf("Serve: %v", err)
	}
	select {
	case err := <-down:
		t.Fatalf("Shutdown did not wait for the stream: %v", err)
	default:
	}
	sim.Heal()
	if got := alike(begun + stream.whole()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := receive(t, down); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	r.wantEnd("Success", "Success")
}

// receive waits for what must come.
func receive(t *testing.T, ch <-chan error) error {
	t.Helper()
	select {
	case err := <-ch:
		return err
	case <-time.After(patiently):
		t.Fatalf("nothing came within %v", patiently)
		return nil
	}
}

// TestShutdownHasAnEnd: what still runs then is cut, and says so.
func TestShutdownHasAnEnd(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Stall, AfterTokens: 2})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	s, _ := r.startServer(t.Context(), gateway.ServerOptions{})
	stream := r.open(chatEndpoint.path, chatEndpoint.body)
	stream.event()
	grace, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(grace); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	if got, err := stream.rest(); !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(got, "[DONE]") {
		t.Errorf("the stream ended with %v after %q", err, got)
	}
	r.wantEnd("ClientGone", "Ignored")
}

// TestServeEndsWithItsContext and leaves the draining to Shutdown.
func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Hold})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, served := r.startServer(ctx, gateway.ServerOptions{})
	running := r.begin(t.Context(), chatDoor)
	sim.WaitRunning(1)
	cancel()
	if err := receive(t, served); err != nil {
		t.Errorf("Serve: %v", err)
	}
	sim.Heal()
	if got := r.await(running); got.status != http.StatusOK {
		t.Errorf("status %d (%v): %s", got.status, got.err, got.body)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// TestSlowHeaders: a client that does not get to the end of its headers is shown
// the door, one that does in time is served.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	r.startServer(t.Context(), gateway.ServerOptions{ReadHeaderTimeout: shortly})
	begun := time.Now()
	slow, quick := r.rawClient(), r.rawClient()
	say(t, slow, "POST %s HTTP/1.1\r\nHost: gateway\r\nX-Slow: ", chatDoor.path)
	say(t, quick, "POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n%s", chatDoor.path, len(chatDoor.body), chatDoor.body)
	if got := hearReply(t, quick); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if got, err := io.ReadAll(slow); err != nil || len(got) != 0 {
		t.Errorf("the slow client got %q, %v", got, err)
	}
	if took := time.Since(begun); took < shortly || took > 10*shortly {
		t.Errorf("the slow client was waited for %v, want %v", took, shortly)
	}
	if sim.Count() != 1 {
		t.Errorf("the provider was asked %d times", sim.Count())
	}
}

// TestHeadersWithoutEnd are refused before they fill the memory.
func TestHeadersWithoutEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.startServer(t.Context(), gateway.ServerOptions{})
	conn := r.rawClient()
	say(t, conn, "POST %s HTTP/1.1\r\nHost: gateway\r\nX-Endless: ", chatDoor.path)
	go func() {
		var err error
		for err == nil {
			_, err = io.WriteString(conn, block(8<<10))
		}
	}()
	if got := hearReply(t, conn); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}

// TestServersThatCannotStart say why.
func TestServersThatCannotStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	first, _ := r.startServer(t.Context(), gateway.ServerOptions{})
	second, err := gateway.NewServer(r.gw, gateway.ServerOptions{Listen: first.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Listen(); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("listening on a taken port: %v", err)
	}
	for name, tc := range map[string]struct {
		options gateway.ServerOptions
		want    string
	}{
		"a certificate without a key": {gateway.ServerOptions{TLSCertFile: "tls.crt"}, "only one is given"},
		"a key without a certificate": {gateway.ServerOptions{TLSKeyFile: "tls.key"}, "only one is given"},
		"no such files":               {gateway.ServerOptions{TLSCertFile: "nowhere.crt", TLSKeyFile: "nowhere.key"}, "nowhere.crt"},
	} {
		if _, err := gateway.NewServer(r.gw, tc.options); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
