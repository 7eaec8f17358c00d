package gateway

import (
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Options are what a gateway is made with. The zero value serves.
type Options struct {
	// Logger defaults to slog.Default().
	Logger *slog.Logger
	// DefaultNamespace is the namespace whose routes are served under plain /v1.
	DefaultNamespace string
	// MaxBodyBytes bounds one request body; default 32 MiB.
	MaxBodyBytes int64
	// BodyTimeout bounds how long a request body may take to arrive; default 1 min.
	BodyTimeout time.Duration
	// MaxBufferedBytes bounds what the process holds of bodies and answers;
	// default 512 MiB.
	MaxBufferedBytes int64
	// AllowBackendCIDRs are exceptions from the addresses that a backend may not
	// have: loopback, link-local, multicast and unspecified.
	AllowBackendCIDRs []netip.Prefix
	// OnTransition is told each transition of each circuit, in order for each
	// circuit, from a goroutine of its own; it may be nil.
	OnTransition func(Transition)
	// CircuitsOff stops all enforcement, in an emergency: every circuit decides
	// and reports, as in mode Observe, and refuses nothing.
	CircuitsOff bool
	// OnRefusal is told each call that a circuit or its bulkhead did not let
	// through, on the request's way and from many goroutines: it must not block.
	// It may be nil.
	OnRefusal func(Refusal)
	// Tracer makes a span of each request and each attempt; nil: there are none.
	Tracer trace.Tracer
	// AccessLog is how many lines a second, of level info, tell of requests that
	// were answered well, and how many of others; AccessLogAll: of all, 0: of none.
	AccessLog int
	// Rand gives numbers in [0,1), for weights and jitter; default math/rand/v2.
	// It is called from many goroutines.
	Rand func() float64
}

// The defaults of Options.
const (
	DefaultMaxBodyBytes     = 32 << 20
	DefaultMaxBufferedBytes = 512 << 20
	DefaultBodyTimeout      = time.Minute
)

// Gateway is the data plane: an http.Handler that serves the snapshot it was
// last given.
type Gateway struct {
	options    Options
	log        *slog.Logger
	base       time.Time // of the circuits' clock
	baseWall   time.Time // the same without its monotonic reading
	budget     budget
	inFlight   atomic.Int64 // requests
	transports *transports
	metrics    *metrics
	settler    *settler
	accessLog  *accessLog // nil: there is none
	live       atomic.Pointer[live]
	// clientStall and pulseEvery are constant but in tests.
	clientStall, pulseEvery time.Duration

	apply sync.Mutex // held while a snapshot is made ready
}

// New returns a gateway without routes. Close it after use.
func New(o Options) *Gateway {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxBodyBytes <= 0 {
		o.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if o.MaxBufferedBytes <= 0 {
		o.MaxBufferedBytes = DefaultMaxBufferedBytes
	}
	if o.BodyTimeout <= 0 {
		o.BodyTimeout = DefaultBodyTimeout
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	base := time.Now()
	g := &Gateway{
		options:    o,
		log:        o.Logger,
		base:       base,
		baseWall:   base.Round(0),
		budget:     budget{limit: o.MaxBufferedBytes},
		transports: newTransports(dialGuard{allow: o.AllowBackendCIDRs}),
		metrics:    newMetrics(),
		accessLog:  newAccessLog(o.Logger, o.AccessLog),

		clientStall: defaultClientStall,
		pulseEvery:  defaultPulseEvery,
	}
	g.settler = newSettler(g.now)
	g.live.Store(&live{snapshot: &Snapshot{}})
	return g
}

// now is the circuits' clock.
func (g *Gateway) now() time.Duration { return time.Since(g.base) }

// wall translates an instant of the circuits' clock.
func (g *Gateway) wall(at time.Duration) time.Time { return g.baseWall.Add(at) }

// Apply makes a snapshot live. Requests that are under way keep the one they
// began with. Circuits go on by their key: with the state, the counts and the
// queue they have, under the new settings.
func (g *Gateway) Apply(s *Snapshot) {
	g.apply.Lock()
	defer g.apply.Unlock()
	old := g.live.Load()
	next := g.build(s, old, g.now())
	g.live.Store(next)
	for key, c := range old.circuits {
		if next.circuits[key] == nil {
			g.settler.forget(c)
		}
	}
	g.metrics.retain(next)
}

// Reset closes and zeroes every circuit of a policy.
func (g *Gateway) Reset(policyID string) {
	now := g.now()
	for _, c := range g.live.Load().policies[policyID] {
		c.Reset(now)
	}
}

// CircuitsOff reports whether all enforcement is stopped.
func (g *Gateway) CircuitsOff() bool { return g.options.CircuitsOff }

// ResetAll closes and zeroes every circuit, those of the built-in policy too.
func (g *Gateway) ResetAll() {
	now := g.now()
	for _, c := range g.live.Load().circuits {
		c.Reset(now)
	}
}

// DumpConfig returns the live configuration as JSON. Credentials are left out.
func (g *Gateway) DumpConfig() ([]byte, error) {
	return json.MarshalIndent(g.live.Load().snapshot, "", "  ")
}

// Close stops the gateway's own goroutine and closes idle connections. Call it
// when the listener has drained.
func (g *Gateway) Close() {
	g.settler.stop()
	g.transports.retain(nil)
}
