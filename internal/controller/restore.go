package controller

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// restore has a process that starts go on from what a policy's status says. A
// circuit that at least half of the replicas had open starts open, so that a
// rollout does not bring a provider that is down the failures of each new
// process; one that fewer had open starts warned. Nothing starts closed by it
// that was not, and how long it stays open the gateway bounds, whatever the
// clocks say.
func restore(plane DataPlane, p *v1alpha1.CircuitPolicy) {
	total := int32(1)
	if p.Status.Replicas != nil {
		total = p.Status.Replicas.Total
	}
	id := compile.PolicyID(p)
	for _, c := range p.Status.Circuits {
		switch {
		case c.State == v1alpha1.CircuitClosed || c.OpenedTime == nil:
			// Without a time it was a hand on the switch, which is in the spec.
		case c.OpenReplicas == 0 || 2*c.OpenReplicas >= total: // 0: of a version that did not count
			plane.Restore(id, c.Name, gateway.SavedCircuit{
				Opened: c.OpenedTime.Time, NextProbe: timeOf(c.NextProbeTime), BackoffLevel: int(c.BackoffLevel),
			})
		default:
			plane.Warn(id, c.Name)
		}
	}
}

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
