package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// keyPair is a certificate that signs itself, with its key, in PEM.
type keyPair struct{ cert, key []byte }

// newKeyPair makes one for 127.0.0.1 and a name.
func newKeyPair(t *testing.T, name string, expires time.Time) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: expires.Add(-48 * time.Hour), NotAfter: expires,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}

// serve starts a provider with this certificate.
func (k keyPair) serve(t *testing.T) string {
	t.Helper()
	pair, err := tls.X509KeyPair(k.cert, k.key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(providersim.New(providersim.Options{}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// TestCertificates: a provider's certificate is checked against the CA and the
// name that the backend has; without a CA, against the system's.
func TestCertificates(t *testing.T) {
	t.Parallel()
	const name = "provider.test"
	day := 24 * time.Hour
	good, other := newKeyPair(t, name, time.Now().Add(day)), newKeyPair(t, name, time.Now().Add(day))
	expired := newKeyPair(t, name, time.Now().Add(-time.Hour))
	notYet := newKeyPair(t, name, time.Now().Add(3*day))
	for _, tc := range []struct {
		name  string
		serve keyPair
		tls   gateway.TLS
		ok    bool
	}{
		{"of a private CA", good, gateway.TLS{CA: string(good.cert)}, true},
		{"of a private CA, under another name", good, gateway.TLS{CA: string(good.cert), ServerName: name}, true},
		{"of one CA of several", good, gateway.TLS{CA: string(other.cert) + string(good.cert)}, true},
		{"under a name that it does not have", good, gateway.TLS{CA: string(good.cert), ServerName: "other.test"}, false},
		{"of an unknown CA", good, gateway.TLS{}, false},
		{"of another CA of the same name", good, gateway.TLS{CA: string(other.cert)}, false},
		{"expired", expired, gateway.TLS{CA: string(expired.cert)}, false},
		{"not valid yet", notYet, gateway.TLS{CA: string(notYet.cert)}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil, doorRoutes(t, tc.serve.serve(t), newPolicy(t), func(b *gateway.Backend) { b.TLS = tc.tls })...)
			got := r.post(chatDoor)
			if tc.ok {
				if got.status != http.StatusOK {
					t.Errorf("status %d: %s", got.status, got.body)
				}
				r.wantEnd("Success", "Success")
				return
			}
			got.wantOwn(t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
			r.wantEnd("ConnectionError", "Failure")
		})
	}
}

// TestNobodyIsTrustedForAnother: a connection that one backend's CA vouches for
// is not another's, of the same address and another CA.
func TestNobodyIsTrustedForAnother(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{TLS: true})
	p := newPolicy(t)
	trusting := newBackend(t, gateway.OpenAI, sim.URL+"/v1", p)
	trusting.TLS.CA = string(sim.CAPEM)
	strict := newBackend(t, gateway.Anthropic, sim.URL, p)
	r := newRig(t, nil, newRoute("gpt", trusting), newRoute("claude", strict))
	for range 2 {
		if got := r.post(chatDoor); got.status != http.StatusOK {
			t.Errorf("status %d: %s", got.status, got.body)
		}
		r.post(messagesDoor).wantOwn(t, messagesDoor, http.StatusBadGateway, "upstream_unavailable")
	}
}

// TestTLSToAPlainProvider is a connection error.
func TestTLSToAPlainProvider(t *testing.T) {
	t.Parallel()
	plain := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, "https://"+plain.Addr, newPolicy(t))...)
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
	r.wantEnd("ConnectionError", "Failure")
}

// TestNobodyListens where a backend points to, or has such a name.
func TestNobodyListens(t *testing.T) {
	proxies(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// The port of a client is nobody else's, and takes no calls.
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for name, host := range map[string]string{
		"a closed port": client.LocalAddr().String(),
		// RFC 7686: no resolver asks the network for such a name.
		"a host that does not resolve": "nowhere.onion",
		"a host that is no name":       "nowhere..test",
	} {
		for _, e := range doors {
			t.Run(name+"/"+e.name, func(t *testing.T) {
				r := newRig(t, nil, doorRoutes(t, "http://"+host, newPolicy(t))...)
				got := r.post(e)
				got.wantOwn(t, e, http.StatusBadGateway, "upstream_unavailable")
				got.wantHeaders(t, map[string]string{"X-Switchgear-Backend": "b", "X-Switchgear-Attempts": "1"})
				r.wantEnd("ConnectionError", "Failure")
			})
		}
	}
}

// connections are the provider's requests by the connection that they came on.
func connections(sim *providersim.Server) map[string]int {
	out := map[string]int{}
	for _, seen := range sim.Requests() {
		out[seen.RemoteAddr]++
	}
	return out
}

// TestConnectionsAreUsedAgain after whole answers of any kind, by all routes, and
// across configurations.
func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fault providersim.Fault
	}{
		{"after answers", providersim.Fault{}},
		{"after refusals", providersim.Fault{Status: 400}},
		{"after failures", providersim.Fault{Status: 500}},
		{"after answers that make no sense", providersim.Fault{Kind: providersim.NotJSON}},
		{"after redirects", providersim.Fault{Kind: providersim.Redirect, Location: "/v1/elsewhere"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(tc.fault)
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
			for range 3 {
				for _, e := range doors {
					r.post(e)
				}
				r.apply(doorRoutes(t, sim.URL, newPolicy(t))...)
			}
			if used := connections(sim); len(used) != 1 || sim.Count() != 9 {
				t.Errorf("%d requests came on %d connections", sim.Count(), len(used))
			}
		})
	}
}

// TestABurstKeepsItsConnections for the next one.
func TestABurstKeepsItsConnections(t *testing.T) {
	t.Parallel()
	const burst = 40
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	for range 3 {
		sim.SetFault(providersim.Fault{Kind: providersim.Hold})
		var answers []<-chan reply
		for range burst {
			answers = append(answers, r.begin(t.Context(), chatDoor))
		}
		sim.WaitRunning(burst)
		sim.Heal()
		for _, answer := range answers {
			if got := r.await(answer); got.status != http.StatusOK {
				t.Errorf("status %d (%v): %s", got.status, got.err, got.body)
			}
		}
		r.wantIdle()
	}
	if used := connections(sim); len(used) != burst {
		t.Errorf("%d connections were made for bursts of %d", len(used), burst)
	}
}

// TestHTTP2 is spoken with a provider that speaks it: many calls, one connection.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	const calls = 20
	sim := providersim.Start(t, providersim.Options{HTTP2: true})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t), func(b *gateway.Backend) { b.TLS.CA = string(sim.CAPEM) })...)
	r.post(chatDoor)
	sim.SetFault(providersim.Fault{Kind: providersim.Hold})
	var answers []<-chan reply
	for i := range calls {
		answers = append(answers, r.begin(t.Context(), doors[i%len(doors)]))
	}
	sim.WaitRunning(calls)
	sim.Heal()
	for _, answer := range answers {
		if got := r.await(answer); got.status != http.StatusOK {
			t.Errorf("status %d (%v): %s", got.status, got.err, got.body)
		}
	}
	for _, seen := range sim.Requests() {
		if seen.Proto != "HTTP/2.0" {
			t.Errorf("the provider was asked in %s", seen.Proto)
		}
	}
	if used := connections(sim); len(used) != 1 {
		t.Errorf("%d calls came on %d connections", sim.Count(), len(used))
	}
}
