package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/controller"
	"github.com/switchgear/switchgear/internal/gateway"
)

// newAdminMux returns what the admin listener serves. The process is ready from
// when the gateway's listener is open until ctx ends.
func newAdminMux(ctx context.Context, plane *gateway.Gateway, metrics *configmetrics.Metrics, l *controller.Listener) (*http.ServeMux, error) {
	registry := prometheus.NewRegistry()
	all := append(metrics.Collectors(), plane, buildVersion().collector(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("GET /healthz", http.StripPrefix("/healthz", &healthz.Handler{}))
	mux.Handle("GET /readyz", http.StripPrefix("/readyz", &healthz.Handler{Checks: map[string]healthz.Checker{
		"listener-bound": func(*http.Request) error {
			if !l.Bound() {
				return errors.New("the gateway's listener is not open yet")
			}
			return nil
		},
		"not-terminating": func(*http.Request) error {
			if ctx.Err() != nil {
				return errors.New("the process is draining before it ends")
			}
			return nil
		},
	}}))
	// The admin API is mounted here: mux.Handle("/", …).
	return mux, nil
}

// newAdminServer binds the admin listener.
func newAdminServer(address string, handler http.Handler) (*manager.Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--admin %q: %w", address, err)
	}
	soon := time.Second // a stream of events must not hold the end of the process up
	return &manager.Server{
		Name:            "admin",
		Server:          &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
		Listener:        listener,
		ShutdownTimeout: &soon,
	}, nil
}
