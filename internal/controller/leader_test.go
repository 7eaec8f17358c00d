package controller

import (
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

func (op *operator) lease(t *testing.T) *coordinationv1.Lease {
	t.Helper()
	l := &coordinationv1.Lease{}
	if err := op.Get(t.Context(), client.ObjectKey{Namespace: op.namespace, Name: leaseName}, l); err != nil {
		t.Fatal(err)
	}
	return l
}

// holdLease gives the lease to another for so long.
func (op *operator) holdLease(t *testing.T, holder string, d time.Duration) {
	t.Helper()
	waitFor(t, "the lease to be given to "+holder, func() error {
		l := op.lease(t)
		now, length := metav1.NowMicro(), int32(d.Seconds())
		l.Spec.HolderIdentity, l.Spec.AcquireTime, l.Spec.RenewTime, l.Spec.LeaseDurationSeconds = &holder, &now, &now, &length
		return op.Update(t.Context(), l) // until no renewal comes in between
	})
}

func TestLosingTheLeaseStopsStatusAndNothingElse(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	op.holdLease(t, "another", time.Hour)
	waitFor(t, "the lease to be lost", func() error {
		if op.relay.Leading() {
			return fmt.Errorf("still leading")
		}
		return nil
	})

	before := len(op.writes.all())
	op.open(p, "5 consecutive failures: 5 × HTTP 503")
	snapshot := op.gateway.applied()
	op.create(t, newPolicy("late"))
	waitFor(t, "the configuration to go on", func() error {
		if op.gateway.applied() == snapshot {
			return fmt.Errorf("no new snapshot was applied")
		}
		return nil
	})
	stays(t, 2*tickPeriod, func() error {
		if all := op.writes.all(); len(all) != before {
			return fmt.Errorf("written without the lease: %v", all[before:])
		}
		return nil
	})
	if s := op.policy(t, "openai").Status.State; s != v1alpha1.CircuitClosed {
		t.Errorf("state is %s, but nobody led", s)
	}

	op.holdLease(t, "", time.Second)
	op.waitState(t, "openai", v1alpha1.CircuitOpen)
	op.waitState(t, "late", v1alpha1.CircuitClosed)
	waitFor(t, "the event about what happened meanwhile", func() error {
		if n := len(op.events(t, "openai")); n != 1 {
			return fmt.Errorf("%d events, want 1", n)
		}
		return nil
	})
}

func TestTerminationReleasesTheLeaseThenDrains(t *testing.T) {
	op := startOperator(t)
	waitFor(t, "readiness", func() error { return get(op.readyz, 200) })
	op.listener.drained = make(chan struct{})
	stopped := make(chan struct{})
	go func() { op.stop(); close(stopped) }()
	<-op.listener.shutting
	if holder := op.lease(t).Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the drain began while %q held the lease", *holder)
	}
	if err := get(op.readyz, 500); err != nil {
		t.Errorf("readiness while draining: %v", err)
	}
	close(op.listener.drained)
	<-stopped
	if !op.gateway.closed {
		t.Error("the gateway was not closed")
	}
}
