package admin

import (
	"context"
	"maps"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/status"
)

// statuses computes what the items say. The status that an object had, which
// times depend on, is the resource's; where no resource keeps one, it is what was
// computed last.
type statuses struct {
	source   Source
	observer status.Observer
	now      func() time.Time

	// turn is held from the observation on: what is remembered must come in the
	// order in which it was observed.
	turn     sync.Mutex
	opened   status.OpenCounts                    // guarded by turn
	policies memory[v1alpha1.CircuitPolicyStatus] // guarded by turn
	routes   memory[v1alpha1.ProviderRouteStatus] // guarded by turn
}

func newStatuses(source Source, observer status.Observer, now func() time.Time) *statuses {
	return &statuses{
		source: source, observer: observer, now: now,
		policies: memory[v1alpha1.CircuitPolicyStatus]{},
		routes:   memory[v1alpha1.ProviderRouteStatus]{},
	}
}

// circuitItems returns the items of all policies, or of the one of that key.
func (s *statuses) circuitItems(ctx context.Context, only types.NamespacedName) ([]CircuitItem, error) {
	objects, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	alive := keysOf(objects.Policies)
	s.opened.Retain(alive)
	s.policies.retain(alive)
	chosen := choose(objects.Policies, only)
	items := make([]CircuitItem, len(chosen))
	for i, p := range chosen {
		o := p.Object
		items[i] = CircuitItem{o.Namespace, o.Name, o.CreationTimestamp, o.Spec.Mode, o.Status}
		if p.Result != nil {
			items[i].Status = s.ofPolicy(p)
		}
	}
	return items, nil
}

// ofPolicy is called with turn held.
func (s *statuses) ofPolicy(p Policy) v1alpha1.CircuitPolicyStatus {
	o := *p.Object
	kept := o.Status.ObservedGeneration != 0
	if !kept {
		o.Status = s.policies.of(&o)
	}
	observed := s.observer.ObservePolicy(compile.PolicyID(&o))
	now := status.OfPolicy(status.PolicyInput{
		Policy:    &o,
		Result:    p.Result,
		Observed:  observed,
		OpenCount: s.opened.Count(&o, observed.Opens),
		LastReset: p.LastReset,
		Now:       s.now(),
	})
	if !kept {
		s.policies.keep(&o, now)
	}
	return now
}

// routeItems returns the items of all routes, or of the one of that key.
func (s *statuses) routeItems(ctx context.Context, only types.NamespacedName) ([]RouteItem, error) {
	objects, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	s.routes.retain(keysOf(objects.Routes))
	chosen := choose(objects.Routes, only)
	items := make([]RouteItem, len(chosen))
	for i, r := range chosen {
		o := r.Object
		items[i] = RouteItem{o.Namespace, o.Name, o.CreationTimestamp, o.Status}
		if r.Result != nil {
			items[i].Status = s.ofRoute(r)
		}
	}
	return items, nil
}

// ofRoute is called with turn held.
func (s *statuses) ofRoute(r Route) v1alpha1.ProviderRouteStatus {
	o := *r.Object
	kept := o.Status.ObservedGeneration != 0
	if !kept {
		o.Status = s.routes.of(&o)
	}
	observed, _ := s.observer.ObserveRoute(o.Namespace, o.Name)
	now := status.OfRoute(status.RouteInput{
		Route: &o, Result: r.Result, Problems: r.Problems, Observed: observed, Now: s.now(),
	})
	if !kept {
		s.routes.keep(&o, now)
	}
	return now
}

// memory has the last statuses of objects that keep none themselves.
type memory[S any] map[types.NamespacedName]remembered[S]

type remembered[S any] struct {
	uid    types.UID
	status S
}

func (m memory[S]) keep(o metav1.Object, s S) { m[keyOf(o)] = remembered[S]{o.GetUID(), s} }

// of returns the status that an object had, the zero one if it is new.
func (m memory[S]) of(o metav1.Object) S {
	last := m[keyOf(o)]
	if last.uid != o.GetUID() {
		last = remembered[S]{}
	}
	return last.status
}

func (m memory[S]) retain(alive map[types.NamespacedName]bool) {
	maps.DeleteFunc(m, func(key types.NamespacedName, _ remembered[S]) bool { return !alive[key] })
}
