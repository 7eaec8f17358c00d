package gateway

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// conventions are the client metrics of OpenTelemetry's conventions for
// generative AI, spelt as Prometheus spells them
// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics), with the
// conventions' buckets. The model is that of the configuration, never a client's
// string.
type conventions struct{ duration, tokens *prometheus.HistogramVec }

// The labels that both have.
var conventionLabels = []string{"namespace", "route", "backend", "gen_ai_operation_name", "gen_ai_provider_name",
	"gen_ai_request_model", "server_address", "server_port"}

func newConventions() conventions {
	histogram := func(name, help, label string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, append(conventionLabels[:8:8], label))
	}
	return conventions{
		duration: histogram("gen_ai_client_operation_duration_seconds", "How long calls of a provider took (gen_ai.client.operation.duration).", "error_type",
			prometheus.ExponentialBuckets(.01, 2, 14)),
		tokens: histogram("gen_ai_client_token_usage", "Tokens of a call of a provider (gen_ai.client.token.usage).", "gen_ai_token_type",
			prometheus.ExponentialBuckets(1, 4, 14)),
	}
}

// operation is what a backend is called for.
type operation struct {
	name, model string
	peer        peer
}

// operationSeries are those of one operation of a backend.
type operationSeries struct {
	durations     [numClasses]prometheus.Observer // made when they are needed
	input, output prometheus.Observer
}

// operation is what the attempt calls for; false where the conventions have no
// word for it.
func (a *attempt) operation() (o operation, ok bool) {
	if a.x.endpoint == nil || a.x.endpoint.Operation() == "" {
		return o, false
	}
	o = operation{a.x.endpoint.Operation(), a.b.Model, a.b.peer}
	if o.model == "" {
		o.model = a.x.target.route.Matches[a.x.target.match].Pattern
	}
	return o, true
}

// tellConventions records the attempt in the conventions' metrics.
func (a *attempt) tellConventions(c Class, took time.Duration) {
	o, ok := a.operation()
	if !ok {
		return
	}
	m, s := &a.x.g.metrics.conventions, a.b.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	series := s.operations[o]
	if series == nil {
		if s.operations == nil {
			s.operations = map[operation]*operationSeries{}
		}
		series = &operationSeries{}
		s.operations[o] = series
	}
	errorType := ""
	if c != Success {
		errorType = c.String()
	}
	a.observe(&series.durations[c], m.duration, o, errorType, took.Seconds())
	if n := a.cost.tokens.Input; n > 0 {
		a.observe(&series.input, m.tokens, o, "input", float64(n))
	}
	if n := a.cost.tokens.Output; n > 0 {
		a.observe(&series.output, m.tokens, o, "output", float64(n))
	}
}

// observe records a value in a series, which is made first if it is not there.
func (a *attempt) observe(at *prometheus.Observer, v *prometheus.HistogramVec, o operation, label string, value float64) {
	if *at == nil {
		id := a.b.stats.id
		*at = a.x.g.metrics.observer(a.b.stats, v, id.namespace, id.route, id.backend,
			o.name, o.peer.provider, o.model, o.peer.address, strconv.Itoa(o.peer.port), label)
	}
	(*at).Observe(value)
}
