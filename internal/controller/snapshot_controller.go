package controller

import (
	"context"
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/configmetrics"
	"github.com/switchgear/switchgear/internal/gateway"
)

// +kubebuilder:rbac:groups=switchgear.dev,resources=circuitpolicies;providerroutes,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch

// DataPlane is what the snapshot reconciler drives.
type DataPlane interface {
	Apply(*gateway.Snapshot)
	Reset(policyID string)
	Restore(policyID, circuit string, s gateway.SavedCircuit)
	Warn(policyID, circuit string) bool
}

// SnapshotReconciler makes what the cache holds the gateway's configuration, on
// every replica. All events mean the same to it, so they share one key and
// however many come while it works bring one more run.
type SnapshotReconciler struct {
	client.Client
	DataPlane DataPlane
	Store     *Store
	Options   compile.Options
	// OnChange is told the objects whose result changed, after it was applied.
	OnChange func(policies, routes []types.NamespacedName)

	metrics  *configmetrics.Metrics
	lastGood *compile.LastGood
	resets   resets
}

// snapshotKey is the one key of the controller's queue.
var snapshotKey = types.NamespacedName{Name: "snapshot"}

// Reconcile lists, compiles and applies.
func (r *SnapshotReconciler) Reconcile(ctx context.Context, _ ctrl.Request) (_ ctrl.Result, err error) {
	done := r.metrics.Started()
	defer func() { done(err) }()
	in, err := r.list(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	result := compile.Compile(in, r.lastGood, r.Options)
	r.lastGood = result.LastGood
	r.DataPlane.Apply(result.Snapshot)

	next, last := newCompiled(result), r.Store.Load()
	if last == nil { // before anybody is served
		last = &Compiled{Result: &compile.Result{}}
		for _, p := range in.Policies {
			restore(r.DataPlane, p)
		}
	}
	next.newest = newestOf(in)
	for _, p := range in.Policies {
		if r.resets.due(p) {
			r.DataPlane.Reset(compile.PolicyID(p))
			ctrl.LoggerFrom(ctx).Info("Reset circuits", "namespace", p.Namespace, "policy", p.Name, "request", resetRequest(p))
		}
		next.policies[client.ObjectKeyFromObject(p)] = firstSeen(last.policies, p, resetRequest(p))
	}
	r.resets.retain(in.Policies)
	for _, route := range in.Routes {
		next.routes[client.ObjectKeyFromObject(route)] = firstSeen(last.routes, route, "")
	}
	r.Store.store(next)
	r.metrics.CountRejected(result)
	policies, routes := changed(last, next)
	r.OnChange(policies, routes)
	ctrl.LoggerFrom(ctx).V(1).Info("Applied a configuration", "version", result.Snapshot.Version,
		"policies", len(in.Policies), "routes", len(in.Routes), "changed", len(policies)+len(routes))
	return ctrl.Result{}, nil
}

// list reads everything from the cache, without copying it: compile only reads.
func (r *SnapshotReconciler) list(ctx context.Context) (compile.Input, error) {
	var (
		policies v1alpha1.CircuitPolicyList
		routes   v1alpha1.ProviderRouteList
		secrets  corev1.SecretList
		in       compile.Input
	)
	if err := r.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
		return in, fmt.Errorf("listing circuit policies: %w", err)
	}
	if err := r.List(ctx, &routes, client.UnsafeDisableDeepCopy); err != nil {
		return in, fmt.Errorf("listing provider routes: %w", err)
	}
	if err := r.List(ctx, &secrets, client.UnsafeDisableDeepCopy); err != nil {
		return in, fmt.Errorf("listing secrets: %w", err)
	}
	in.Policies = pointers(policies.Items)
	in.Routes = pointers(routes.Items)
	in.Secrets = pointers(secrets.Items)
	return in, nil
}

func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
}

// changed returns the objects whose status may have to be written anew.
func changed(before, after *Compiled) (policies, routes []types.NamespacedName) {
	for key, r := range after.Result.Policies {
		if before.policies[key] != after.policies[key] || !reflect.DeepEqual(before.Result.Policies[key], r) {
			policies = append(policies, key)
		}
	}
	for key, r := range after.Result.Routes {
		if before.routes[key] != after.routes[key] || !reflect.DeepEqual(before.Result.Routes[key], r) {
			routes = append(routes, key)
		}
	}
	return policies, routes
}

// SetupWithManager registers the controller, with one worker.
func (r *SnapshotReconciler) SetupWithManager(mgr ctrl.Manager) error {
	r.resets = resets{}
	one := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: snapshotKey}}
	})
	err := ctrl.NewControllerManagedBy(mgr).
		Named("snapshot").
		Watches(&v1alpha1.CircuitPolicy{}, one, builder.WithPredicates(specChanged())).
		Watches(&v1alpha1.ProviderRoute{}, one, builder.WithPredicates(specChanged())).
		Watches(&corev1.Secret{}, one, builder.WithPredicates(secretChanged())).
		WatchesRawSource(startWith(snapshotKey)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("registering the snapshot controller: %w", err)
	}
	return nil
}
