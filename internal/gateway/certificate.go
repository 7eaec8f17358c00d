package gateway

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often, at most, a handshake looks for changed files.
const certificateCheck = time.Second

// certificateFiles serve a certificate from files that may be replaced while
// the process runs, as a mounted Secret is.
type certificateFiles struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate // guarded by mu, as all below
	version [2]fileVersion   // of the files that current was read from
	failed  [2]fileVersion   // of files that could not be used, told once
	checked time.Time
}

// fileVersion tells whether a file was replaced or written to.
type fileVersion struct {
	modified time.Time
	size     int64
}

func newCertificateFiles(certFile, keyFile string, log *slog.Logger) (*certificateFiles, error) {
	if certFile == "" || keyFile == "" {
		return nil, fmt.Errorf("TLS takes a certificate file and a key file: only one is given")
	}
	f := &certificateFiles{certFile: certFile, keyFile: keyFile, log: log}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.load(f.look()); err != nil {
		return nil, err
	}
	return f, nil
}

// get is a tls.Config's GetCertificate. While changed files are unusable, such
// as halfway through a change, the certificate that was goes on serving.
func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.checked) < certificateCheck {
		return f.current, nil
	}
	f.checked = now
	found := f.look()
	if found == f.version || found == f.failed {
		return f.current, nil
	}
	if err := f.load(found); err != nil {
		f.failed = found
		f.log.Error("Changed TLS certificate is not usable, serving the previous one", "error", err)
		return f.current, nil
	}
	f.log.Info("Loaded a changed TLS certificate", "file", f.certFile)
	return f.current, nil
}

func (f *certificateFiles) look() (v [2]fileVersion) {
	for i, name := range []string{f.certFile, f.keyFile} {
		if info, err := os.Stat(name); err == nil {
			v[i] = fileVersion{info.ModTime(), info.Size()}
		}
	}
	return v
}

func (f *certificateFiles) load(v [2]fileVersion) error {
	c, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
	if err != nil {
		return fmt.Errorf("loading the TLS certificate: %w", err)
	}
	f.current, f.version = &c, v
	return nil
}
