package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/net/http/httpproxy"
)

const (
	// dialLimit ends a dial that nobody waits for any more; the limit that
	// callers meet is the policy's connect timeout.
	dialLimit = time.Minute
	// idlePerHost is how many idle connections are kept to one provider. The
	// standard library's default of 2 would dial for nearly every request.
	idlePerHost = 512
	idleTimeout = 90 * time.Second
	// maxResponseHeader bounds what a provider can make the gateway hold before
	// its status line is complete.
	maxResponseHeader = 256 << 10
	// pingAfter and pingTimeout find HTTP/2 connections that have died silently.
	pingAfter   = 15 * time.Second
	pingTimeout = 10 * time.Second
)

// transports keeps one connection pool for each way of checking certificates,
// across snapshots.
type transports struct {
	guard dialGuard
	proxy func(*url.URL) (*url.URL, error)
	// proxyHosts are dialled whatever the guard says: the process's environment
	// names them, not a route's author.
	proxyHosts map[string]bool

	mu    sync.Mutex
	pools map[TLS]*http.Transport // guarded by mu
}

func newTransports(guard dialGuard) *transports {
	env := httpproxy.FromEnvironment()
	t := &transports{
		guard:      guard,
		proxy:      env.ProxyFunc(),
		proxyHosts: map[string]bool{},
		pools:      map[TLS]*http.Transport{},
	}
	for _, raw := range []string{env.HTTPProxy, env.HTTPSProxy} {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			t.proxyHosts[hostPort(u)] = true
		}
	}
	return t
}

// get returns the pool for a backend's TLS settings.
func (t *transports) get(settings TLS) *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.pools[settings]; p != nil {
		return p
	}
	p := t.make(settings)
	t.pools[settings] = p
	return p
}

// retain drops the pools that are in use no more. Their running requests finish.
func (t *transports) retain(inUse map[TLS]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for settings, p := range t.pools {
		if !inUse[settings] {
			p.CloseIdleConnections()
			delete(t.pools, settings)
		}
	}
}

func (t *transports) make(settings TLS) *http.Transport {
	config := &tls.Config{ServerName: settings.ServerName, MinVersion: tls.VersionTLS12}
	if settings.CA != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(settings.CA)) // compile has seen that it parses
	}
	return &http.Transport{
		Proxy:                  t.proxyFor,
		DialContext:            t.dial,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    dialLimit,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		ReadBufferSize:         16 << 10,
		WriteBufferSize:        16 << 10,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
}

func (t *transports) proxyFor(r *http.Request) (*url.URL, error) {
	p, err := t.proxy(r.URL)
	if p == nil || err != nil {
		return nil, err
	}
	// Behind a proxy the guard never sees the provider's address when dialling.
	if err := t.guard.checkHost(r.URL.Hostname()); err != nil {
		return nil, err
	}
	return p, nil
}

func (t *transports) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := t.guard.dialer()
	if t.proxyHosts[address] {
		d.ControlContext = nil
	}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return &providerConn{Conn: conn}, nil
}

// hostPort returns the address that a URL is dialled at.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
