package admin

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// patiently is how long a test waits for what must come.
const patiently = 20 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patiently)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v for %s", patiently, what)
		}
	}
}

// serve runs the real server on loopback and returns its address.
func serve(t *testing.T, h *Handler) (server *http.Server, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server = NewServer(h, h.feed)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // until it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return server, l.Addr().String()
}

// hearOver opens a stream of events over a connection of its own.
func hearOver(t *testing.T, address string) *http.Response {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: patiently}
	resp, err := client.Get("http://" + address + "/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = resp.Body.Close()
		client.CloseIdleConnections()
	})
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("answered %d with %s", resp.StatusCode, got)
	}
	return resp
}

func TestNothingIsLeftOfListenersThatLeave(t *testing.T) {
	h := NewHandler(Options{Feed: NewFeed()})
	_, address := serve(t, h)
	for range 3 {
		var all []*http.Response
		for range maxListeners {
			all = append(all, hearOver(t, address))
		}
		h.feed.OnTransition(opening)
		for _, resp := range all {
			_ = resp.Body.Close()
		}
		eventually(t, "the last listener to be gone", func() bool { return h.feed.listening.Load() == 0 })
	}
	eventually(t, "no goroutine to be left", func() bool {
		var stacks bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&stacks, 1); err != nil {
			t.Fatal(err)
		}
		return !strings.Contains(stacks.String(), "serveEvents")
	})
}

func TestListenerThatNeverReadsIsCut(t *testing.T) {
	h := NewHandler(Options{Feed: NewFeed()})
	h.stall = 50 * time.Millisecond
	_, address := serve(t, h)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it to listen", func() bool { return h.feed.listening.Load() == 1 })
	long := refused
	long.RequestID = strings.Repeat("x", 1000)
	eventually(t, "it to be cut", func() bool {
		for range ringSize {
			h.feed.OnRefusal(long)
		}
		return h.feed.listening.Load() == 0
	})
}

func TestShutdownEndsTheStreams(t *testing.T) {
	h := NewHandler(Options{Feed: NewFeed()})
	server, address := serve(t, h)
	resp := hearOver(t, address)
	ctx, cancel := context.WithTimeout(t.Context(), patiently)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Errorf("shutting down: %v", err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream did not end well: %v", err)
	}
}

func TestOneListenerTooManyIsRefused(t *testing.T) {
	h := NewHandler(Options{Feed: NewFeed()})
	_, address := serve(t, h)
	for range maxListeners {
		hearOver(t, address)
	}
	resp, err := http.Get("http://" + address + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "at most 16 programs") {
		t.Errorf("answered %d %s (%v)", resp.StatusCode, body, err)
	}
}
