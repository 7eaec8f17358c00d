package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchgear/switchgear/internal/compile"
)

// configMetrics tell how the configuration in force came about.
type configMetrics struct {
	success  prometheus.Gauge
	applied  prometheus.Gauge
	duration prometheus.Histogram
	problems *prometheus.GaugeVec
	leading  prometheus.GaugeFunc
}

func newConfigMetrics(leading func() bool) *configMetrics {
	return &configMetrics{
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
		problems: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "switchgear_config_rejected_objects",
			Help: "Resources whose present spec is not accepted or refers to what is not there.",
		}, []string{"kind"}),
		leading: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "switchgear_leader",
			Help: "1 if this process is the leader, which writes status and Events.",
		}, func() float64 {
			if leading() {
				return 1
			}
			return 0
		}),
	}
}

// applyStarted returns the function to call when the attempt has ended.
func (m *configMetrics) applyStarted() func(err error) {
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

func (m *configMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.success, m.applied, m.duration, m.problems, m.leading}
}

// countRejected counts the objects of which something is wrong.
func (m *configMetrics) countRejected(r *compile.Result) {
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
	m.problems.WithLabelValues(policyKind).Set(policies)
	m.problems.WithLabelValues(routeKind).Set(routes)
}
