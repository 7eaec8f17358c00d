package providersim

import (
	"context"
	"crypto/tls"
	"net/http"
	"testing"
	"time"
)

// waitTimeout is how long Server's waits take before they fail the test.
const waitTimeout = 10 * time.Second

// Server is an Instance that belongs to a test: what goes wrong fails it.
type Server struct {
	*Instance
	tb testing.TB
}

// Start runs a simulated provider on a free loopback port until the test ends.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	in, err := Listen("127.0.0.1:0", o)
	if err != nil {
		tb.Fatalf("starting the simulated provider: %v", err)
	}
	tb.Cleanup(func() {
		if err := in.Close(); err != nil {
			tb.Errorf("closing the simulated provider: %v", err)
		}
	})
	return &Server{Instance: in, tb: tb}
}

// SetFault is Sim.SetFault; a fault that is not valid fails the test.
func (s *Server) SetFault(faults ...Fault) {
	s.tb.Helper()
	if err := s.Sim.SetFault(faults...); err != nil {
		s.tb.Errorf("setting the fault: %v", err)
	}
}

// WaitRunning waits until exactly n requests are running and each has met its
// fault or found none, so that a switch after it affects none of them. It
// fails the test after 10 s.
func (s *Server) WaitRunning(n int) {
	s.tb.Helper()
	s.Wait("the number of running requests", func() bool {
		running, ok := s.log.settled()
		return ok && running == n
	})
}

// WaitCount waits until at least n requests have come, at most 10 s.
func (s *Server) WaitCount(n int) {
	s.tb.Helper()
	s.Wait("the number of requests", func() bool { return s.Count() >= n })
}

// Wait waits until cond holds, at most 10 s, and fails the test otherwise. See
// Sim.WaitFor for when cond is asked.
func (s *Server) Wait(what string, cond func() bool) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), waitTimeout)
	defer cancel()
	if err := s.WaitFor(ctx, cond); err != nil {
		s.tb.Errorf("waiting for %s: %v; %d came, %d running", what, err, s.Count(), s.Running())
	}
}

// Client returns an HTTP client that trusts the server's CA, speaks HTTP/2 if
// the server does, and follows no redirects. Its connections are closed when
// the test ends.
func (s *Server) Client() *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(true)
	if s.roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}
		transport.Protocols.SetHTTP2(s.options.HTTP2)
	}
	s.tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
