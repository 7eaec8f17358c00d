package gateway_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// newHTTP2Rig is a rig whose clients speak HTTP/2 to its server.
func newHTTP2Rig(t *testing.T, provider string) (*streamRig, *gateway.Server) {
	t.Helper()
	const name = "gateway.test"
	pair, files := newKeyPair(t, name, time.Now().Add(time.Hour)), newMountedSecret(t)
	files.replace(pair)
	r := newRig(t, nil, doorRoutes(t, provider, newPolicy(t))...)
	s, _ := r.startServer(t.Context(), gateway.ServerOptions{
		TLSCertFile: filepath.Join(files.dir, "tls.crt"), TLSKeyFile: filepath.Join(files.dir, "tls.key"),
	})
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool(pair), ServerName: name, MinVersion: tls.VersionTLS12},
		Protocols:       new(http.Protocols),
	}
	transport.Protocols.SetHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	r.client = &http.Client{Transport: transport}
	r.url = "https://" + s.Addr().String()
	return r, s
}

// asksOn sends a request that no provider hears of, and returns the client's end
// of the connection that it went by.
func (r *streamRig) asksOn() string {
	r.t.Helper()
	var by string
	ctx := httptrace.WithClientTrace(r.t.Context(), &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { by = c.Conn.LocalAddr().String() },
	})
	a, err := r.try(ctx, "/v1/models", "")
	if err != nil {
		r.t.Fatal(err)
	}
	defer a.resp.Body.Close()
	if _, err := a.rest(); err != nil || a.resp.StatusCode != http.StatusOK || a.resp.ProtoMajor != 2 {
		r.t.Fatalf("%s in %s (%v)", a.resp.Status, a.resp.Proto, err)
	}
	return by
}

// TestLeavingSendsHTTP2ClientsElsewhere: the next answer on a connection tells
// them, the stream that runs on it goes on to its end.
func TestLeavingSendsHTTP2ClientsElsewhere(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	want := direct(t, sim.URL, chatEndpoint)
	sim.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 2})
	r, s := newHTTP2Rig(t, sim.URL)
	stream := r.open(chatEndpoint.path, chatEndpoint.body)
	begun := stream.event()
	first := r.asksOn()
	if again := r.asksOn(); again != first {
		t.Fatalf("connections %s and %s, want one", first, again)
	}

	s.Leave()
	if last := r.asksOn(); last != first {
		t.Errorf("the first request after that went by %s, want %s", last, first)
	}
	r.eventually("requests to go by new connections", func() bool { return r.asksOn() != first })
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(t.Context()) }()
	sim.Heal()
	if got := alike(begun + stream.whole()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := receive(t, down); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// TestLeavingLosesNoHTTP2Request of a crowd on few connections, wherever the word
// to leave meets it.
func TestLeavingLosesNoHTTP2Request(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{Latency: time.Millisecond})
	r, s := newHTTP2Rig(t, sim.URL)
	const clients, before, after = 8, 10, 20
	var running, begun sync.WaitGroup
	begun.Add(clients * before)
	for range clients {
		running.Go(func() {
			for i := range before + after {
				if err := r.posts(); err != nil {
					t.Errorf("request %d: %v", i+1, err)
				}
				if i < before {
					begun.Done()
				}
			}
		})
	}
	begun.Wait()
	s.Leave()
	running.Wait()
}

// posts sends a chat completion and reads its answer.
func (r *streamRig) posts() error {
	ctx, cancel := context.WithTimeout(r.t.Context(), patiently)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+chatDoor.path, strings.NewReader(chatDoor.body))
	if err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		r.t.Errorf("status %s", resp.Status)
	}
	return err
}
