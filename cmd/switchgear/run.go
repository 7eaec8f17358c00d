package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/controller"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/standalone"
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
	f.StringVar(&o.admin, "admin", "127.0.0.1:8081", "address of /metrics, /healthz and /readyz")
	o.add(f, "127.0.0.1:8080", "default", "")
	return cmd
}

// loopback is where the backends of a laptop are.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

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
	plane, server, err := o.newGateway(log, append(cidrs, loopback...), logTransitions(log))
	if err != nil {
		return err
	}
	metrics := configmetrics.New()
	source, err := standalone.New(standalone.Options{
		Paths:            o.paths,
		DefaultNamespace: o.defaultNamespace,
		Compile:          standaloneCompile(o.allowPlaintextCredentials),
		Gateway:          plane,
		Metrics:          metrics,
		Logger:           log,
	})
	if err != nil {
		plane.Close()
		return fmt.Errorf("reading the built-in schemas: %w", err)
	}
	log.Info("Starting", "version", buildVersion().String(), "paths", o.paths, "defaultNamespace", o.defaultNamespace)
	if report := source.Start(ctx); source.Current() == nil {
		plane.Close()
		return printProblems(stderr, report.Problems)
	}
	now := make(chan struct{})
	close(now)
	listener := &controller.Listener{Server: server, Close: plane.Close, Applied: now, Released: now, Grace: o.gracePeriod}
	beside, err := o.servers(ctx, plane, metrics, listener)
	if err != nil {
		plane.Close()
		return err
	}
	return serve(ctx, log, listener, source, beside)
}

// logTransitions returns what logs each transition: without a cluster there are
// no Events.
func logTransitions(log *slog.Logger) func(gateway.Transition) {
	return func(t gateway.Transition) {
		level := slog.LevelInfo
		if t.To == circuit.Open {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, "A circuit has changed", "namespace", t.Namespace, "policy", t.Name,
			"circuit", t.Circuit.String(), "from", t.From.String(), "to", t.To.String(), "reason", t.Message)
	}
}

// servers returns the listeners beside the gateway's, bound.
func (o *runOptions) servers(ctx context.Context, plane *gateway.Gateway, metrics *configmetrics.Metrics, l *controller.Listener) ([]*manager.Server, error) {
	mux, err := newAdminMux(ctx, plane, metrics, l)
	if err != nil {
		return nil, err
	}
	admin, err := newAdminServer(o.admin, mux)
	if err != nil {
		return nil, err
	}
	if o.debugListen == "" {
		return []*manager.Server{admin}, nil
	}
	debug, err := newDebugServer(o.debugListen, plane.DumpConfig)
	if err != nil {
		_ = admin.Listener.Close() // the process ends anyway
		return nil, err
	}
	return []*manager.Server{admin, debug}, nil
}

// serve runs it all. The listeners beside the gateway's stay until it has
// drained, so that one can look on.
func serve(ctx context.Context, log *slog.Logger, listener *controller.Listener, source *standalone.Source, beside []*manager.Server) error {
	besideCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	group, groupCtx := errgroup.WithContext(ctx)
	for _, s := range beside {
		group.Go(func() error { return s.Start(besideCtx) })
	}
	group.Go(func() error {
		source.Run(groupCtx)
		return nil
	})
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
