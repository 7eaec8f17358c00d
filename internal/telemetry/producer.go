package telemetry

import (
	"context"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
)

// conventional are the metrics that Prometheus spells otherwise than OpenTelemetry's
// conventions, by their names there.
var conventional = map[string]struct{ name, unit string }{
	"gen_ai_client_operation_duration_seconds": {"gen_ai.client.operation.duration", "s"},
	"gen_ai_client_token_usage":                {"gen_ai.client.token.usage", "{token}"},
}

// conventionalLabels are their labels.
var conventionalLabels = map[attribute.Key]attribute.Key{
	"namespace":             "switchgear.namespace",
	"route":                 "switchgear.route",
	"backend":               "switchgear.backend",
	"gen_ai_operation_name": semconv.GenAIOperationNameKey,
	"gen_ai_provider_name":  semconv.GenAIProviderNameKey,
	"gen_ai_request_model":  semconv.GenAIRequestModelKey,
	"gen_ai_token_type":     semconv.GenAITokenTypeKey,
	"server_address":        semconv.ServerAddressKey,
	"server_port":           semconv.ServerPortKey,
	"error_type":            semconv.ErrorTypeKey,
}

// producer makes OpenTelemetry's metrics of Prometheus's.
type producer struct{ sdkmetric.Producer }

func newProducer(g prometheus.Gatherer) sdkmetric.Producer {
	return producer{bridge.NewMetricProducer(bridge.WithGatherer(g))}
}

// Produce is sdkmetric.Producer's.
func (p producer) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	scopes, err := p.Producer.Produce(ctx)
	for _, s := range scopes {
		for i := range s.Metrics {
			m := &s.Metrics[i]
			as, ok := conventional[m.Name]
			if h, isHistogram := m.Data.(metricdata.Histogram[float64]); ok && isHistogram {
				m.Name, m.Unit = as.name, as.unit
				for j := range h.DataPoints {
					h.DataPoints[j].Attributes = respelt(h.DataPoints[j].Attributes)
				}
			}
		}
	}
	return scopes, err //nolint:wrapcheck // it goes to the SDK's own handler
}

// respelt has the conventions' attributes for Prometheus's labels, which cannot
// be absent, but empty.
func respelt(labels attribute.Set) attribute.Set {
	var out []attribute.KeyValue
	for _, kv := range labels.ToSlice() {
		key, value := conventionalLabels[kv.Key], kv.Value.AsString()
		switch {
		case value == "" || key == "":
		case key == semconv.ServerPortKey:
			if port, err := strconv.Atoi(value); err == nil {
				out = append(out, key.Int(port))
			}
		default:
			out = append(out, key.String(value))
		}
	}
	return attribute.NewSet(out...)
}
