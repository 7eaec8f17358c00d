package controller

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/status"
)

// DefaultGracePeriod is how long running requests and streams may take to
// finish after SIGTERM: as long as the longest stream that a policy's default
// streamTotal allows. The pod's terminationGracePeriodSeconds must be longer by
// at least ShutdownMargin.
const DefaultGracePeriod = time.Hour

// ShutdownMargin is what ending takes beside the grace period: giving the lease
// back, with an API server that may be gone, and stopping the rest.
const ShutdownMargin = 30 * time.Second

// The metrics server asks who a client is and what it may.
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// Options are what the operator is made with.
type Options struct {
	Metrics                metricsserver.Options
	HealthProbeBindAddress string
	// LeaderElectionNamespace is where the lease lives.
	LeaderElectionNamespace string
	GracePeriod             time.Duration
	Compile                 compile.Options
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
	status.LocalGateway
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
	shutdown := o.GracePeriod + ShutdownMargin
	mgr, err := ctrl.NewManager(rc, ctrl.Options{
		Scheme:                  scheme,
		MapperProvider:          newMapper,
		Cache:                   cacheOptions(),
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
	return mgr, (&assembly{Manager: mgr, options: o, leader: leader, store: NewStore(), budget: NewWriteBudget()}).assemble()
}

// cacheOptions keeps what the operator reads and no more: of Secrets those whose
// owner has consented, of nothing the managed fields.
func cacheOptions() cache.Options {
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {Label: labels.SelectorFromSet(labels.Set{
				v1alpha1.CredentialsLabel: v1alpha1.CredentialsLabelValue,
			})},
		},
	}
}

// assembly wires the parts to one another.
type assembly struct {
	ctrl.Manager
	options Options
	leader  *Leader
	store   *Store
	budget  *WriteBudget
}

func (a *assembly) assemble() error {
	observer := status.ObserveLocal(a.options.Gateway)
	events := NewEventWriter(a.GetClient(), a.budget, a.leader.Leading)
	writer := &statusWriter{client: a.GetClient(), budget: a.budget, leading: a.leader.Leading}
	secrets := NewSecretFinder(a.GetAPIReader())
	if a.options.SecretRecheck > 0 {
		secrets.Recheck = a.options.SecretRecheck
	}
	story := &Storyteller{Client: a.GetClient(), Store: a.store, Observer: observer, Events: events}
	policies := &CircuitPolicyReconciler{Client: a.GetClient(), Store: a.store, Observer: observer, Story: story, writer: writer}
	routes := &ProviderRouteReconciler{
		Client: a.GetClient(), Store: a.store, Observer: observer, Story: story, writer: writer,
		Secrets: secrets,
	}
	enqueue := func(p, r []types.NamespacedName) {
		policies.enqueuer.add(p...)
		routes.enqueuer.add(r...)
	}
	metrics := configmetrics.New()
	snapshot := &SnapshotReconciler{
		Client: a.GetClient(), DataPlane: a.options.Gateway, Store: a.store,
		Options: a.options.Compile, OnChange: enqueue, metrics: metrics,
	}
	a.leader.OnGain = func(context.Context) { enqueue(a.store.all()) }
	a.budget.OnGrant = func(key WriteKey) {
		switch key.Kind {
		case policyKind:
			policies.enqueuer.add(key.NamespacedName)
		case routeKind:
			routes.enqueuer.add(key.NamespacedName)
		case eventKind:
			events.onGrant()
		}
	}
	relay := a.options.Relay
	relay.Store, relay.Observer, relay.Leading, relay.Enqueue = a.store, observer, a.leader.Leading, enqueue
	relay.Tell = story.Transition

	served := &Listener{
		Server: a.options.Listener, Close: a.options.Gateway.Close, Grace: a.options.GracePeriod,
		Applied: a.store.Applied(), Released: a.leader.Released(),
	}
	for _, r := range []ctrlRunnable{a.leader, a.budget, events, relay, served} {
		if err := a.Add(r); err != nil {
			return fmt.Errorf("adding a part to the manager: %w", err)
		}
	}
	for _, setup := range []func(ctrl.Manager) error{
		snapshot.SetupWithManager, policies.SetupWithManager, routes.SetupWithManager,
	} {
		if err := setup(a.Manager); err != nil {
			return err
		}
	}
	if err := addHealthChecks(a.Manager, a.store, served); err != nil {
		return err
	}
	if err := a.addAdmin(observer); err != nil {
		return err
	}
	return a.register(append(metrics.Collectors(), leaderGauge(a.leader.Leading)))
}

// ctrlRunnable is a part that says whether it needs to lead: one that does not
// say counts as one that does.
type ctrlRunnable interface {
	Start(context.Context) error
	NeedLeaderElection() bool
}

func (a *assembly) register(collectors []prometheus.Collector) error {
	registry := a.options.Registry
	if registry == nil {
		registry = crmetrics.Registry
	}
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}
