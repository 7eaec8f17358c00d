package standalone

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/gateway"
)

// fakeGateway remembers what it was given.
type fakeGateway struct {
	mu sync.Mutex
	// Guarded by mu.
	applied []*gateway.Snapshot
	resets  []string
}

func (g *fakeGateway) Apply(s *gateway.Snapshot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.applied = append(g.applied, s)
}

func (g *fakeGateway) Reset(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resets = append(g.resets, id)
}

// count is how many snapshots were applied.
func (g *fakeGateway) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.applied)
}

// live is the last snapshot that was applied.
func (g *fakeGateway) live() *gateway.Snapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.applied[len(g.applied)-1]
}

// route returns a live route; nil: there is none.
func (g *fakeGateway) route(name string) *gateway.Route {
	for _, r := range g.live().Routes {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// model is the one model of a live route; empty: there is no such route.
func (g *fakeGateway) model(name string) string {
	if r := g.route(name); r != nil {
		return r.Matches[0].Pattern
	}
	return ""
}

// policyID is the identity of a live policy's circuits; empty: there is none.
func (g *fakeGateway) policyID(name string) string {
	for _, p := range g.live().Policies {
		if p.Name == name {
			return p.ID
		}
	}
	return ""
}

// rig is a source of the files in the test's own working directory.
type rig struct {
	*Source
	t       *testing.T
	gateway *fakeGateway
	log     *bytes.Buffer
}

// start starts a source, which has to find the files good.
func start(t *testing.T, files map[string]string, paths ...string) *rig {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, files)
	if paths == nil {
		paths = []string{"."}
	}
	return startHere(t, paths...)
}

// startHere starts a source of what is there.
func startHere(t *testing.T, paths ...string) *rig {
	t.Helper()
	r := &rig{t: t, gateway: &fakeGateway{}, log: &bytes.Buffer{}}
	var err error
	r.Source, err = New(Options{
		Paths: paths, LookupEnv: environment, Gateway: r.gateway, Metrics: configmetrics.New(),
		Logger: slog.New(slog.NewTextHandler(r.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if report := r.Start(t.Context()); r.Current() == nil {
		t.Fatalf("the files are not good: %q", texts(report.Problems))
	}
	r.log.Reset()
	return r
}

// edit writes files, or removes those without a text, and reads all again. It
// returns what was logged.
func (r *rig) edit(files map[string]string) string {
	r.t.Helper()
	for name, text := range files {
		if text != "" {
			write(r.t, map[string]string{name: text})
		} else if err := os.Remove(name); err != nil {
			r.t.Fatal(err)
		}
	}
	r.log.Reset()
	r.reload(r.t.Context())
	return r.log.String()
}

// wantLogged checks that the log has each of the parts.
func (r *rig) wantLogged(log string, parts ...string) {
	r.t.Helper()
	for _, part := range parts {
		if !strings.Contains(log, part) {
			r.t.Errorf("the log does not say %q:\n%s", part, log)
		}
	}
}
