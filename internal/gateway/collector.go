package gateway

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("switchgear_"+name, help, labels, nil)
}

func circuitDesc(name, help string, labels ...string) *prometheus.Desc {
	return desc(name, help, append([]string{"namespace", "policy", "circuit"}, labels...)...)
}

var (
	requestsDesc = desc("requests_total", "Requests by the backend whose answer or refusal the client got, and how they ended.",
		"namespace", "route", "backend", "class")
	attemptsDesc = desc("attempts_total", "Calls of a backend, repeats and refused ones included, by how they ended.",
		"namespace", "route", "backend", "class")
	tokensDesc = desc("tokens_total", "Tokens as the provider counts them, by direction: input (those of caches included) or output.",
		"namespace", "route", "backend", "direction")
	cachedDesc = desc("cached_input_tokens_total", "Tokens of input that came from the provider's cache.", "namespace", "route", "backend")
	limitDesc  = desc("provider_ratelimit_limit", "What the provider allows in its own period, as it last said.",
		"namespace", "route", "backend", "resource")
	remainingDesc = desc("provider_ratelimit_remaining", "What the provider still allows in its own period, as it last said.",
		"namespace", "route", "backend", "resource")
	omittedDesc     = desc("access_log_omitted_total", "Requests of which the access log has no line, because it had as many as it may in that second.")
	inFlightDesc    = desc("requests_in_flight", "Requests that clients wait for now, streams that run included.")
	bufferedDesc    = desc("buffered_bytes", "Bytes of request bodies and answers that are held now.")
	stateDesc       = circuitDesc("circuit_state", "What callers meet: 0 closed, 1 half-open, 2 open.")
	healthDesc      = circuitDesc("circuit_health_score", "Health of the circuit, 0 to 100.")
	transitionsDesc = circuitDesc("circuit_transitions_total", "Changes of the circuit's state, by the state that it changed to and the reason.", "to", "reason")
	callsDesc       = circuitDesc("circuit_calls_total", "Calls that ended, by what they meant to the circuit.", "outcome")
	refusalsDesc    = circuitDesc("circuit_refusals_total", "Calls that the circuit refused, or in Observe mode would have refused, by reason.", "reason")
	runningDesc     = circuitDesc("bulkhead_running", "Calls that run now.")
	queuedDesc      = circuitDesc("bulkhead_queued", "Calls that wait for a slot now.")
	waitDesc        = circuitDesc("bulkhead_wait_seconds_total", "Time that calls have waited for a slot.")
	enteredDesc     = circuitDesc("bulkhead_entered_total", "Calls that were given a slot.")

	ownDescs = []*prometheus.Desc{requestsDesc, attemptsDesc, tokensDesc, cachedDesc, limitDesc, remainingDesc, omittedDesc, inFlightDesc, bufferedDesc, stateDesc, healthDesc, transitionsDesc, callsDesc,
		refusalsDesc, runningDesc, queuedDesc, waitDesc, enteredDesc}
)

// Describe is prometheus.Collector's.
func (g *Gateway) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range ownDescs {
		ch <- d
	}
	for _, v := range g.metrics.vectors() {
		v.Describe(ch)
	}
}

// Collect is prometheus.Collector's. It gives series only for what was used
// since the process began, so that their number follows traffic and not the
// number of policies.
func (g *Gateway) Collect(ch chan<- prometheus.Metric) {
	g.metrics.collect(ch)
	ch <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(g.inFlight.Load()))
	ch <- prometheus.MustNewConstMetric(bufferedDesc, prometheus.GaugeValue, float64(g.budget.used.Load()))
	if g.accessLog != nil {
		ch <- prometheus.MustNewConstMetric(omittedDesc, prometheus.CounterValue, float64(g.accessLog.leftOut()))
	}
	now := g.now()
	for _, c := range g.live.Load().circuits {
		c.collect(ch, c.Observe(now))
	}
}

func (m *metrics) collect(ch chan<- prometheus.Metric) {
	for _, v := range m.vectors() {
		v.Collect(ch)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.backends {
		for class := range numClasses {
			for desc, counts := range map[*prometheus.Desc]*[numClasses]atomic.Uint64{requestsDesc: &s.requests, attemptsDesc: &s.attempts} {
				if n := counts[class].Load(); n > 0 {
					ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n),
						id.namespace, id.route, id.backend, class.String())
				}
			}
		}
		s.tokens.collect(ch, id)
		s.limits.collect(ch, id)
	}
}

func (t *tokenCounts) collect(ch chan<- prometheus.Metric, id backendID) {
	send := func(d *prometheus.Desc, n int64, labels ...string) {
		if n > 0 {
			ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n),
				append([]string{id.namespace, id.route, id.backend}, labels...)...)
		}
	}
	send(tokensDesc, t.input.Load(), "input")
	send(tokensDesc, t.output.Load(), "output")
	send(cachedDesc, t.cached.Load())
}

func (c *managedCircuit) collect(ch chan<- prometheus.Metric, o circuit.Observation) {
	if !o.Used {
		return
	}
	names := []string{c.namespace, c.name, c.key.String()}
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, append(names[:3:3], labels...)...)
	}
	send(stateDesc, prometheus.GaugeValue, float64(o.State))
	send(healthDesc, prometheus.GaugeValue, float64(o.HealthScore))
	send(runningDesc, prometheus.GaugeValue, float64(o.Running))
	send(queuedDesc, prometheus.GaugeValue, float64(o.Queued))
	send(waitDesc, prometheus.CounterValue, o.Totals.WaitSeconds)
	send(enteredDesc, prometheus.CounterValue, float64(o.Totals.Entered))
	for outcome, n := range map[circuit.Outcome]uint64{
		circuit.Success: o.Totals.Successes, circuit.Failure: o.Totals.Failures,
		circuit.Throttled: o.Totals.Throttled, circuit.Ignored: o.Totals.Ignored,
	} {
		send(callsDesc, prometheus.CounterValue, float64(n), outcome.String())
	}
	for reason, n := range o.Totals.Refused {
		if n > 0 {
			send(refusalsDesc, prometheus.CounterValue, float64(n), circuit.RefusalReason(reason).String())
		}
	}
	c.transitions.mu.Lock()
	defer c.transitions.mu.Unlock()
	for t, n := range c.transitions.counts {
		send(transitionsDesc, prometheus.CounterValue, float64(n), t.to.String(), string(t.reason))
	}
}

// transitionCounts count a circuit's transitions.
type transitionCounts struct {
	mu     sync.Mutex
	counts map[transitionKind]uint64 // guarded by mu
}

type transitionKind struct {
	to     circuit.State
	reason circuit.Reason
}

func (c *transitionCounts) add(t circuit.Transition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[transitionKind]uint64{}
	}
	c.counts[transitionKind{t.To, t.Reason}]++
}
