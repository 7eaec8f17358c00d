// Package configmetrics tells how the configuration in force came about, in a
// cluster and standalone alike.
package configmetrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchgear/switchgear/internal/compile"
)

// Metrics are those of one process's configuration.
type Metrics struct {
	success  prometheus.Gauge
	applied  prometheus.Gauge
	duration prometheus.Histogram
	rejected *prometheus.GaugeVec
}

// New returns metrics that nobody collects yet.
func New() *Metrics {
	return &Metrics{
		success: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "switchgear_config_last_apply_successful",
			Help: "1 if the last attempt to make the resources the live configuration succeeded, 0 otherwise.",
		}),
		applied: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "switchgear_config_last_applied_timestamp_seconds",
			Help: "Unix time at which a configuration was last applied.",
		}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "switchgear_config_apply_duration_seconds",
			Help:    "Time from listing the resources to the configuration being live.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
		rejected: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "switchgear_config_rejected_objects",
			Help: "Resources whose present spec is not accepted or refers to what is not there.",
		}, []string{"kind"}),
	}
}

// Started returns the function to call when an attempt that begins now has
// ended.
func (m *Metrics) Started() func(err error) {
	start := time.Now()
	return func(err error) {
		if err != nil {
			m.success.Set(0)
			return
		}
		m.success.Set(1)
		m.applied.SetToCurrentTime()
		m.duration.Observe(time.Since(start).Seconds())
	}
}

// CountRejected counts the objects of which something is wrong.
func (m *Metrics) CountRejected(r *compile.Result) {
	var policies, routes float64
	for _, p := range r.Policies {
		if !p.Accepted || !p.ResolvedRefs {
			policies++
		}
	}
	for _, p := range r.Routes {
		if !p.Accepted || !p.ResolvedRefs {
			routes++
		}
	}
	m.rejected.WithLabelValues("CircuitPolicy").Set(policies)
	m.rejected.WithLabelValues("ProviderRoute").Set(routes)
}

// Collectors returns all of them, to be registered.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.success, m.applied, m.duration, m.rejected}
}
