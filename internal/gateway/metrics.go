package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of backends, across snapshots. What is known of
// circuits is read from them when it is asked for.
type metrics struct {
	duration   *prometheus.HistogramVec
	rejections *prometheus.CounterVec

	mu       sync.Mutex
	backends map[backendID]*backendStats // guarded by mu
}

type backendID struct{ namespace, route, backend string }

// backendStats count the requests that went to one backend or that it refused.
type backendStats struct {
	requests [numClasses]atomic.Uint64
	once     sync.Once // for duration, so that an idle backend costs no series
	duration prometheus.Observer
	observer func() prometheus.Observer
}

// attemptBuckets reach from a cached answer to the longest of streams.
var attemptBuckets = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}

func newMetrics() *metrics {
	return &metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "switchgear_attempt_duration_seconds",
			Help:    "How long calls of a backend took, to the end of the answer.",
			Buckets: attemptBuckets,
		}, []string{"namespace", "route", "backend"}),
		rejections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "switchgear_rejected_requests_total",
			Help: "Requests that the gateway answered with an error before it chose a backend, by the error's code.",
		}, []string{"code"}),
		backends: map[backendID]*backendStats{},
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
		s = &backendStats{observer: func() prometheus.Observer {
			return m.duration.WithLabelValues(namespace, route, backend)
		}}
		m.backends[id] = s
	}
	return s
}

// retain drops the series of backends that are live no more.
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
		if !inUse[s] {
			delete(m.backends, id)
			m.duration.DeleteLabelValues(id.namespace, id.route, id.backend)
		}
	}
}

// count counts a request without a call.
func (s *backendStats) count(c Class) { s.requests[c].Add(1) }

// record counts a request and how long its call took.
func (s *backendStats) record(c Class, took time.Duration) {
	s.count(c)
	s.once.Do(func() { s.duration = s.observer() })
	s.duration.Observe(took.Seconds())
}
