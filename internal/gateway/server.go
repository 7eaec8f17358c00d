package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// ServerOptions are where and how a gateway listens.
type ServerOptions struct {
	// Listen is a TCP address, such as ":8080".
	Listen string
	// TLSCertFile and TLSKeyFile hold a PEM certificate chain and its key. Both
	// or neither; without them the listener speaks plain HTTP. Changed files are
	// taken up by the next handshakes.
	TLSCertFile, TLSKeyFile string
	// ReadHeaderTimeout bounds a request's headers; default 10 s.
	ReadHeaderTimeout time.Duration
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

const (
	defaultReadHeaderTimeout = 10 * time.Second
	// clientIdleTimeout is longer than load balancers keep a connection, so that
	// it is not the gateway that closes one while a request is on its way.
	clientIdleTimeout = 10 * time.Minute
	maxRequestHeader  = 128 << 10
)

// Server is a gateway's listener.
type Server struct {
	server   *http.Server
	address  string
	listener net.Listener
	conns    *connections
	leaving  atomic.Bool
	closed   atomic.Bool // the listener, by Shutdown
}

// NewServer returns a server that does not listen yet. It fails on a
// certificate that cannot be read.
func NewServer(g *Gateway, o ServerOptions) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.ReadHeaderTimeout <= 0 {
		o.ReadHeaderTimeout = defaultReadHeaderTimeout
	}
	s := &Server{
		address: o.Listen,
		conns:   newConnections(),
		server: &http.Server{
			ReadHeaderTimeout: o.ReadHeaderTimeout,
			IdleTimeout:       clientIdleTimeout,
			MaxHeaderBytes:    maxRequestHeader,
			ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		},
	}
	s.server.ConnState = s.conns.track
	s.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.leaving.Load() {
			w.Header()["Connection"] = []string{"close"}
		}
		g.ServeHTTP(w, r)
	})
	if o.TLSCertFile == "" && o.TLSKeyFile == "" {
		return s, nil
	}
	files, err := newCertificateFiles(o.TLSCertFile, o.TLSKeyFile, o.Logger)
	if err != nil {
		return nil, err
	}
	s.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get}
	return s, nil
}

// Listen binds the address.
func (s *Server) Listen() error {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("listening for clients: %w", err)
	}
	s.listener = l
	return nil
}

// Addr is the address that Listen has bound.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve serves until the context ends or Shutdown is called. It does not drain:
// that is Shutdown's.
func (s *Server) Serve(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() {
		if s.server.TLSConfig != nil {
			ended <- s.server.ServeTLS(s.listener, "", "")
			return
		}
		ended <- s.server.Serve(s.listener)
	}()
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		if errors.Is(err, http.ErrServerClosed) || s.closed.Load() {
			return nil
		}
		return fmt.Errorf("serving clients: %w", err)
	}
}

// Leave has clients go elsewhere with their next request: from now on each
// connection ends with the answer on it. Requests and new connections are served
// as before.
func (s *Server) Leave() { s.leaving.Store(true) }

// Shutdown closes the listener and waits for the requests and streams that run,
// and for those that are on their way on connections that are open. When the
// context ends first, it cuts them and returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Leave()
	s.closed.Store(true)
	_ = s.listener.Close() // an error here is one of Serve's too
	s.conns.wait(ctx)
	err := s.server.Shutdown(ctx)
	if err == nil {
		return nil
	}
	_ = s.server.Close() // what is left is cut on purpose
	return fmt.Errorf("waiting for running requests: %w", err)
}
