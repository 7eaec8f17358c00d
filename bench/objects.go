package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// fillers is how many requests are under way at once where there are many to make.
const fillers = 16

// suffix is what tells objects from one another, in all that is said of them.
func suffix(i int) string { return fmt.Sprintf("-%05d", i) }

func nameOf(i int) string  { return "object" + suffix(i) }
func modelOf(i int) string { return "model" + suffix(i) }

// policyOf trips at once and stays open for five seconds.
func policyOf(i int) *v1alpha1.CircuitPolicy {
	return &v1alpha1.CircuitPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: stageNamespace, Name: nameOf(i)},
		Spec: v1alpha1.CircuitPolicySpec{
			FailureThreshold: new(int32(1)), SuccessThreshold: new(int32(1)),
			ResetTimeout: new(v1alpha1.Duration("5s")),
		},
	}
}

func (s *stage) routeOf(i int) *v1alpha1.ProviderRoute {
	return &v1alpha1.ProviderRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: stageNamespace, Name: nameOf(i)},
		Spec: v1alpha1.ProviderRouteSpec{
			Models: []string{modelOf(i)},
			Retry:  &v1alpha1.Retry{MaxAttempts: new(int32(1))},
			Backends: []v1alpha1.Backend{{
				Name: "first", Type: v1alpha1.BackendOpenAI, URL: s.upstream.url + "/v1",
				CircuitPolicyRef: &v1alpha1.CircuitPolicyReference{Name: nameOf(i)},
			}},
		},
	}
}

// statuses are those of the policy and the route of number 0, at rest, in JSON.
type statuses struct{ policy, route string }

// of reads the status of another object out of number 0's.
func (statuses) of(text string, i int, into any) error {
	return json.Unmarshal([]byte(strings.ReplaceAll(text, suffix(0), suffix(i))), into)
}

// learnStatuses has an operator write the status of one policy and one route. It
// writes 15 a second; those of all others are then put there at once.
func (s *stage) learnStatuses(ctx context.Context) error {
	if err := s.setObjects(ctx, 1); err != nil {
		return err
	}
	if err := s.startOperators(ctx, 1); err != nil {
		return err
	}
	p, r := policyOf(0), s.routeOf(0)
	_, err := s.until(ctx, "the first statuses", func() (bool, error) {
		if err := s.client.Get(ctx, client.ObjectKeyFromObject(p), p); err != nil {
			return false, err
		}
		if err := s.client.Get(ctx, client.ObjectKeyFromObject(r), r); err != nil {
			return false, err
		}
		return meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) && len(p.Status.Circuits) == 1 &&
			meta.IsStatusConditionTrue(r.Status.Conditions, v1alpha1.ConditionReady), nil
	})
	if err != nil {
		return err
	}
	for _, one := range []struct {
		from any
		to   *string
	}{{p.Status, &s.statuses.policy}, {r.Status, &s.statuses.route}} {
		text, err := json.Marshal(one.from)
		if err != nil {
			return err
		}
		*one.to = string(text)
	}
	return s.stopOperators(ctx)
}

// setObjects makes so many policies and routes and no others, with the statuses
// that the operator would write, as far as they are known.
func (s *stage) setObjects(ctx context.Context, n int) error {
	for _, kind := range []client.Object{&v1alpha1.ProviderRoute{}, &v1alpha1.CircuitPolicy{}} {
		if err := s.client.DeleteAllOf(ctx, kind, client.InNamespace(stageNamespace)); err != nil {
			return err
		}
	}
	s.objects = n
	return s.each(ctx, func(ctx context.Context, i int) error {
		p, r := policyOf(i), s.routeOf(i)
		if err := s.client.Create(ctx, p); err != nil {
			return err
		}
		if err := s.client.Create(ctx, r); err != nil {
			return err
		}
		if s.statuses.policy == "" {
			return nil
		}
		if err := s.statuses.of(s.statuses.policy, i, &p.Status); err != nil {
			return err
		}
		if err := s.statuses.of(s.statuses.route, i, &r.Status); err != nil {
			return err
		}
		if err := s.client.Status().Update(ctx, p); err != nil {
			return err
		}
		return s.client.Status().Update(ctx, r)
	})
}

// each does something for every object, some of them at once.
func (s *stage) each(ctx context.Context, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fillers)
	for i := range s.objects {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}
