package controller

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/fleet"
)

const (
	// gatherFor is how long a new leader waits for reports at most, and gatherEvery
	// how often it looks.
	gatherFor, gatherEvery = 5 * time.Second, 50 * time.Millisecond
	// followerRecheck is when a replica that does not lead looks at an expired
	// report again, which it may have to delete by then.
	followerRecheck = time.Minute
)

// GatewayReplicaReconciler takes note of what the other replicas report, on every
// replica, so that any of them can lead at once.
type GatewayReplicaReconciler struct {
	Cache   client.Reader
	Client  client.Client
	Fleet   *Fleet
	Own     *Reporter
	Leading func() bool
	// OnChange is told what is new about a replica.
	OnChange func(context.Context, change)

	saidForeign string // the instance that was complained of
}

// Reconcile takes what is new, and has it expire when its time has come.
func (r *GatewayReplicaReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	o := newReplica(req.Namespace, req.Name)
	if err := r.Cache.Get(ctx, req.NamespacedName, o); apierrors.IsNotFound(err) {
		r.OnChange(ctx, r.Fleet.forget(req.Name))
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading gateway replica %s: %w", req.NamespacedName, err)
	}
	if req.Name == r.Own.Name {
		r.lookAtOwn(ctx, o)
		return ctrl.Result{}, nil
	}
	if c, isNew := r.Fleet.take(o); isNew {
		if c.err != nil {
			ctrl.LoggerFrom(ctx).Error(c.err, "A replica's report is ignored", "replica", req.Name)
		}
		r.OnChange(ctx, c)
	}
	return r.expire(ctx, o)
}

// expire has the report looked at again when it will be too old, and deleted
// when it has been for long.
func (r *GatewayReplicaReconciler) expire(ctx context.Context, o *unstructured.Unstructured) (ctrl.Result, error) {
	age, c := r.Fleet.expire(o.GetName())
	if c.members {
		ctrl.LoggerFrom(ctx).Info("A replica has not reported for long and counts no more", "replica", o.GetName(), "seen", age.Round(time.Second).String()+" ago")
		r.OnChange(ctx, c)
	}
	switch gone := fleet.Expiry + fleet.Retention; {
	case age < fleet.Expiry:
		return ctrl.Result{RequeueAfter: fleet.Expiry - age}, nil
	case age < gone:
		return ctrl.Result{RequeueAfter: gone - age}, nil
	case !r.Leading():
		return ctrl.Result{RequeueAfter: followerRecheck}, nil
	}
	// Unless it has changed meanwhile.
	uid, version := o.GetUID(), o.GetResourceVersion()
	err := r.Client.Delete(ctx, o, client.Preconditions{UID: &uid, ResourceVersion: &version})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return ctrl.Result{}, fmt.Errorf("deleting the report of replica %s, which is gone: %w", o.GetName(), err)
	}
	return ctrl.Result{}, nil
}

// lookAtOwn complains of another process that writes this one's report: two that
// began at the same moment did not see one another.
func (r *GatewayReplicaReconciler) lookAtOwn(ctx context.Context, o *unstructured.Unstructured) {
	select {
	case <-r.Own.admitted:
	default:
		return // the reporter is looking itself
	}
	instance := instanceOf(o)
	if r.Own.isOwn(o) || instance == r.saidForeign {
		return
	}
	r.saidForeign = instance
	ctrl.LoggerFrom(ctx).Error(errSameName, "Another process reports as this replica", "replica", r.Own.Name, "instance", instance)
}

// gather waits until every replica that can be seen has reported lately, for 5
// seconds at most: a new leader must not write a poorer truth over a richer one.
func (r *GatewayReplicaReconciler) gather(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, gatherFor)
	defer cancel()
	tick := time.NewTicker(gatherEvery)
	defer tick.Stop()
	for !r.complete(ctx) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *GatewayReplicaReconciler) complete(ctx context.Context) bool {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(replicaKind + "List"))
	if err := r.Cache.List(ctx, list, client.InNamespace(r.Own.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return false // the cache has not synced
	}
	others := list.Items[:0:0]
	for _, o := range list.Items {
		if o.GetName() != r.Own.Name {
			others = append(others, o)
		}
	}
	return r.Fleet.complete(others)
}

// SetupWithManager registers the controller, with one worker: reports are taken
// in their order.
func (r *GatewayReplicaReconciler) SetupWithManager(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named("gatewayreplica").
		For(newReplica("", "")).
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("registering the gateway replica controller: %w", err)
	}
	return nil
}
