package controller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/internal/fleet"
)

// List has the one object that the reader has.
func (r *reader) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if r.fail != nil {
		return r.fail
	}
	if r.object != nil {
		list.(*unstructured.UnstructuredList).Items = []unstructured.Unstructured{*r.object()}
	}
	return nil
}

// watching has a reconciler look at one other replica, whose report never
// changes, in a bubble.
func watching(t *testing.T, play func(t *testing.T, r *GatewayReplicaReconciler, c *recorder, members *int)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		members := 0
		c := &recorder{}
		r := &GatewayReplicaReconciler{
			Cache: &reader{object: func() *unstructured.Unstructured { return foreign(1, "") }}, Client: c,
			Fleet: NewFleet(newFakeGateway()), Own: NewReporter(ReplicaOptions{Name: "own", Namespace: "ns"}),
			Leading: func() bool { return true },
			OnChange: func(_ context.Context, c change) {
				if c.members {
					members++
				}
			},
		}
		play(t, r, c, &members)
	})
}

func (r *GatewayReplicaReconciler) again(t *testing.T) time.Duration {
	t.Helper()
	result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "r"}})
	if err != nil {
		t.Fatal(err)
	}
	return result.RequeueAfter
}

func TestAReplicaThatFallsSilentExpiresAndGoes(t *testing.T) {
	for name, leads := range map[string]bool{"where this process leads": true, "where it does not": false} {
		t.Run(name, func(t *testing.T) {
			watching(t, func(t *testing.T, r *GatewayReplicaReconciler, c *recorder, members *int) {
				r.Leading = func() bool { return leads }
				begun := time.Now()
				wait := r.again(t)
				if *members != 1 || wait != fleet.Expiry {
					t.Errorf("at first it counts %d times and is looked at in %s", *members, wait)
				}
				time.Sleep(wait)
				wait = r.again(t)
				if *members != 2 || len(r.Fleet.live()) != 0 || c.deleted {
					t.Errorf("after %s: %d changes, deleted %v", time.Since(begun), *members, c.deleted)
				}
				time.Sleep(wait)
				wait = r.again(t)
				if c.deleted != leads || time.Since(begun) != fleet.Expiry+fleet.Retention {
					t.Errorf("after %s: deleted %v, want %v", time.Since(begun), c.deleted, leads)
				}
				if want := map[bool]time.Duration{false: followerRecheck}[leads]; wait != want {
					t.Errorf("it is looked at again in %s, want %s", wait, want)
				}
				if *members != 2 {
					t.Errorf("%d changes of who counts, want 2", *members)
				}
			})
		})
	}
}

func TestANewLeaderWaitsForReports(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(*testing.T, *GatewayReplicaReconciler)
		want    time.Duration
	}{
		"that are there":   {func(t *testing.T, r *GatewayReplicaReconciler) { r.again(t) }, 0},
		"that are too old": {func(t *testing.T, r *GatewayReplicaReconciler) { r.again(t); time.Sleep(fleet.Expiry) }, gatherFor},
		"not taken yet":    {func(*testing.T, *GatewayReplicaReconciler) {}, gatherFor},
		"of nobody else":   {func(_ *testing.T, r *GatewayReplicaReconciler) { r.Cache = &reader{} }, 0},
		"taken meanwhile": {func(t *testing.T, r *GatewayReplicaReconciler) {
			time.AfterFunc(2*time.Second, func() { r.again(t) })
		}, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			watching(t, func(t *testing.T, r *GatewayReplicaReconciler, _ *recorder, _ *int) {
				tc.prepare(t, r)
				begun := time.Now()
				r.gather(t.Context())
				if took := time.Since(begun); took < tc.want || took > tc.want+gatherEvery {
					t.Errorf("it waited %s, want %s", took, tc.want)
				}
			})
		})
	}
}
