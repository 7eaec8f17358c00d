package standalone

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync/atomic"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/gateway"
)

// Gateway is what a source drives.
type Gateway interface {
	Apply(*gateway.Snapshot)
	Reset(policyID string)
}

// Options are what a source is made with.
type Options struct {
	// Paths are YAML or JSON files, and folders of them.
	Paths []string
	// DefaultNamespace is that of objects that name none; default "default".
	DefaultNamespace string
	Compile          compile.Options
	// LookupEnv finds what ${NAME} in a Secret stands for; default os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Gateway gets the configurations; Check alone does without.
	Gateway Gateway
	// Metrics tell of the configurations; Check alone does without.
	Metrics *configmetrics.Metrics
	// Logger defaults to slog.Default().
	Logger *slog.Logger
	// OnApply is told of each configuration that was applied; it may be nil.
	OnApply func()
}

// Source makes configurations of files. Its methods are for one goroutine, but
// for Current.
type Source struct {
	options Options
	log     *slog.Logger
	reader  *reader
	files   map[string]*file
	ledger  ledger
	resets  map[string]string // the request to reset last seen, by policy
	last    *compile.LastGood
	// unreadable and reported are what was wrong last: with finding the files,
	// and with everything.
	unreadable, reported []Problem
	current              atomic.Pointer[Configuration]
}

// file is one file as it was read last, and as it was last good.
type file struct {
	raw    []byte
	latest *version // nil: it cannot be read
	good   *version // what is live of it; nil: nothing
}

// Configuration is what is live, and what it was made of. It is immutable.
type Configuration struct {
	Policies []*v1alpha1.CircuitPolicy
	Routes   []*v1alpha1.ProviderRoute
	Result   *compile.Result
}

// New returns a source that has read nothing yet.
func New(o Options) (*Source, error) {
	o.DefaultNamespace = cmp.Or(o.DefaultNamespace, "default")
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	r, err := newReader(&o)
	if err != nil {
		return nil, err
	}
	return &Source{
		options: o, log: o.Logger, reader: r, files: map[string]*file{}, resets: map[string]string{},
	}, nil
}

// Current returns what is live; nil before Start has succeeded.
func (s *Source) Current() *Configuration { return s.current.Load() }

// change is what reading the files anew has shown.
type change struct {
	any     bool // anything at all
	removed bool // a file is no more
	// unreadable is what ought to be there and cannot be read.
	unreadable []Problem
}

// refresh reads the files anew.
func (s *Source) refresh(ctx context.Context) change {
	found := find(s.options.Paths)
	c := change{unreadable: found.unreadable}
	for path, raw := range found.texts {
		f := s.files[path]
		if f == nil {
			f = &file{}
			s.files[path] = f
		}
		if f.latest == nil || !bytes.Equal(f.raw, raw) {
			f.raw, f.latest = raw, s.reader.read(ctx, path, raw)
			c.any = true
		}
	}
	for path, f := range s.files {
		_, here := found.texts[path]
		switch {
		case here:
		case found.covers(path):
			c.any = c.any || f.latest != nil
			f.latest = nil
		default:
			delete(s.files, path)
			c.any, c.removed = true, true
		}
	}
	return c
}

// names returns the names of the files, in the order in which they count.
func (s *Source) names() []string { return slices.Sorted(maps.Keys(s.files)) }

// apply makes an assembly live.
func (s *Source) apply(a *assembly, in compile.Input, r *compile.Result) {
	s.options.Gateway.Apply(r.Snapshot)
	s.ledger.apply(a)
	s.last = r.LastGood
	s.current.Store(&Configuration{in.Policies, in.Routes, r})
	s.options.Metrics.CountRejected(r)

	resets := make(map[string]string, len(in.Policies))
	for _, p := range in.Policies {
		id, asked := string(p.UID), p.Annotations[v1alpha1.ResetAnnotation]
		if done, seen := s.resets[id]; seen && asked != "" && asked != done {
			s.options.Gateway.Reset(id)
			s.log.Info("Reset circuits", "namespace", p.Namespace, "policy", p.Name, "request", asked)
		}
		resets[id] = asked
	}
	s.resets = resets
	if s.options.OnApply != nil {
		s.options.OnApply()
	}
	s.log.Info("Applied a configuration", "version", r.Snapshot.Version,
		"files", len(s.files), "policies", len(in.Policies), "routes", len(in.Routes), "secrets", len(in.Secrets))
}
