package telemetry_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// collector is an OTLP receiver of the test's own, on loopback.
type collector struct {
	url string

	mu      sync.Mutex
	traces  []*tracepb.ResourceSpans     // guarded by mu
	metrics []*metricspb.ResourceMetrics // guarded by mu
}

// collectHTTP starts a collector that speaks http/protobuf.
func collectHTTP(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the exporter has left
		}
		switch r.URL.Path {
		case "/v1/traces":
			var in collectortraces.ExportTraceServiceRequest
			if err := proto.Unmarshal(body, &in); err != nil {
				t.Error(err)
			}
			c.take(in.GetResourceSpans(), nil)
		case "/v1/metrics":
			var in collectormetrics.ExportMetricsServiceRequest
			if err := proto.Unmarshal(body, &in); err != nil {
				t.Error(err)
			}
			c.take(nil, in.GetResourceMetrics())
		default:
			t.Errorf("exported to %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// collectGRPC starts a collector that speaks grpc.
func collectGRPC(t *testing.T) *collector {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{url: "http://" + listener.Addr().String()}
	server := grpc.NewServer()
	collectortraces.RegisterTraceServiceServer(server, &traceService{c: c})
	collectormetrics.RegisterMetricsServiceServer(server, &metricsService{c: c})
	go func() { _ = server.Serve(listener) }() // it ends with the server
	t.Cleanup(server.Stop)
	return c
}

type traceService struct {
	collectortraces.UnimplementedTraceServiceServer
	c *collector
}

func (s *traceService) Export(_ context.Context, in *collectortraces.ExportTraceServiceRequest) (*collectortraces.ExportTraceServiceResponse, error) {
	s.c.take(in.GetResourceSpans(), nil)
	return &collectortraces.ExportTraceServiceResponse{}, nil
}

type metricsService struct {
	collectormetrics.UnimplementedMetricsServiceServer
	c *collector
}

func (s *metricsService) Export(_ context.Context, in *collectormetrics.ExportMetricsServiceRequest) (*collectormetrics.ExportMetricsServiceResponse, error) {
	s.c.take(nil, in.GetResourceMetrics())
	return &collectormetrics.ExportMetricsServiceResponse{}, nil
}

func (c *collector) take(traces []*tracepb.ResourceSpans, metrics []*metricspb.ResourceMetrics) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.traces = append(c.traces, traces...)
	c.metrics = append(c.metrics, metrics...)
}

// spans are the names of the spans that came, and what the last of them said of
// its process.
func (c *collector) spans() (names []string, about map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.traces {
		about = texts(r.GetResource().GetAttributes())
		for _, s := range r.GetScopeSpans() {
			for _, span := range s.GetSpans() {
				names = append(names, span.GetName())
			}
		}
	}
	return names, about
}

// metric finds a metric by its name.
func (c *collector) metric(name string) *metricspb.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.metrics {
		for _, s := range r.GetScopeMetrics() {
			for _, m := range s.GetMetrics() {
				if m.GetName() == name {
					return m
				}
			}
		}
	}
	return nil
}

func texts(attributes []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, kv := range attributes {
		out[kv.GetKey()] = kv.GetValue().GetStringValue()
	}
	return out
}
