package controller

import "github.com/prometheus/client_golang/prometheus"

var replicasDesc = prometheus.NewDesc("switchgear_replicas",
	"Replicas that this process knows of, itself included: those that serve, that drain before their end, whose report is too old, and whose report cannot be used.",
	[]string{"state"}, nil)

// replicasGauge tells how many replicas this process knows of.
func replicasGauge(f *Fleet) prometheus.Collector { return replicasCollector{f} }

type replicasCollector struct{ fleet *Fleet }

// Describe sends the one description.
func (replicasCollector) Describe(out chan<- *prometheus.Desc) { out <- replicasDesc }

// Collect counts.
func (c replicasCollector) Collect(out chan<- prometheus.Metric) {
	n := c.fleet.census()
	for state, count := range map[string]int{"serving": n.Serving + 1, "draining": n.Draining, "expired": n.Expired, "ignored": n.Ignored} {
		out <- prometheus.MustNewConstMetric(replicasDesc, prometheus.GaugeValue, float64(count), state)
	}
}

// leaderGauge tells who writes.
func leaderGauge(leading func() bool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "switchgear_leader",
		Help: "1 if this process is the leader, which writes status and Events.",
	}, func() float64 {
		if leading() {
			return 1
		}
		return 0
	})
}
