package controller

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	crmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/status"
)

// assembly wires the parts to one another.
type assembly struct {
	ctrl.Manager
	options Options
	leader  *Leader
	store   *Store
	budget  *WriteBudget

	fleet    *Fleet
	reporter *Reporter
	replicas *GatewayReplicaReconciler
	snapshot *SnapshotReconciler
	policies *CircuitPolicyReconciler
	routes   *ProviderRouteReconciler
	story    *Storyteller
	events   *EventWriter
	metrics  *configmetrics.Metrics
}

func newAssembly(mgr ctrl.Manager, o Options, leader *Leader) *assembly {
	a := &assembly{
		Manager: mgr, options: o, leader: leader, store: NewStore(), budget: NewWriteBudget(),
		fleet: NewFleet(o.Gateway), reporter: NewReporter(o.Replica), metrics: configmetrics.New(),
	}
	c := mgr.GetClient()
	a.events = NewEventWriter(c, a.budget, leader.Leading)
	a.story = &Storyteller{Client: c, Store: a.store, Observer: a.fleet, Events: a.events}
	writer := &statusWriter{client: c, budget: a.budget, leading: leader.Leading}
	secrets := NewSecretFinder(mgr.GetAPIReader())
	if o.SecretRecheck > 0 {
		secrets.Recheck = o.SecretRecheck
	}
	a.policies = &CircuitPolicyReconciler{Client: c, Store: a.store, Fleet: a.fleet, Story: a.story, writer: writer}
	a.routes = &ProviderRouteReconciler{Client: c, Store: a.store, Fleet: a.fleet, Story: a.story, Secrets: secrets, writer: writer}
	a.snapshot = &SnapshotReconciler{Client: c, DataPlane: o.Gateway, Store: a.store, Options: o.Compile, metrics: a.metrics}
	a.replicas = &GatewayReplicaReconciler{Cache: mgr.GetCache(), Client: c, Fleet: a.fleet, Own: a.reporter, Leading: leader.Leading}
	return a
}

// enqueue has the status of these objects looked at.
func (a *assembly) enqueue(policies, routes []types.NamespacedName) {
	a.policies.enqueuer.add(policies...)
	a.routes.enqueuer.add(routes...)
}

func (a *assembly) assemble() error {
	a.snapshot.OnChange = func(policies, routes []types.NamespacedName) {
		a.enqueue(policies, routes)
		a.reporter.OnConfigured()
	}
	a.leader.Prepare = a.replicas.gather
	a.leader.OnGain = func() { a.enqueue(a.store.all()) }
	a.replicas.OnChange = a.onReplica
	r := a.reporter
	r.Client, r.Live, r.Gateway, r.Configuration = a.GetClient(), a.GetAPIReader(), a.options.Gateway, a.snapshot.configuration
	a.budget.OnGrant = func(key WriteKey) {
		switch key.Kind {
		case policyKind:
			a.policies.enqueuer.add(key.NamespacedName)
		case routeKind:
			a.routes.enqueuer.add(key.NamespacedName)
		case eventKind:
			a.events.onGrant()
		}
	}
	relay := a.options.Relay
	relay.Store, relay.Observer, relay.Leading, relay.Enqueue = a.store, a.fleet, a.leader.Leading, a.enqueue
	relay.Report = r.OnTransition
	relay.Tell = func(ctx context.Context, t gateway.Transition) { a.tell(ctx, t, "") }
	served := a.listener()
	for _, r := range []ctrlRunnable{a.leader, a.budget, a.events, relay, r, served} {
		if err := a.Add(r); err != nil {
			return fmt.Errorf("adding a part to the manager: %w", err)
		}
	}
	for _, setup := range []func(ctrl.Manager) error{
		a.snapshot.SetupWithManager, a.policies.SetupWithManager, a.routes.SetupWithManager, a.replicas.SetupWithManager,
	} {
		if err := setup(a.Manager); err != nil {
			return err
		}
	}
	if err := addHealthChecks(a.Manager, a.store, r, served); err != nil {
		return err
	}
	if err := a.addAdmin(status.ObserveLocal(a.options.Gateway)); err != nil {
		return err
	}
	return a.register(append(a.metrics.Collectors(), leaderGauge(a.leader.Leading), replicasGauge(a.fleet)))
}

// listener returns the gateway's listener, which opens when there is a first
// configuration, and no other process has this one's name.
func (a *assembly) listener() *Listener {
	return &Listener{
		Server: a.options.Listener, Close: a.options.Gateway.Close, Delay: a.options.ShutdownDelay, Grace: a.options.GracePeriod,
		Applied: a.store.Applied(), Admitted: a.reporter.admitted, Released: a.leader.Released(),
		OnServing: sync.OnceFunc(func() { close(a.reporter.serving) }),
		OnDrained: sync.OnceFunc(func() { close(a.reporter.drained) }),
	}
}

// onReplica acts on what is new about a replica.
func (a *assembly) onReplica(ctx context.Context, c change) {
	compiled := a.store.Load()
	for _, trip := range c.trips {
		if p := compiled.policyOf(trip.Policy); p != nil && p.SharesTrips {
			a.options.Gateway.Warn(trip.Policy, trip.Circuit)
		}
	}
	if !a.leader.Leading() {
		return
	}
	a.options.Relay.enqueue(c.policies)
	switch {
	case c.members: // every policy counts the replicas
		policies, _ := a.store.all()
		a.enqueue(policies, a.routes.pending.all())
	case c.configuration:
		a.enqueue(a.policies.pending.all(), a.routes.pending.all())
	}
	for _, t := range c.transitions {
		own, known := a.fleet.ownCircuit(t.Policy, t.Circuit)
		if p := compiled.policyOf(t.Policy); known && p != nil {
			told := t.Transition
			told.Circuit, told.Namespace, told.Name = own.Key, p.Namespace, p.Name
			a.tell(ctx, told, c.replica)
		}
	}
}

// tell has an Event written about a replica's transition, of this one if the
// name is empty, if it changes what the circuit is like over all replicas.
func (a *assembly) tell(ctx context.Context, t gateway.Transition, replica string) {
	if a.fleet.isNews(t, replica) {
		a.story.Transition(ctx, t)
	}
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
