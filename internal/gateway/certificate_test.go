package gateway_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// mountedSecret is a folder that is replaced as a whole, as a kubelet does with
// a Secret: the files are links through ..data, and that is renamed over.
type mountedSecret struct {
	t    *testing.T
	dir  string
	next int
}

func newMountedSecret(t *testing.T) *mountedSecret {
	t.Helper()
	m := &mountedSecret{t: t, dir: t.TempDir()}
	for _, file := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", file), filepath.Join(m.dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *mountedSecret) replace(k keyPair) {
	m.t.Helper()
	m.next++
	version := "..v" + string(rune('0'+m.next))
	full := filepath.Join(m.dir, version)
	err := os.Mkdir(full, 0o700)
	for file, data := range map[string][]byte{"tls.crt": k.cert, "tls.key": k.key} {
		if err == nil {
			err = os.WriteFile(filepath.Join(full, file), data, 0o600)
		}
	}
	if err == nil {
		err = os.Symlink(version, filepath.Join(m.dir, "..next"))
	}
	if err == nil {
		err = os.Rename(filepath.Join(m.dir, "..next"), filepath.Join(m.dir, "..data"))
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// journal is a log that a test reads while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

// Write is io.Writer's.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

// TestTheListenersCertificate follows its files: a new one serves the next
// handshakes, a broken one is told of once and leaves the old one serving.
func TestTheListenersCertificate(t *testing.T) {
	t.Parallel()
	const name = "gateway.test"
	day := time.Now().Add(24 * time.Hour)
	first, second, third := newKeyPair(t, name, day), newKeyPair(t, name, day), newKeyPair(t, name, day)
	files, log := newMountedSecret(t), &journal{}
	files.replace(first)
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	s, _ := r.startServer(t.Context(), gateway.ServerOptions{
		TLSCertFile: filepath.Join(files.dir, "tls.crt"), TLSKeyFile: filepath.Join(files.dir, "tls.key"),
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	serves := func(k keyPair) bool {
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: pool(k), ServerName: name, MinVersion: tls.VersionTLS12})
		if err != nil {
			return false
		}
		defer conn.Close()
		der, _ := pem.Decode(k.cert)
		return bytes.Equal(conn.ConnectionState().PeerCertificates[0].Raw, der.Bytes)
	}
	if !serves(first) {
		t.Fatal("the certificate is not served")
	}
	r.checkTLSCalls(s, first, name)

	files.replace(second)
	r.eventually("the new certificate", func() bool { return serves(second) })

	const unusable = "Changed TLS certificate is not usable, serving the previous one"
	files.replace(keyPair{cert: third.cert, key: second.key})
	var told time.Time
	r.eventually("a second look at the broken files", func() bool {
		if !serves(second) {
			t.Error("broken files took the certificate away")
		}
		if told.IsZero() && log.count(unusable) > 0 {
			told = time.Now()
		}
		return !told.IsZero() && time.Since(told) > 1200*time.Millisecond // they are looked at every second
	})

	files.replace(third)
	r.eventually("the certificate after that", func() bool { return serves(third) })
	if n := log.count(unusable); n != 1 {
		t.Errorf("the broken files were told of %d times", n)
	}
}

func pool(k keyPair) *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(k.cert)
	return p
}

// checkTLSCalls checks that clients are served over TLS in HTTP/1.1 and HTTP/2,
// and none in plain text.
func (r *streamRig) checkTLSCalls(s *gateway.Server, k keyPair, name string) {
	r.t.Helper()
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool(k), ServerName: name, MinVersion: tls.VersionTLS12},
			Protocols:       new(http.Protocols),
		}
		transport.Protocols.SetHTTP1(proto == "HTTP/1.1")
		transport.Protocols.SetHTTP2(proto == "HTTP/2.0")
		client := &http.Client{Transport: transport}
		resp, err := client.Post("https://"+s.Addr().String()+chatDoor.path, "application/json", strings.NewReader(chatDoor.body))
		if err != nil {
			r.t.Errorf("%s: %v", proto, err)
			continue
		}
		resp.Body.Close()
		transport.CloseIdleConnections()
		if resp.StatusCode != http.StatusOK || resp.Proto != proto {
			r.t.Errorf("%s: status %d in %s", proto, resp.StatusCode, resp.Proto)
		}
	}
	if got := r.send(http.MethodPost, chatDoor.path, chatDoor.body); got.status != http.StatusBadRequest {
		r.t.Errorf("plain text: status %d: %s", got.status, got.body)
	}
}
