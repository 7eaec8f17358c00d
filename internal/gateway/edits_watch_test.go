package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// ledger holds all that only ever rises, as it was last seen.
type ledger struct {
	r     *streamRig
	seen  map[string]float64
	opens map[string]time.Time // of the circuits that were seen open, when they opened
	lost  []string
}

// look compares what there is to see with what was seen before.
func (l *ledger) look() {
	now := l.rising()
	for series, was := range l.seen {
		if is, ok := now[series]; !ok || is < was {
			l.lost = append(l.lost, fmt.Sprintf("%s was %v and is %v", series, was, is))
		}
	}
	l.seen = now
	for _, s := range l.r.gw.ObservePolicy("down") {
		opened, wasOpen := l.opens[s.Key.String()]
		switch {
		case s.State == circuit.Open && !wasOpen:
			l.opens[s.Key.String()] = s.OpenedTime
		case wasOpen && (s.State != circuit.Open || !s.OpenedTime.Equal(opened)):
			l.lost = append(l.lost, fmt.Sprintf("the circuit %s was open since %v, and is %+v", s.Key, opened, s))
		}
	}
}

// rising are the counters of all that no edit removes.
func (l *ledger) rising() map[string]float64 {
	families, err := l.r.registry.Gather()
	if err != nil {
		l.lost = append(l.lost, "gathering: "+err.Error())
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var name strings.Builder
			name.WriteString(f.GetName())
			for _, p := range m.GetLabel() {
				name.WriteString(" " + p.GetName() + "=" + p.GetValue())
			}
			series := name.String()
			switch {
			case strings.Contains(series, "=extra"):
			case f.GetType() == dto.MetricType_COUNTER:
				out[series] = m.GetCounter().GetValue()
			case f.GetType() == dto.MetricType_HISTOGRAM:
				out[series] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	// These two fail every call, so that their runs of failures only get longer.
	for _, id := range []string{"down", "flaky"} {
		for _, s := range l.r.gw.ObservePolicy(id) {
			out["failures of "+id+" "+s.Key.String()] = float64(s.FailureCount)
			out["openings of "+id+" "+s.Key.String()] = float64(s.Opens)
		}
	}
	for _, route := range []string{"gpt", "claude", "ext"} {
		if s, ok := l.r.gw.ObserveRoute("default", route); ok {
			for _, b := range s.Backends {
				if b.Name == "down" || b.Name == "flaky" {
					out["failures in "+route+" of "+b.Name] = float64(b.FailureCount)
				}
			}
		}
	}
	return out
}

// sum adds up a metric over the series that have all of these labels and a class
// that is not one of a refusal.
func (l *ledger) sum(metric string, labels ...string) int {
	n := 0.
	for series, value := range l.seen {
		words := strings.Split(series, " ")
		refused := slices.Contains(words, "class="+gateway.CircuitOpen.String()) || slices.Contains(words, "class="+gateway.BulkheadFull.String())
		if words[0] == "switchgear_"+metric && !refused && !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(words, l) }) {
			n += value
		}
	}
	return int(n)
}
