package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
)

// Options are what telemetry is made with.
type Options struct {
	// Logger defaults to slog.Default().
	Logger *slog.Logger
	// Version of the process.
	Version string
	// Metrics are exported as they are, but for those that OpenTelemetry's
	// conventions name otherwise.
	Metrics prometheus.Gatherer
	// ShutdownTimeout bounds how long Shutdown sends what is left; default 5 s.
	ShutdownTimeout time.Duration
}

const (
	defaultShutdownTimeout = 5 * time.Second
	// complainEvery is how often a collector that cannot be reached is worth a
	// line.
	complainEvery = time.Minute

	serviceName = "switchgear"
	scope       = "github.com/switchgear/switchgear"
)

// Telemetry is what is exported, by goroutines of its own.
type Telemetry struct {
	options Options
	traces  *sdktrace.TracerProvider // nil: none
	metrics *sdkmetric.MeterProvider // nil: none
}

// Start begins to export what the environment asks for. Where that is nothing,
// nothing runs. No collector needs to be there: what cannot be sent is kept
// within the bounds of the SDK's queue, and then dropped.
func Start(ctx context.Context, o Options) (*Telemetry, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.ShutdownTimeout <= 0 {
		o.ShutdownTimeout = defaultShutdownTimeout
	}
	t := &Telemetry{options: o}
	protocols := map[signal]string{}
	for _, s := range []signal{traces, metrics} {
		p, err := s.protocol(os.Getenv)
		if err != nil {
			o.Logger.Warn("Telemetry is not exported", "reason", err.Error())
		}
		protocols[s] = p
	}
	if protocols[traces] == "" && protocols[metrics] == "" {
		return t, nil
	}
	t.complain()
	about := t.about(ctx)
	if err := t.startTraces(ctx, protocols[traces], about); err != nil {
		return nil, err
	}
	if err := t.startMetrics(ctx, protocols[metrics], about); err != nil {
		t.Shutdown()
		return nil, err
	}
	o.Logger.Info("Exporting telemetry", "traces", protocols[traces], "metrics", protocols[metrics])
	return t, nil
}

// complain has the SDK tell of its troubles in the log.
func (t *Telemetry) complain() {
	sometimes := rate.Sometimes{Interval: complainEvery}
	otel.SetLogger(logr.FromSlogHandler(t.options.Logger.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		sometimes.Do(func() { t.options.Logger.Warn("Telemetry could not be exported", "error", err.Error()) })
	}))
}

// about says what process this is. The environment has the last word.
func (t *Telemetry) about(ctx context.Context) *resource.Resource {
	host, err := os.Hostname() // in a cluster, the Pod's name
	if err != nil {
		host = "unknown"
	}
	r, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(semconv.ServiceName(serviceName), semconv.ServiceVersion(t.options.Version), semconv.ServiceInstanceID(host)),
		resource.WithFromEnv())
	if err != nil {
		t.options.Logger.Warn("OTEL_RESOURCE_ATTRIBUTES cannot be read in full", "error", err.Error())
	}
	return r
}

func (t *Telemetry) startTraces(ctx context.Context, protocol string, about *resource.Resource) error {
	var exporter sdktrace.SpanExporter
	var err error
	switch protocol {
	case protocolHTTP:
		exporter, err = otlptracehttp.New(ctx)
	case protocolGRPC:
		exporter, err = otlptracegrpc.New(ctx)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("preparing the export of traces: %w", err)
	}
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return nil
}

func (t *Telemetry) startMetrics(ctx context.Context, protocol string, about *resource.Resource) error {
	var exporter sdkmetric.Exporter
	var err error
	switch protocol {
	case protocolHTTP:
		exporter, err = otlpmetrichttp.New(ctx)
	case protocolGRPC:
		exporter, err = otlpmetricgrpc.New(ctx)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("preparing the export of metrics: %w", err)
	}
	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithProducer(newProducer(t.options.Metrics)))
	t.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(about))
	return nil
}

// Tracer makes the spans that are exported; nil where none are.
func (t *Telemetry) Tracer() trace.Tracer {
	if t.traces == nil {
		return nil
	}
	return t.traces.Tracer(scope, trace.WithInstrumentationVersion(t.options.Version), trace.WithSchemaURL(semconv.SchemaURL))
}

// Shutdown sends what is left, for no longer than it may, and ends the exports.
func (t *Telemetry) Shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), t.options.ShutdownTimeout)
	defer cancel()
	var errs []error
	if t.traces != nil {
		errs = append(errs, t.traces.Shutdown(ctx))
	}
	if t.metrics != nil {
		errs = append(errs, t.metrics.Shutdown(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		t.options.Logger.Warn("The last telemetry could not be exported", "error", err.Error())
	}
}
