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

// transports keeps one connection pool for each proxy and each way of checking
// certificates, across snapshots.
type transports struct {
	guard dialGuard
	// proxy finds the proxy by which a provider is reached, as the process's
	// environment says.
	proxy func(*url.URL) (*url.URL, error)

	mu    sync.Mutex
	pools map[poolKey]*http.Transport // guarded by mu
}

// poolKey is what all calls of a pool have in common.
type poolKey struct {
	TLS
	proxy string // empty: none
}

func newTransports(guard dialGuard) *transports {
	return &transports{
		guard: guard,
		proxy: httpproxy.FromEnvironment().ProxyFunc(),
		pools: map[poolKey]*http.Transport{},
	}
}

// get returns the pool for a backend, and its key.
func (t *transports) get(b *Backend) (*http.Transport, poolKey) {
	key := poolKey{TLS: b.TLS}
	// It fails under CGI alone, where a client could name a proxy.
	proxy, err := t.proxy(b.URL)
	if err == nil && proxy != nil {
		key.proxy = proxy.String()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.pools[key]; p != nil {
		return p, key
	}
	p := t.make(b.TLS)
	if key.proxy != "" {
		t.through(p, proxy)
	}
	t.pools[key] = p
	return p, key
}

// retain drops the pools that are in use no more. Their running requests finish.
func (t *transports) retain(inUse map[poolKey]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, p := range t.pools {
		if !inUse[key] {
			p.CloseIdleConnections()
			delete(t.pools, key)
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
		DialContext:            dialWith(t.guard.dialer()),
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

// through has a pool reach providers by a proxy. That is all it dials, and
// whatever the guard says: the process's environment names the proxy, not a
// route's author. The provider's address the guard never sees, unless the URL has
// it.
func (t *transports) through(p *http.Transport, proxy *url.URL) {
	p.DialContext = dialWith(&net.Dialer{Timeout: dialLimit})
	p.Proxy = func(r *http.Request) (*url.URL, error) {
		if err := t.guard.checkHost(r.URL.Hostname()); err != nil {
			return nil, err
		}
		return proxy, nil
	}
}

func dialWith(d *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, fmt.Errorf("connecting: %w", err)
		}
		return &providerConn{Conn: conn}, nil
	}
}
