package controller

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

func TestWhatIsTakenOverFromStatus(t *testing.T) {
	at := metav1.NewTime(time.Now().Truncate(time.Second))
	probe := metav1.NewTime(at.Add(30 * time.Second))
	open := func(replicas int32) v1alpha1.CircuitStatus {
		return v1alpha1.CircuitStatus{Name: "m", State: v1alpha1.CircuitOpen, OpenedTime: &at, NextProbeTime: &probe, BackoffLevel: 2, OpenReplicas: replicas}
	}
	half := v1alpha1.CircuitStatus{Name: "m", State: v1alpha1.CircuitHalfOpen, OpenedTime: &at, OpenReplicas: 3}
	forced := v1alpha1.CircuitStatus{Name: "m", State: v1alpha1.CircuitOpen, OpenReplicas: 3}
	closed := v1alpha1.CircuitStatus{Name: "m", State: v1alpha1.CircuitClosed, FailureCount: 4}
	const restored = "id m level 2, open for 30s"
	for name, tc := range map[string]struct {
		circuit  v1alpha1.CircuitStatus
		replicas *v1alpha1.ReplicaSummary
		restored []string
		warned   []string
	}{
		"open on all":               {open(4), &v1alpha1.ReplicaSummary{Total: 4}, []string{restored}, nil},
		"open on half":              {open(2), &v1alpha1.ReplicaSummary{Total: 4}, []string{restored}, nil},
		"open on fewer than half":   {open(2), &v1alpha1.ReplicaSummary{Total: 5}, nil, []string{"id m"}},
		"open on the only one":      {open(1), &v1alpha1.ReplicaSummary{Total: 1}, []string{restored}, nil},
		"nobody counted":            {open(0), nil, []string{restored}, nil},
		"half-open: a probe is due": {half, &v1alpha1.ReplicaSummary{Total: 3}, []string{fmt.Sprintf("id m level 0, open for %s", time.Time{}.Sub(at.Time))}, nil},
		"forced open by hand":       {forced, &v1alpha1.ReplicaSummary{Total: 3}, nil, nil},
		"closed, though ill":        {closed, &v1alpha1.ReplicaSummary{Total: 3}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPolicy("p")
			p.UID = "id"
			p.Status = v1alpha1.CircuitPolicyStatus{Circuits: []v1alpha1.CircuitStatus{tc.circuit}, Replicas: tc.replicas}
			plane := newFakeGateway()
			restore(plane, p)
			if diff := cmp.Diff([][]string{tc.restored, tc.warned}, [][]string{plane.restored, plane.warned}); diff != "" {
				t.Errorf("restored and warned (-want +got):\n%s", diff)
			}
		})
	}
}

// TestARestartGoesOnFromStatus: and what opened the circuit stays told, once.
func TestARestartGoesOnFromStatus(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	op.create(t, newRoute("chat", "gpt-4o"))
	op.open(p, "5 consecutive failures: 5 × HTTP 503")
	before := op.waitState(t, "openai", v1alpha1.CircuitOpen).Status
	op.stop()
	again := startOperatorIn(t, op.Client, op.namespace)
	waitFor(t, "the restored circuit", func() error {
		again.gateway.mu.Lock()
		defer again.gateway.mu.Unlock()
		want := fmt.Sprintf("%s %s level 0, open for 30s", p.UID, resting("").Key.String())
		if diff := cmp.Diff([]string{want}, again.gateway.restored); diff != "" {
			return fmt.Errorf("restored (-want +got):\n%s", diff)
		}
		return nil
	})
	waitFor(t, "the new process to lead", func() error {
		if !again.relay.Leading() {
			return fmt.Errorf("not the leader")
		}
		return nil
	})
	stays(t, 2*tickPeriod, func() error {
		s := again.policy(t, "openai").Status
		if s.State != v1alpha1.CircuitOpen || s.LastTransition.Reason != "ConsecutiveFailures" || s.OpenCount != 1 || !s.OpenedTime.Equal(before.OpenedTime) {
			return fmt.Errorf("status became %+v", s)
		}
		if n := len(again.events(t, "openai")); n != 1 {
			return fmt.Errorf("%d events, want the one from before", n)
		}
		return nil
	})
}
