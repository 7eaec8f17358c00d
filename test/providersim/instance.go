package providersim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Instance is a Sim that listens.
type Instance struct {
	*Sim
	// URL is such as http://127.0.0.1:34567, without a path: OpenAI's base URL
	// is URL+"/v1", Anthropic's is URL.
	URL string
	// Addr is the listener's address. Listening on it again after Close plays a
	// provider that was gone for a while.
	Addr string
	// CAPEM is the certificate of the CA that signed the server's; empty
	// without TLS.
	CAPEM []byte

	server *http.Server
	served chan struct{}
	roots  *x509.CertPool
}

// Listen starts a simulated provider on an address such as 127.0.0.1:0. The
// caller closes it; tests use Start.
func Listen(addr string, o Options) (*Instance, error) {
	sim := New(o)
	in := &Instance{Sim: sim, served: make(chan struct{}), server: &http.Server{
		Handler:           sim,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}}
	scheme := "http"
	if sim.options.TLS {
		scheme = "https"
		if err := in.certify(sim.options); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	in.Addr = listener.Addr().String()
	in.URL = scheme + "://" + in.Addr
	go func() {
		defer close(in.served)
		// Serve always ends with an error, http.ErrServerClosed after Close.
		if sim.options.TLS {
			_ = in.server.ServeTLS(listener, "", "")
			return
		}
		_ = in.server.Serve(listener)
	}()
	return in, nil
}

func (in *Instance) certify(o Options) error {
	ca, leaf, err := certificates(o.ServerNames)
	if err != nil {
		return fmt.Errorf("making a certificate: %w", err)
	}
	in.CAPEM = ca
	in.roots = x509.NewCertPool()
	in.roots.AppendCertsFromPEM(ca)
	in.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS12}
	in.server.Protocols = new(http.Protocols)
	in.server.Protocols.SetHTTP1(true)
	in.server.Protocols.SetHTTP2(o.HTTP2)
	return nil
}

// closeTimeout is how long Close waits for the last request to notice.
const closeTimeout = 10 * time.Second

// Close ends every request and connection and the listener. It returns when no
// request is running any more.
func (in *Instance) Close() error {
	in.Sim.Close()
	err := in.server.Close()
	<-in.served
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	idle := in.WaitFor(ctx, func() bool { return in.Running() == 0 })
	if idle != nil {
		idle = fmt.Errorf("waiting for running requests: %w", idle)
	}
	return errors.Join(err, idle)
}
