package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// view is what `kubectl get circuitpolicies --watch` shows.
type view struct {
	watcher watch.Interface

	mu       sync.Mutex
	statuses map[string]v1alpha1.CircuitPolicyStatus // guarded by mu
	// opened is when each was first seen not to be closed, and ages are how old the
	// last transition was that a status told of; both since reset.
	opened map[string]time.Time // guarded by mu
	ages   []time.Duration      // guarded by mu
}

func (s *stage) newView(ctx context.Context) (*view, error) {
	var list v1alpha1.CircuitPolicyList
	if err := s.client.List(ctx, &list, client.InNamespace(stageNamespace)); err != nil {
		return nil, err
	}
	watcher, err := s.client.Watch(ctx, &v1alpha1.CircuitPolicyList{}, client.InNamespace(stageNamespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		return nil, err
	}
	v := &view{watcher: watcher, statuses: map[string]v1alpha1.CircuitPolicyStatus{}}
	v.reset()
	for i := range list.Items {
		v.statuses[list.Items[i].Name] = list.Items[i].Status
	}
	go v.run()
	return v, nil
}

func (v *view) run() {
	for e := range v.watcher.ResultChan() {
		if p, ok := e.Object.(*v1alpha1.CircuitPolicy); ok {
			v.see(p, time.Now())
		}
	}
}

func (v *view) stop() { v.watcher.Stop() }

func (v *view) see(p *v1alpha1.CircuitPolicy, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.statuses[p.Name] = p.Status
	if _, seen := v.opened[p.Name]; !seen && p.Status.State != v1alpha1.CircuitClosed {
		v.opened[p.Name] = now
	}
	if t := p.Status.LastTransition; t != nil {
		v.ages = append(v.ages, now.Sub(t.Time.Time))
	}
}

func (v *view) reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.opened, v.ages = map[string]time.Time{}, nil
}

// all reports whether every status is so.
func (v *view) all(is func(v1alpha1.CircuitPolicyStatus) bool) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.statuses {
		if !is(s) {
			return false
		}
	}
	return true
}

// seenOpen is when each policy was first seen not to be closed.
func (v *view) seenOpen() map[string]time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.opened)
}

func (v *view) agesSeen() []time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.ages)
}

func closed(s v1alpha1.CircuitPolicyStatus) bool { return s.State == v1alpha1.CircuitClosed }

// onReplicas reports whether a status counts so many replicas.
func onReplicas(n int) func(v1alpha1.CircuitPolicyStatus) bool {
	return func(s v1alpha1.CircuitPolicyStatus) bool { return s.Replicas != nil && int(s.Replicas.Total) == n }
}
