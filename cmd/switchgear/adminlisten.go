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

	"github.com/switchgear/switchgear/internal/admin"
	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/controller"
	"github.com/switchgear/switchgear/internal/gateway"
)

// listenForAdmin binds the admin listener's address at once; nil where it is off.
func listenForAdmin(flag, address string) (net.Listener, error) {
	if address == "" || address == "0" {
		return nil, nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("%s %q: want host:port, such as 127.0.0.1:8082, or 0 for none", flag, address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w; give another address, or 0 for none", flag, address, err)
	}
	return listener, nil
}

// newAdminMux returns what the admin listener serves without a cluster, where it
// is the only one beside the gateway's. The process is ready from when the
// gateway's listener is open until ctx ends.
func newAdminMux(ctx context.Context, handler http.Handler, plane *gateway.Gateway, metrics *configmetrics.Metrics, registry *prometheus.Registry, l *controller.Listener) (*http.ServeMux, error) {
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
	mux.Handle("/", handler)
	return mux, nil
}

// newAdminServer returns the admin listener's server.
func newAdminServer(listener net.Listener, handler http.Handler, feed *admin.Feed) *manager.Server {
	soon := time.Second // a stream of events must not hold the end of the process up
	return &manager.Server{
		Name:            "admin",
		Server:          admin.NewServer(handler, feed),
		Listener:        listener,
		ShutdownTimeout: &soon,
	}
}
