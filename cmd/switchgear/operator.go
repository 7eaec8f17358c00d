package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/types"
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
	gatewayFlags
	namespaces                      []string
	adminListen                     string
	leaderElectionNamespace         string
	replicaName                     string
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
	o.add(f, ":8080", namespace, controller.DefaultShutdownDelay, "; the pod's terminationGracePeriodSeconds must be at least "+controller.ShutdownMargin.String()+" and the shutdown delay longer")
	f.StringArrayVar(&o.namespaces, "namespace", nil, "namespace whose resources are served; may be repeated; none: all, which takes rights in all of them")
	f.StringVar(&o.adminListen, "admin-listen", "127.0.0.1:8082", "address of the admin listener: circuits, routes and events; it asks nobody who they are; empty or 0: off")
	f.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", namespace, "namespace of the leader's lease")
	f.StringVar(&o.replicaName, "replica-name", ownName(), "name of this replica among the others, by default the pod's; its GatewayReplica is in the namespace of the lease")
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
	if problems := content.IsDNS1123Subdomain(o.replicaName); len(problems) > 0 {
		return fmt.Errorf("--replica-name %q: %s", o.replicaName, strings.Join(problems, "; "))
	}
	if err := o.validateNamespaces(ownNamespace()); err != nil {
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
	exports, err := startTelemetry(ctx, log, crmetrics.Registry)
	if err != nil {
		return err
	}
	defer exports.Shutdown()
	relay, feed := controller.NewRelay(), admin.NewFeed()
	plane, server, err := o.newGateway(log, cidrs, exports.Tracer(), feed, relay.OnTransition)
	if err != nil {
		return err
	}
	crmetrics.Registry.MustRegister(plane, buildVersion().collector())
	mgr, err := controller.NewManager(rc, controller.Options{
		Metrics:                 o.metrics(),
		HealthProbeBindAddress:  o.healthProbeBindAddress,
		LeaderElectionNamespace: o.leaderElectionNamespace,
		Namespaces:              o.namespaces,
		Replica:                 o.replica(),
		ShutdownDelay:           o.shutdownDelay,
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

// replica says who this process is. The Pod's UID comes by the downward API.
func (o *operatorOptions) replica() controller.ReplicaOptions {
	r := controller.ReplicaOptions{Name: o.replicaName, Namespace: o.leaderElectionNamespace, Version: buildVersion().Version}
	if pod, uid := os.Getenv("POD_NAME"), os.Getenv("POD_UID"); pod != "" && uid != "" {
		r.Pod, r.PodUID = pod, types.UID(uid)
	}
	return r
}

func (o *operatorOptions) start(ctx context.Context, mgr ctrl.Manager, log *slog.Logger) error {
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the operator: %w", err)
	}
	log.Info("Stopped")
	return nil
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
