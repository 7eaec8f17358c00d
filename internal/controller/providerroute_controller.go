package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/status"
)

// +kubebuilder:rbac:groups=switchgear.dev,resources=providerroutes/status,verbs=patch

const routeKind = "ProviderRoute"

// ProviderRouteReconciler writes the status of provider routes while this
// process leads.
type ProviderRouteReconciler struct {
	client.Client
	Store   *Store
	Fleet   *Fleet
	Story   *Storyteller
	Secrets *SecretFinder

	writer   *statusWriter
	enqueuer enqueuer
	pending  pending
}

// Reconcile fetches, computes, compares and writes once.
func (r *ProviderRouteReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	key := WriteKey{routeKind, req.NamespacedName}
	if !r.writer.leading() {
		r.writer.forget(key)
		return ctrl.Result{}, nil
	}
	route := &v1alpha1.ProviderRoute{}
	if err := r.Get(ctx, req.NamespacedName, route); apierrors.IsNotFound(err) {
		r.writer.forget(key)
		r.pending.note(req.NamespacedName, false)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading provider route %s: %w", req.NamespacedName, err)
	}
	result, seen := r.Store.Load().route(route)
	if result == nil || r.writer.stale(key, route) {
		return ctrl.Result{}, nil // enqueued again when that has changed
	}
	problems, again, err := r.refine(ctx, route.Namespace, result)
	if err != nil {
		return ctrl.Result{}, err
	}
	r.pending.note(req.NamespacedName, true) // before it is known: a report may come meanwhile
	observed, _ := r.Fleet.ObserveRoute(route.Namespace, route.Name)
	next := status.OfRoute(status.RouteInput{
		Route: route, Result: result, Problems: problems, Observed: observed,
		Reach: r.Fleet.Reach(seen.Version, routeVersion), Now: time.Now(),
	})
	if meta.IsStatusConditionTrue(next.Conditions, v1alpha1.ConditionProgrammed) {
		r.pending.note(req.NamespacedName, false)
	}
	if equality.Semantic.DeepEqual(route.Status, next) {
		r.writer.budget.Drop(key)
		return ctrl.Result{RequeueAfter: again}, nil
	}
	class := RouteState
	if equality.Semantic.DeepEqual(routeCounters(route.Status), routeCounters(next)) {
		class = RouteCounters
	}
	written, err := r.writer.write(ctx, key, class, route, &next)
	if written {
		r.Story.routeWritten(route, next)
	}
	return ctrl.Result{RequeueAfter: again}, err
}

// refine tells Secrets that are not there from those that lack the label. The
// cache knows neither; so where one is missing, the API server is asked now and
// again, because neither appears in any watch.
func (r *ProviderRouteReconciler) refine(ctx context.Context, namespace string, result *compile.RouteResult) ([]compile.Problem, time.Duration, error) {
	notFound := func(p compile.Problem) bool { return p.Reason == v1alpha1.ReasonSecretNotFound }
	if !slices.ContainsFunc(result.Problems, notFound) {
		return result.Problems, 0, nil
	}
	again := r.Secrets.Recheck
	unlabelled := map[string]bool{}
	for _, name := range result.Secrets {
		key := types.NamespacedName{Namespace: namespace, Name: name}
		if err := r.Get(ctx, key, &corev1.Secret{}); !apierrors.IsNotFound(err) {
			if err != nil {
				return nil, 0, fmt.Errorf("reading secret %s: %w", key, err)
			}
			continue
		}
		exists, answered, err := r.Secrets.Exists(ctx, key)
		if err != nil {
			return nil, 0, err
		}
		if !answered {
			again = time.Second
		}
		unlabelled[name] = exists
	}
	return status.RefineProblems(result.Problems, namespace, unlabelled), again, nil
}

// statusControllerOptions are those of both status controllers. The longest
// wait after errors is short: the budget bounds what the API server is asked.
func statusControllerOptions() controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: 4,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](100*time.Millisecond, 10*time.Second),
	}
}

// SetupWithManager registers the controller. It looks at every event of a
// route, so that a status that somebody else has changed is put right.
func (r *ProviderRouteReconciler) SetupWithManager(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named("providerroute").
		For(&v1alpha1.ProviderRoute{}).
		WatchesRawSource(r.enqueuer.source()).
		WithOptions(statusControllerOptions()).
		Complete(r)
	if err != nil {
		return fmt.Errorf("registering the provider route controller: %w", err)
	}
	return nil
}
