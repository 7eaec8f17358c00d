package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// metrics are the counters of routes and backends, across snapshots. What is
// known of circuits is read from them when it is asked for.
type metrics struct {
	duration     *prometheus.HistogramVec
	toFirstToken *prometheus.HistogramVec
	perToken     *prometheus.HistogramVec
	rejections   *prometheus.CounterVec
	retries      *prometheus.CounterVec
	fallbacks    *prometheus.CounterVec
	recoveries   *prometheus.CounterVec
	budgetsSpent *prometheus.CounterVec
	conventions  conventions

	mu       sync.Mutex
	backends map[backendID]*backendStats // guarded by mu
}

type backendID struct{ namespace, route, backend string }

// backendStats count what went to one backend or was refused on its behalf.
type backendStats struct {
	id                 backendID
	requests, attempts [numClasses]atomic.Uint64
	tokens             tokenCounts
	unwillingUntil     atomic.Int64 // the backend refuses to be asked for a stream's usage
	limits             rateLimits
	once               sync.Once // for the histograms, so that an idle backend costs no series
	histograms         histograms
	observers          func() histograms

	mu         sync.Mutex
	operations map[operation]*operationSeries // guarded by mu
}

// histograms are those of one backend.
type histograms struct{ duration, toFirstToken, perToken prometheus.Observer }

// tokenCounts count tokens as the provider counts them.
type tokenCounts struct{ input, cached, output atomic.Int64 }

var (
	// attemptBuckets reach from a cached answer to the longest of streams.
	attemptBuckets = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}
	// tokenBuckets reach to the longest of thinking.
	tokenBuckets = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
	// perTokenBuckets are those that OpenTelemetry's conventions have for the time
	// per output token.
	perTokenBuckets = []float64{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5}
)

func newMetrics() *metrics {
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "switchgear_" + name, Help: help, Buckets: buckets},
			[]string{"namespace", "route", "backend"})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "switchgear_" + name, Help: help}, labels)
	}
	return &metrics{
		duration:     histogram("attempt_duration_seconds", "How long calls of a backend took, to the end of the answer.", attemptBuckets),
		toFirstToken: histogram("first_token_seconds", "How long streamed calls of a backend took to their first output.", tokenBuckets),
		perToken:     histogram("output_token_seconds", "How long streamed calls of a backend took for each token of output after the first.", perTokenBuckets),
		rejections:   counter("rejected_requests_total", "Requests that the gateway answered with an error before it chose a backend, by the error's code.", "code"),
		retries:      counter("retries_total", "Calls that were repeated on the same backend, by how the call before had ended.", "namespace", "route", "backend", "class"),
		fallbacks:    counter("fallbacks_total", "Calls of a backend in place of another, by how that one had failed or refused.", "namespace", "route", "from", "to", "class"),
		recoveries:   counter("recovered_streams_total", "Streams that broke off after their first output and were made whole, by the backend that did it and the way.", "namespace", "route", "backend", "recovery"),
		budgetsSpent: counter("retry_budget_exhausted_total", "Repeats that the route's retry budget did not allow.", "namespace", "route"),
		conventions:  newConventions(),
		backends:     map[backendID]*backendStats{},
	}
}

// vectors are what the client library keeps.
func (m *metrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.duration, m.toFirstToken, m.perToken, m.rejections, m.retries, m.fallbacks, m.recoveries, m.budgetsSpent,
		m.conventions.duration, m.conventions.tokens}
}

// repeated counts a call that was repeated after one that had ended so.
func (m *metrics) repeated(r *liveRoute, b *liveBackend, c Class) {
	m.count(b, m.retries, r.Namespace, r.Name, b.Name, c.String())
}

// fellBack counts a call of one backend after another had ended so.
func (m *metrics) fellBack(r *liveRoute, from, to *liveBackend, c Class) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.has(from.stats) && m.has(to.stats) {
		m.fallbacks.WithLabelValues(r.Namespace, r.Name, from.Name, to.Name, c.String()).Inc()
	}
}

// recovered counts a stream that was made whole by a backend.
func (m *metrics) recovered(r *liveRoute, b *liveBackend, how StreamRecovery) {
	m.count(b, m.recoveries, r.Namespace, r.Name, b.Name, how.String())
}

// budgetSpent counts a repeat that was not allowed.
func (m *metrics) budgetSpent(r *liveRoute, b *liveBackend) {
	m.count(b, m.budgetsSpent, r.Namespace, r.Name)
}

// has reports whether counters are still those of a live backend. If that was
// removed while its call ran, nothing may be counted on its behalf: nobody would
// drop the series again. The caller holds mu.
func (m *metrics) has(s *backendStats) bool { return m.backends[s.id] == s }

// count counts on behalf of a backend.
func (m *metrics) count(b *liveBackend, v *prometheus.CounterVec, labels ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.has(b.stats) {
		v.WithLabelValues(labels...).Inc()
	}
}

// rejected counts a request that reached no backend. The code is the gateway's
// own and so one of few.
func (m *metrics) rejected(code string) { m.rejections.WithLabelValues(code).Inc() }

// backend returns the counters of a backend.
func (m *metrics) backend(namespace, route, backend string) *backendStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := backendID{namespace, route, backend}
	s := m.backends[id]
	if s == nil {
		s = &backendStats{id: id}
		s.observers = func() histograms { return m.observers(s) }
		m.backends[id] = s
	}
	return s
}

// observers makes a backend's histograms.
func (m *metrics) observers(s *backendStats) histograms {
	of := func(v *prometheus.HistogramVec) prometheus.Observer {
		return m.observer(s, v, s.id.namespace, s.id.route, s.id.backend)
	}
	return histograms{of(m.duration), of(m.toFirstToken), of(m.perToken)}
}

// observer makes one of a backend's histograms.
func (m *metrics) observer(s *backendStats, v *prometheus.HistogramVec, labels ...string) prometheus.Observer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.has(s) {
		return prometheus.ObserverFunc(func(float64) {})
	}
	return v.WithLabelValues(labels...)
}

// retain drops the series of routes and backends that are live no more.
func (m *metrics) retain(l *live) {
	inUse := map[*backendStats]bool{}
	for _, r := range l.routes {
		for _, b := range r.backends {
			inUse[b.stats] = true
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.backends {
		if inUse[s] {
			continue
		}
		delete(m.backends, id)
		gone := prometheus.Labels{"namespace": id.namespace, "route": id.route}
		if l.routes[objectKey{id.namespace, id.route}] == nil {
			m.budgetsSpent.DeletePartialMatch(gone)
		}
		for _, label := range [...]string{"from", "to"} {
			m.fallbacks.DeletePartialMatch(prometheus.Labels{"namespace": id.namespace, "route": id.route, label: id.backend})
		}
		gone["backend"] = id.backend
		for _, v := range [...]interface{ DeletePartialMatch(prometheus.Labels) int }{m.duration, m.toFirstToken, m.perToken, m.retries, m.recoveries,
			m.conventions.duration, m.conventions.tokens} {
			v.DeletePartialMatch(gone)
		}
	}
}

// finish counts a request by how it ended.
func (s *backendStats) finish(c Class) { s.requests[c].Add(1) }

// refuse counts a call that was refused.
func (s *backendStats) refuse(c Class) { s.attempts[c].Add(1) }

// record counts a call and how long it took.
func (s *backendStats) record(c Class, took time.Duration) {
	s.attempts[c].Add(1)
	s.observe()
	s.histograms.duration.Observe(took.Seconds())
}

// firstToken records how long a call took to its first output.
func (s *backendStats) firstToken(took time.Duration) {
	s.observe()
	s.histograms.toFirstToken.Observe(took.Seconds())
}

// perToken records how long a stream took for each token after the first.
func (s *backendStats) perToken(each time.Duration) {
	s.observe()
	s.histograms.perToken.Observe(each.Seconds())
}

// spend counts tokens.
func (s *backendStats) spend(t dialect.Tokens) {
	s.tokens.input.Add(t.Input)
	s.tokens.cached.Add(t.CacheRead)
	s.tokens.output.Add(t.Output)
}

// unwilling reports whether the backend has lately refused to be asked for usage.
func (s *backendStats) unwilling(now time.Duration) bool {
	return int64(now) < s.unwillingUntil.Load()
}

func (s *backendStats) observe() {
	s.once.Do(func() { s.histograms = s.observers() })
}
