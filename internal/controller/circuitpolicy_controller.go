package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/status"
)

// +kubebuilder:rbac:groups=switchgear.dev,resources=circuitpolicies/status,verbs=patch

const policyKind = "CircuitPolicy"

// CircuitPolicyReconciler writes the status of circuit policies while this
// process leads.
type CircuitPolicyReconciler struct {
	client.Client
	Store *Store
	Fleet *Fleet
	Story *Storyteller

	writer   *statusWriter
	enqueuer enqueuer
	opened   status.OpenCounts
	pending  pending
}

// Reconcile fetches, computes, compares and writes once.
func (r *CircuitPolicyReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	key := WriteKey{policyKind, req.NamespacedName}
	if !r.writer.leading() {
		r.writer.forget(key)
		return ctrl.Result{}, nil
	}
	p := &v1alpha1.CircuitPolicy{}
	if err := r.Get(ctx, req.NamespacedName, p); apierrors.IsNotFound(err) {
		r.writer.forget(key)
		r.opened.Forget(req.NamespacedName)
		r.pending.note(req.NamespacedName, false)
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading circuit policy %s: %w", req.NamespacedName, err)
	}
	result, seen := r.Store.Load().policy(p)
	if result == nil || r.writer.stale(key, p) {
		return ctrl.Result{}, nil // enqueued again when that has changed
	}
	r.pending.note(req.NamespacedName, true) // before it is known: a report may come meanwhile
	observed := r.Fleet.ObservePolicy(compile.PolicyID(p))
	now := time.Now()
	next := status.OfPolicy(status.PolicyInput{
		Policy:    p,
		Result:    result,
		Observed:  observed,
		OpenCount: r.opened.Count(p, observed.Opens),
		Reach:     r.Fleet.Reach(seen.Version, policyVersion),
		LastReset: seen.Reset,
		Now:       now,
	})
	if meta.IsStatusConditionTrue(next.Conditions, v1alpha1.ConditionProgrammed) {
		r.pending.note(req.NamespacedName, false)
	}
	if equality.Semantic.DeepEqual(p.Status, next) {
		r.writer.budget.Drop(key)
		return untilOverrideEnds(p, now), nil
	}
	class := PolicyState
	if equality.Semantic.DeepEqual(policyCounters(p.Status), policyCounters(next)) {
		class = PolicyCounters
	}
	written, err := r.writer.write(ctx, key, class, p, &next)
	if written {
		r.Story.policyWritten(ctx, p, next, observed.News)
	}
	return untilOverrideEnds(p, now), err
}

// untilOverrideEnds has a policy looked at again when its override ends: one
// without circuits has no transition that would tell.
func untilOverrideEnds(p *v1alpha1.CircuitPolicy, now time.Time) ctrl.Result {
	if p.Spec.Override == nil || p.Spec.Override.Until == nil {
		return ctrl.Result{}
	}
	return ctrl.Result{RequeueAfter: max(0, p.Spec.Override.Until.Sub(now))}
}

// SetupWithManager registers the controller. It looks at every event of a
// policy, so that a status that somebody else has changed is put right.
func (r *CircuitPolicyReconciler) SetupWithManager(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named("circuitpolicy").
		For(&v1alpha1.CircuitPolicy{}).
		WatchesRawSource(r.enqueuer.source()).
		WithOptions(statusControllerOptions()).
		Complete(r)
	if err != nil {
		return fmt.Errorf("registering the circuit policy controller: %w", err)
	}
	return nil
}
