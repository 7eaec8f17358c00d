package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/admin"
	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/controller"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/standalone"
	"github.com/switchgear/switchgear/internal/status"
)

// runOptions are the flags of run.
type runOptions struct {
	gatewayFlags
	paths []string
	admin string
}

func newRunCommand() *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run -f PATH...",
		Short: "Run the gateway from YAML files, without a cluster",
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	addPaths(cmd, &o.paths)
	f.StringVar(&o.admin, "admin", "127.0.0.1:8081", "address of the admin listener: circuits, routes, events, /metrics, /healthz and /readyz; it asks nobody who they are; empty or 0: off")
	o.add(f, "127.0.0.1:8080", "default", 0, "")
	return cmd
}

// run serves until ctx ends and what was running then has ended.
func (o *runOptions) run(ctx context.Context, stderr io.Writer) error {
	log, err := newLogger(stderr, o.logLevel, o.logFormat)
	if err != nil {
		return err
	}
	cidrs, err := o.validate()
	if err != nil {
		return err
	}
	useLogger(log)
	registry := prometheus.NewRegistry()
	exports, err := startTelemetry(ctx, log, registry)
	if err != nil {
		return err
	}
	defer exports.Shutdown()
	ctx = logr.NewContextWithSlogLogger(ctx, log) // for the parts that run under a manager too
	var handler *admin.Handler                    // before there is any circuit that could change
	feed := admin.NewFeed()
	plane, server, err := o.newGateway(log, append(cidrs, loopback...), exports.Tracer(), feed, func(gateway.Transition) { handler.Changed() })
	if err != nil {
		return err
	}
	metrics := configmetrics.New()
	source, err := standalone.New(standalone.Options{
		Paths:            o.paths,
		DefaultNamespace: o.defaultNamespace,
		Compile:          standaloneCompile(o.allowPlaintextCredentials, cidrs),
		Gateway:          plane,
		Metrics:          metrics,
		Logger:           log,
		OnApply:          func() { handler.Changed() },
	})
	if err != nil {
		plane.Close()
		return fmt.Errorf("reading the built-in schemas: %w", err)
	}
	handler = o.adminHandler(plane, source, feed)
	log.Info("Starting", "version", buildVersion().String(), "paths", o.paths, "defaultNamespace", o.defaultNamespace)
	if report := source.Start(ctx); source.Current() == nil {
		plane.Close()
		return printProblems(stderr, report.Problems)
	}
	now := make(chan struct{})
	close(now)
	listener := &controller.Listener{Server: server, Close: plane.Close, Applied: now, Admitted: now, Released: now, Delay: o.shutdownDelay, Grace: o.gracePeriod}
	mux, err := newAdminMux(ctx, handler, plane, metrics, registry, listener)
	if err != nil {
		plane.Close()
		return err
	}
	beside, err := o.servers(mux, feed, plane.DumpConfig)
	if err != nil {
		plane.Close()
		return err
	}
	return serve(ctx, log, listener, beside, source.Run, handler.Keep)
}

// adminHandler returns the admin listener's own endpoints. Without a cluster it
// keeps the statuses, since no resource does.
func (o *runOptions) adminHandler(plane *gateway.Gateway, source *standalone.Source, feed *admin.Feed) *admin.Handler {
	return admin.NewHandler(admin.Options{
		Source: func(context.Context) (admin.Objects, error) {
			c := source.Current()
			if c == nil {
				return admin.Objects{}, admin.ErrNotReady
			}
			objects := admin.Compiled(c.Policies, c.Routes, c.Result)
			for i := range objects.Policies {
				one := &objects.Policies[i]
				one.LastReset = one.Object.Annotations[v1alpha1.ResetAnnotation] // whatever is live was heeded
			}
			return objects, nil
		},
		Observer: status.ObserveLocal(plane),
		Feed:     feed,
		Resetter: plane,
		Address:  o.admin,
	})
}

// servers returns the listeners beside the gateway's, bound.
func (o *runOptions) servers(mux http.Handler, feed *admin.Feed, dump func() ([]byte, error)) ([]*manager.Server, error) {
	var out []*manager.Server
	listener, err := listenForAdmin("--admin", o.admin)
	if err != nil {
		return nil, err
	}
	if listener != nil {
		out = append(out, newAdminServer(listener, mux, feed))
	}
	if o.debugListen == "" {
		return out, nil
	}
	debug, err := newDebugServer(o.debugListen, dump)
	if err != nil {
		for _, s := range out {
			_ = s.Listener.Close() // the process ends anyway
		}
		return nil, err
	}
	return append(out, debug), nil
}

// serve runs it all. What is beside the gateway's listener, and look, go on until
// that has drained, so that one can look on; watch ends with ctx.
func serve(ctx context.Context, log *slog.Logger, listener *controller.Listener, beside []*manager.Server, watch, look func(context.Context)) error {
	besideCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	group, groupCtx := errgroup.WithContext(ctx)
	for _, s := range beside {
		group.Go(func() error { return s.Start(besideCtx) })
	}
	run := func(ctx context.Context, f func(context.Context)) {
		group.Go(func() error {
			f(ctx)
			return nil
		})
	}
	run(groupCtx, watch)
	run(besideCtx, look)
	group.Go(func() error {
		defer stop()
		return listener.Start(groupCtx)
	})
	if err := group.Wait(); err != nil {
		return fmt.Errorf("running the gateway: %w", err)
	}
	log.Info("Stopped")
	return nil
}
