package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchgear/switchgear/internal/telemetry"
)

// logbook is a log that can be read.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start starts telemetry in an environment that is this and nothing else.
func start(t *testing.T, registry *prometheus.Registry, env map[string]string) (*telemetry.Telemetry, *logbook) {
	t.Helper()
	for _, name := range []string{"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES",
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
		"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"} {
		t.Setenv(name, env[name])
	}
	var book logbook
	tel, err := telemetry.Start(t.Context(), telemetry.Options{
		Logger: slog.New(slog.NewTextHandler(&book, nil)), Version: "v9", Metrics: registry, ShutdownTimeout: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tel, &book
}

// TestWhatTheEnvironmentSays: nothing is exported unless it says so, and what it
// says wrong is told.
func TestWhatTheEnvironmentSays(t *testing.T) {
	const endpoint, nobody = "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"
	type env = map[string]string
	for name, tc := range map[string]struct {
		env    env
		traces bool
		log    string // a part of it
	}{
		"nothing":            {env: env{}, log: ""},
		"an endpoint":        {env: env{endpoint: nobody}, traces: true, log: "metrics=http/protobuf"},
		"of traces":          {env: env{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": nobody}, traces: true, log: `traces=http/protobuf metrics=""`},
		"of metrics":         {env: env{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": nobody}, log: `traces="" metrics=http/protobuf`},
		"an exporter":        {env: env{"OTEL_TRACES_EXPORTER": "otlp"}, traces: true, log: `traces=http/protobuf metrics=""`},
		"no traces":          {env: env{endpoint: nobody, "OTEL_TRACES_EXPORTER": "none"}, log: `traces="" metrics=http/protobuf`},
		"no metrics":         {env: env{endpoint: nobody, "OTEL_METRICS_EXPORTER": " none"}, traces: true, log: `metrics=""`},
		"disabled":           {env: env{endpoint: nobody, "OTEL_SDK_DISABLED": "TRUE"}, log: ""},
		"grpc":               {env: env{endpoint: nobody, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, traces: true, log: "traces=grpc metrics=grpc"},
		"a protocol each":    {env: env{endpoint: nobody, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, traces: true, log: "traces=http/protobuf metrics=grpc"},
		"unknown protocol":   {env: env{endpoint: nobody, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, log: `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL \"http/json\": want http/protobuf or grpc`},
		"unknown exporter":   {env: env{endpoint: nobody, "OTEL_TRACES_EXPORTER": "zipkin"}, log: `OTEL_TRACES_EXPORTER \"zipkin\": want otlp or none`},
		"an empty exporter":  {env: env{endpoint: nobody, "OTEL_TRACES_EXPORTER": ""}, traces: true, log: "traces=http/protobuf"},
		"several exporters":  {env: env{endpoint: nobody, "OTEL_TRACES_EXPORTER": "otlp,console"}, log: `OTEL_TRACES_EXPORTER \"otlp,console\": want otlp or none`},
		"neither, disabled?": {env: env{"OTEL_SDK_DISABLED": "false"}, log: ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			tel, book := start(t, prometheus.NewRegistry(), tc.env)
			if got := tel.Tracer() != nil; got != tc.traces {
				t.Errorf("traces: %v, want %v", got, tc.traces)
			}
			if tc.log == "" {
				if text := book.String(); text != "" || runtime.NumGoroutine() != before {
					t.Errorf("%d goroutines after %d, and the log is %q", runtime.NumGoroutine(), before, text)
				}
			} else if !strings.Contains(book.String(), tc.log) {
				t.Errorf("the log is %q, want %q in it", book, tc.log)
			}
			tel.Shutdown()
		})
	}
}

// TestTheLastTelemetryIsSentAtTheEnd, by either protocol.
func TestTheLastTelemetryIsSentAtTheEnd(t *testing.T) {
	for protocol, collect := range map[string]func(*testing.T) *collector{"http/protobuf": collectHTTP, "grpc": collectGRPC} {
		t.Run(protocol, func(t *testing.T) {
			c := collect(t)
			registry := prometheus.NewRegistry()
			own := prometheus.NewCounter(prometheus.CounterOpts{Name: "switchgear_own_total", Help: "Own."})
			usage := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "gen_ai_client_token_usage", Help: "Tokens."},
				[]string{"route", "gen_ai_token_type", "server_address", "server_port", "error_type"})
			registry.MustRegister(own, usage)
			own.Add(3)
			usage.WithLabelValues("gpt", "input", "api.example.com", "443", "").Observe(7)
			tel, book := start(t, registry, map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": c.url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
				"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=me,team=a",
			})
			_, span := tel.Tracer().Start(t.Context(), "chat gpt")
			span.End()
			tel.Shutdown()

			names, about := c.spans()
			if !slices.Equal(names, []string{"chat gpt"}) {
				t.Errorf("the spans %q came; the log is %s", names, book)
			}
			for key, want := range map[string]string{"service.name": "switchgear", "service.version": "v9", "service.instance.id": "me", "team": "a"} {
				if about[key] != want {
					t.Errorf("%s is %q, want %q", key, about[key], want)
				}
			}
			if m := c.metric("switchgear_own_total"); m.GetSum().GetDataPoints()[0].GetAsDouble() != 3 {
				t.Errorf("switchgear_own_total came as %v", m)
			}
			m := c.metric("gen_ai.client.token.usage")
			points := m.GetHistogram().GetDataPoints()
			if m.GetUnit() != "{token}" || len(points) != 1 || points[0].GetSum() != 7 {
				t.Fatalf("gen_ai.client.token.usage came as %v", m)
			}
			want := map[string]string{"switchgear.route": "gpt", "gen_ai.token.type": "input", "server.address": "api.example.com", "server.port": ""}
			if d := cmp.Diff(want, texts(points[0].GetAttributes())); d != "" {
				t.Error(d)
			}
			for _, kv := range points[0].GetAttributes() {
				if kv.GetKey() == "server.port" && kv.GetValue().GetIntValue() != 443 {
					t.Errorf("server.port is %v", kv.GetValue())
				}
			}
		})
	}
}

// TestWithoutACollectorNobodyWaits: spans are dropped beyond the queue, little is
// said about it, and the end does not wait for long either.
func TestWithoutACollectorNobodyWaits(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	released := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(released) })
	for name, env := range map[string]map[string]string{
		"gone":       {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + closed.Addr().String()},
		"gone, grpc": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + closed.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
		"silent":     {"OTEL_EXPORTER_OTLP_ENDPOINT": silent.URL},
	} {
		t.Run(name, func(t *testing.T) {
			tel, book := start(t, prometheus.NewRegistry(), env)
			tracer := tel.Tracer()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			begun := time.Now()
			for range 50_000 {
				_, span := tracer.Start(context.Background(), "chat gpt")
				span.End()
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("50,000 spans took %v", took)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
				t.Errorf("%d bytes are held", grown)
			}
			begun = time.Now()
			tel.Shutdown()
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("the end took %v", took)
			}
			if text := book.String(); !strings.Contains(text, "The last telemetry could not be exported") || strings.Count(text, "\n") > 5 {
				t.Errorf("the log is %s", text)
			}
		})
	}
}
