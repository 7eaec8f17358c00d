package controller

import "github.com/prometheus/client_golang/prometheus"

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
