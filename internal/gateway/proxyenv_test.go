package gateway_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// proxies sets the environment that names proxies, and unsets the rest of it.
// Such tests cannot be parallel.
func proxies(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		t.Setenv(name, env[name])
		t.Setenv(strings.ToLower(name), "")
	}
}

// forwardProxy is an HTTP proxy that connects whatever it is asked for to one
// address, and notes what it was asked.
type forwardProxy struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // guarded by mu: method, host, credentials
}

func newForwardProxy(t *testing.T, to string, refuse bool) *forwardProxy {
	t.Helper()
	p := &forwardProxy{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, strings.TrimSpace(r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization")))
		p.mu.Unlock()
		switch {
		case refuse:
			http.Error(w, "forbidden", http.StatusForbidden)
		case r.Method == http.MethodConnect:
			tunnel(t, w, to)
		default:
			relayPlainly(t, w, r, to)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// tunnel connects the client with the address until either side closes.
func tunnel(t *testing.T, w http.ResponseWriter, to string) {
	up, err := net.Dial("tcp", to)
	if err != nil {
		t.Error(err)
		return
	}
	defer up.Close()
	down, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer down.Close()
	_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n") // the copies below find out
	go func() {
		defer up.Close()
		_, _ = io.Copy(up, buffered)
	}()
	_, _ = io.Copy(down, up)
}

func relayPlainly(t *testing.T, w http.ResponseWriter, r *http.Request, to string) {
	out := r.Clone(r.Context())
	out.URL.Host, out.RequestURI = to, ""
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the gateway has a test of its own for cuts
}

func (p *forwardProxy) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := cmp.Diff(want, p.asked); d != "" {
		t.Errorf("what the proxy was asked for: %s", d)
	}
}

// noExceptions forbids all that a backend may not be.
func noExceptions(o *gateway.Options) { o.AllowBackendCIDRs = nil }

// TestProxies: the process's environment says by which proxy providers are
// reached. The guard knows that the proxy itself was named by no route.
func TestProxies(t *testing.T) {
	const name = "provider.test" // the proxy alone knows it
	secure := providersim.Start(t, providersim.Options{HTTP2: true, ServerNames: []string{name}})
	plain := providersim.Start(t, providersim.Options{})
	for _, tc := range []struct {
		name  string
		env   func(proxy string) map[string]string
		url   string
		sim   *providersim.Server
		asked string // of the proxy; empty: nothing, and nobody else knows the provider
	}{
		{"HTTPS", func(p string) map[string]string { return map[string]string{"HTTPS_PROXY": p} },
			"https://provider.test:8443", secure, "CONNECT provider.test:8443"},
		{"HTTPS, with a password", func(p string) map[string]string {
			return map[string]string{"HTTPS_PROXY": strings.Replace(p, "http://", "http://user:pass@", 1)}
		}, "https://provider.test", secure, "CONNECT provider.test:443 Basic dXNlcjpwYXNz"},
		{"HTTP", func(p string) map[string]string { return map[string]string{"HTTP_PROXY": p} },
			"http://provider.test:8080", plain, "POST provider.test:8080"},
		{"HTTP alone is named", func(p string) map[string]string { return map[string]string{"HTTP_PROXY": p} }, "https://provider.onion", secure, ""},
		{"an exception", func(p string) map[string]string {
			return map[string]string{"HTTPS_PROXY": p, "NO_PROXY": "elsewhere.test,.onion"}
		}, "https://provider.onion", secure, ""},
		{"an address", func(p string) map[string]string { return map[string]string{"HTTP_PROXY": p} },
			"http://192.0.2.1:8080", plain, "POST 192.0.2.1:8080"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.sim.ClearRequests()
			proxy := newForwardProxy(t, tc.sim.Addr, false)
			proxies(t, tc.env(proxy.URL))
			r := newRig(t, noExceptions, doorRoutes(t, tc.url, newPolicy(t), func(b *gateway.Backend) {
				b.TLS.CA = string(tc.sim.CAPEM)
			})...)
			got := r.post(chatDoor)
			if tc.asked == "" {
				got.wantOwn(t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
				proxy.wantAsked(t)
				return
			}
			if got.status != http.StatusOK || tc.sim.Count() != 1 {
				t.Errorf("status %d of %d requests: %s", got.status, tc.sim.Count(), got.body)
			}
			proxy.wantAsked(t, tc.asked)
		})
	}
}

// TestWhatIsNotForAProxy: it would reach addresses that the guard forbids.
func TestWhatIsNotForAProxy(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "0.0.0.0", "[::]", "224.0.0.1", "[::ffff:169.254.169.254]", "[::ffff:0.0.0.0]"} {
		t.Run(host, func(t *testing.T) {
			sim := providersim.Start(t, providersim.Options{})
			proxy := newForwardProxy(t, sim.Addr, false)
			proxies(t, map[string]string{"HTTP_PROXY": proxy.URL, "HTTPS_PROXY": proxy.URL})
			for _, scheme := range []string{"http://", "https://"} {
				r := newRig(t, noExceptions, doorRoutes(t, scheme+host, newPolicy(t))...)
				got := r.post(chatDoor)
				got.wantOwn(t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
				if !strings.Contains(got.body, "is not allowed for a backend") {
					t.Errorf("the client is told %s", got.body)
				}
				r.wantEnd("ConnectionError", "Failure")
			}
			proxy.wantAsked(t)

			r := newRig(t, func(o *gateway.Options) {
				o.AllowBackendCIDRs = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
			}, doorRoutes(t, "http://"+host, newPolicy(t))...)
			if got := r.post(chatDoor); got.status != http.StatusOK {
				t.Errorf("as an exception: status %d: %s", got.status, got.body)
			}
		})
	}
}

// TestAProxyIsNoBackend: it is dialled as a proxy alone, whatever a route names.
func TestAProxyIsNoBackend(t *testing.T) {
	proxy := newForwardProxy(t, "", true)
	for _, tc := range []struct {
		name string
		env  map[string]string
		url  string
	}{
		{"by its address", map[string]string{"HTTPS_PROXY": proxy.URL, "HTTP_PROXY": proxy.URL}, proxy.URL},
		{"by another scheme's proxy", map[string]string{"HTTPS_PROXY": proxy.URL}, proxy.URL},
		{"by an exception", map[string]string{"HTTP_PROXY": proxy.URL, "NO_PROXY": "*"}, proxy.URL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			proxies(t, tc.env)
			r := newRig(t, noExceptions, doorRoutes(t, tc.url, newPolicy(t))...)
			got := r.post(chatDoor)
			got.wantOwn(t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
			if !strings.Contains(got.body, "is not allowed for a backend") {
				t.Errorf("the client is told %s", got.body)
			}
			proxy.wantAsked(t)
		})
	}
}

// TestAProxyThatRefuses is a provider that cannot be reached.
func TestAProxyThatRefuses(t *testing.T) {
	proxy := newForwardProxy(t, "", true)
	proxies(t, map[string]string{"HTTPS_PROXY": proxy.URL})
	r := newRig(t, noExceptions, doorRoutes(t, "https://provider.test", newPolicy(t))...)
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
	r.wantEnd("ConnectionError", "Failure")
}
