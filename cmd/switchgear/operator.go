package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	crconfig "sigs.k8s.io/controller-runtime/pkg/client/config"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/switchgear/switchgear/internal/admin"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/controller"
	"github.com/switchgear/switchgear/internal/gateway"
)

// operatorOptions are the flags of the operator.
type operatorOptions struct {
	listen, tlsCertFile, tlsKeyFile string
	defaultNamespace                string
	allowBackendCIDRs               []string
	allowPlaintextCredentials       bool
	maxBodyBytes, maxBufferedBytes  int64
	gracePeriod                     time.Duration
	logLevel, logFormat             string
	adminListen, debugListen        string
	leaderElectionNamespace         string
	healthProbeBindAddress          string
	metricsBindAddress              string
	metricsSecure                   bool
	metricsCertPath                 string
	metricsCertName, metricsKeyName string
}

func newOperatorCommand() *cobra.Command {
	o := &operatorOptions{}
	cmd := &cobra.Command{
		Use:   "operator",
		Short: "Run the operator and its gateway against a Kubernetes API server",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	namespace := ownNamespace()
	f := cmd.Flags()
	f.SortFlags = false
	f.AddGoFlag(flag.Lookup(crconfig.KubeconfigFlagName))
	f.StringVar(&o.listen, "listen", ":8080", "address that the gateway serves on")
	f.StringVar(&o.tlsCertFile, "tls-cert-file", "", "certificate for the gateway's listener, in PEM; read again when it changes")
	f.StringVar(&o.tlsKeyFile, "tls-key-file", "", "key of that certificate, in PEM")
	f.StringVar(&o.defaultNamespace, "default-namespace", namespace, "namespace whose routes are served under plain /v1")
	f.StringArrayVar(&o.allowBackendCIDRs, "allow-backend-cidr", nil, "network that backends may be in although it is loopback, link-local or the like; may be repeated")
	f.BoolVar(&o.allowPlaintextCredentials, "allow-plaintext-credentials", false, "send credentials to backends over plain http:// too")
	f.Int64Var(&o.maxBodyBytes, "max-body-bytes", gateway.DefaultMaxBodyBytes, "largest request body, in bytes")
	f.Int64Var(&o.maxBufferedBytes, "max-buffered-bytes", gateway.DefaultMaxBufferedBytes, "memory for all held request bodies and answers, in bytes")
	f.DurationVar(&o.gracePeriod, "grace-period", controller.DefaultGracePeriod, "how long running requests and streams may take to finish after SIGTERM; the pod's terminationGracePeriodSeconds must be at least "+controller.ShutdownMargin.String()+" longer")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	f.StringVar(&o.adminListen, "admin-listen", "127.0.0.1:8082", "address of the admin listener: circuits, routes and events; it asks nobody who they are; empty or 0: off")
	f.StringVar(&o.debugListen, "debug-listen", "", "loopback address for /debug/pprof/ and /debug/config; empty: off")
	f.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", namespace, "namespace of the leader's lease")
	f.StringVar(&o.healthProbeBindAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0: off")
	f.StringVar(&o.metricsBindAddress, "metrics-bind-address", ":8443", "address of /metrics; 0: off")
	f.BoolVar(&o.metricsSecure, "metrics-secure", true, "serve metrics over TLS, to those whom the API server authorizes only")
	f.StringVar(&o.metricsCertPath, "metrics-cert-path", "", "directory of the metrics server's certificate; empty: self-signed")
	f.StringVar(&o.metricsCertName, "metrics-cert-name", "tls.crt", "file name of that certificate")
	f.StringVar(&o.metricsKeyName, "metrics-cert-key", "tls.key", "file name of its key")
	return cmd
}

// run wires the operator and runs it until ctx ends.
func (o *operatorOptions) run(ctx context.Context, stderr io.Writer) error {
	log, err := newLogger(stderr, o.logLevel, o.logFormat)
	if err != nil {
		return err
	}
	cidrs, err := o.validate()
	if err != nil {
		return err
	}
	rc, err := restConfig()
	if err != nil {
		return err
	}
	adminListener, err := listenForAdmin("--admin-listen", o.adminListen)
	if err != nil {
		return err
	}
	useLogger(log)
	relay, feed := controller.NewRelay(), admin.NewFeed()
	plane := gateway.New(gateway.Options{
		Logger:            log,
		DefaultNamespace:  o.defaultNamespace,
		MaxBodyBytes:      o.maxBodyBytes,
		MaxBufferedBytes:  o.maxBufferedBytes,
		AllowBackendCIDRs: cidrs,
		OnTransition: func(t gateway.Transition) {
			relay.OnTransition(t)
			feed.OnTransition(t)
		},
		OnRefusal: feed.OnRefusal,
	})
	server, err := gateway.NewServer(plane, gateway.ServerOptions{
		Listen: o.listen, TLSCertFile: o.tlsCertFile, TLSKeyFile: o.tlsKeyFile, Logger: log,
	})
	if err != nil {
		return fmt.Errorf("preparing the listener: %w", err)
	}
	crmetrics.Registry.MustRegister(plane, buildVersion().collector())
	mgr, err := controller.NewManager(rc, controller.Options{
		Metrics:                 o.metrics(),
		HealthProbeBindAddress:  o.healthProbeBindAddress,
		LeaderElectionNamespace: o.leaderElectionNamespace,
		GracePeriod:             o.gracePeriod,
		Compile:                 compile.Options{AllowPlaintextCredentials: o.allowPlaintextCredentials, AllowBackendCIDRs: cidrs},
		Gateway:                 plane,
		Listener:                server,
		Relay:                   relay,
		Admin:                   controller.AdminOptions{Listener: adminListener, Address: o.adminListen, Feed: feed},
	})
	if err != nil {
		return err
	}
	if err := o.addDebugServer(mgr, plane); err != nil {
		return err
	}
	log.Info("Starting", "version", buildVersion().String(), "apiServer", rc.Host, "defaultNamespace", o.defaultNamespace)
	return o.start(ctx, mgr, log)
}

// restConfig finds the API server. It is called before the logger is in use,
// because the library also logs what it returns.
func restConfig() (*rest.Config, error) {
	const advice = "point --kubeconfig or KUBECONFIG at a file that can be read, or run in a cluster"
	rc, err := crconfig.GetConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errors.New("there is no kubeconfig: " + advice)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w; %s", err, advice)
	}
	return rc, nil
}

func (o *operatorOptions) start(ctx context.Context, mgr ctrl.Manager, log *slog.Logger) error {
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the operator: %w", err)
	}
	log.Info("Stopped")
	return nil
}

// validate looks at what no other part looks at.
func (o *operatorOptions) validate() ([]netip.Prefix, error) {
	var cidrs []netip.Prefix
	for _, raw := range o.allowBackendCIDRs {
		p, err := netip.ParsePrefix(raw)
		if err != nil {
			return nil, fmt.Errorf("--allow-backend-cidr %q: want a network such as 10.0.0.0/8", raw)
		}
		cidrs = append(cidrs, p)
	}
	if (o.tlsCertFile == "") != (o.tlsKeyFile == "") {
		return nil, fmt.Errorf("--tls-cert-file and --tls-key-file belong together: give both or neither")
	}
	for name, n := range map[string]int64{"--max-body-bytes": o.maxBodyBytes, "--max-buffered-bytes": o.maxBufferedBytes} {
		if n <= 0 {
			return nil, fmt.Errorf("%s %d: want a number of bytes above 0", name, n)
		}
	}
	if o.gracePeriod < 0 {
		return nil, fmt.Errorf("--grace-period %s: want 0 or more", o.gracePeriod)
	}
	if o.debugListen != "" {
		if err := checkLoopback(o.debugListen); err != nil {
			return nil, err
		}
	}
	return cidrs, nil
}

func (o *operatorOptions) metrics() metricsserver.Options {
	m := metricsserver.Options{
		BindAddress:   o.metricsBindAddress,
		SecureServing: o.metricsSecure,
		CertDir:       o.metricsCertPath,
		CertName:      o.metricsCertName,
		KeyName:       o.metricsKeyName,
	}
	if o.metricsSecure {
		m.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return m
}

func (o *operatorOptions) addDebugServer(mgr ctrl.Manager, g *gateway.Gateway) error {
	if o.debugListen == "" {
		return nil
	}
	server, err := newDebugServer(o.debugListen, g.DumpConfig)
	if err != nil {
		return err
	}
	if err := mgr.Add(server); err != nil {
		return fmt.Errorf("adding the debug listener: %w", err)
	}
	return nil
}
