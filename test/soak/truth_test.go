package soak

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// truth is what there is to say of a policy over all replicas.
type truth struct {
	State                     v1alpha1.CircuitState
	FailureCount, HealthScore int32
	Queued                    int32
	Replicas                  string
}

// worseness orders states, the worst first.
var worseness = map[v1alpha1.CircuitState]int{open: 0, halfOpen: 1, closed: 2}

// truths draws it from what the replicas themselves say, independently of the
// leader: the worst circuit, and the sum of what waits.
func (s *stage) truths(ctx context.Context) (map[string]truth, error) {
	out, opened := map[string]truth{}, map[string]int{}
	for _, r := range s.replicas {
		items, err := circuits(ctx, r.now())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		for name, i := range items {
			now := truth{State: i.Status.State, FailureCount: i.Status.FailureCount, HealthScore: i.Status.HealthScore}
			if now.State == open {
				opened[name]++
			}
			if worst, known := out[name]; known && compare(worst, now) <= 0 {
				now = worst
			}
			now.Queued = out[name].Queued + i.Status.Queued
			out[name] = now
		}
	}
	for name, t := range out {
		t.Replicas = fmt.Sprintf("%d/%d", opened[name], numReplicas)
		out[name] = t
	}
	return out, nil
}

// compare puts the worse first.
func compare(a, b truth) int {
	return cmp.Or(
		cmp.Compare(worseness[a.State], worseness[b.State]),
		cmp.Compare(a.HealthScore, b.HealthScore),
		cmp.Compare(b.FailureCount, a.FailureCount))
}

// statusIsTrue says in what the status of a policy or a route is not true; nil: in
// nothing.
func (s *stage) statusIsTrue(ctx context.Context) error {
	want, err := s.truths(ctx)
	if err != nil {
		return err
	}
	var policies v1alpha1.CircuitPolicyList
	var routes v1alpha1.ProviderRouteList
	for _, list := range []client.ObjectList{&policies, &routes} {
		if err := kube.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return err
		}
	}
	got := map[string]truth{}
	var errs []error
	for _, o := range policies.Items {
		st := o.Status
		now := truth{State: st.State, FailureCount: st.FailureCount, HealthScore: st.HealthScore, Queued: st.Queued}
		if st.Replicas != nil {
			now.Replicas = st.Replicas.Summary
		}
		got[o.Name] = now
		errs = append(errs, ready("policy "+o.Name, o.Generation, st.Conditions))
		if healthy := meta.IsStatusConditionTrue(st.Conditions, v1alpha1.ConditionHealthy); st.State != halfOpen && healthy != (st.State == closed) {
			errs = append(errs, fmt.Errorf("policy %s is %s, and Healthy: %t", o.Name, st.State, healthy))
		}
	}
	for _, o := range routes.Items {
		errs = append(errs, ready("route "+o.Name, o.Generation, o.Status.Conditions))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		errs = append(errs, fmt.Errorf("what the replicas say (-), and status (+):\n%s", diff))
	}
	return errors.Join(errs...)
}

// ready says why an object is not Ready at its present generation.
func ready(what string, generation int64, conditions []metav1.Condition) error {
	c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if c == nil || c.Status != metav1.ConditionTrue || c.ObservedGeneration != generation {
		return fmt.Errorf("%s is not Ready at generation %d: %+v", what, generation, c)
	}
	return nil
}
