package controller

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// DefaultGracePeriod is how long running requests and streams may take to
// finish after SIGTERM: as long as the longest stream that a policy's default
// streamTotal allows. The pod's terminationGracePeriodSeconds must be longer by
// at least the shutdown delay and ShutdownMargin.
const DefaultGracePeriod = time.Hour

// ShutdownMargin is what ending takes beside the grace period: giving the lease
// back, with an API server that may be gone, and stopping the rest.
const ShutdownMargin = 30 * time.Second

// DefaultShutdownDelay is how long the listener stays open after SIGTERM: as long
// as it usually takes for a Pod's end to reach whoever sends it requests.
const DefaultShutdownDelay = 5 * time.Second

// The metrics server asks who a client is and what it may.
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// Options are what the operator is made with.
type Options struct {
	Metrics                metricsserver.Options
	HealthProbeBindAddress string
	// LeaderElectionNamespace is where the lease lives.
	LeaderElectionNamespace string
	// Namespaces are the ones whose resources are read; none: all.
	Namespaces []string
	// Replica says who this process is among the replicas.
	Replica ReplicaOptions
	// ShutdownDelay and GracePeriod are the Listener's.
	ShutdownDelay, GracePeriod time.Duration
	Compile                    compile.Options
	// Gateway is the data plane, and what is observed.
	Gateway GatewayPlane
	// Listener serves the gateway.
	Listener DataPlaneServer
	// Relay is told the gateway's transitions; NewManager wires the rest of it.
	Relay *Relay
	// Admin has the admin listener, which is off by default.
	Admin AdminOptions
	// Registry takes the controllers' own metrics; default controller-runtime's.
	Registry prometheus.Registerer
	// SecretRecheck is how often a Secret that is missing is asked for; default
	// 20 seconds.
	SecretRecheck time.Duration
	// SkipNameValidation lets one process run more than one manager, for tests.
	SkipNameValidation bool
}

// GatewayPlane is a gateway in this process.
type GatewayPlane interface {
	DataPlane
	FleetGateway
	ReportedGateway
	Close()
}

var _ GatewayPlane = (*gateway.Gateway)(nil)

// NewManager returns the operator, ready to start. Nothing waits for the API
// server to be there, neither at the start nor later.
func NewManager(rc *rest.Config, o Options) (ctrl.Manager, error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, err
	}
	never := false
	shutdown := o.ShutdownDelay + o.GracePeriod + ShutdownMargin
	mgr, err := ctrl.NewManager(rc, ctrl.Options{
		Scheme:                  scheme,
		MapperProvider:          newMapper,
		Cache:                   cacheOptions(o.Namespaces, o.Replica.Namespace),
		Metrics:                 o.Metrics,
		HealthProbeBindAddress:  o.HealthProbeBindAddress,
		LeaderElection:          false, // Leader has its own
		GracefulShutdownTimeout: &shutdown,
		Controller: config.Controller{
			NeedLeaderElection: &never,
			CacheSyncTimeout:   math.MaxInt64, // readiness says what is waited for
			SkipNameValidation: &o.SkipNameValidation,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the manager: %w", err)
	}
	leader, err := NewLeader(rc, o.LeaderElectionNamespace)
	if err != nil {
		return nil, err
	}
	return mgr, newAssembly(mgr, o, leader).assemble()
}

// cacheOptions keeps what the operator reads and no more: what is in these
// namespaces, or in all if there are none; of Secrets those whose owner has
// consented, of replicas those in the operator's own namespace, of nothing the
// managed fields. Each namespace is listed and watched by itself, so that a Role
// in it is right enough.
func cacheOptions(namespaces []string, own string) cache.Options {
	read := map[string]cache.Config{}
	for _, ns := range namespaces {
		read[ns] = cache.Config{}
	}
	return cache.Options{
		NewInformer:       newStubbornInformer,
		DefaultTransform:  cache.TransformStripManagedFields(),
		DefaultNamespaces: read,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {Label: labels.SelectorFromSet(labels.Set{
				v1alpha1.CredentialsLabel: v1alpha1.CredentialsLabelValue,
			})},
			&v1alpha1.GatewayReplica{}: {Namespaces: map[string]cache.Config{own: {}}},
		},
	}
}
