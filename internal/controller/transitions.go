package controller

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/status"
)

const (
	// tickPeriod is how often changed counters are looked for.
	tickPeriod = time.Second
	// maxQueuedTransitions bounds what a stalled relay holds; status is computed
	// from what is observed, so that only Events can be lost.
	maxQueuedTransitions = 10000
)

// Relay brings what happens in the gateway to the status reconcilers: each
// transition at once, changed counters every second.
type Relay struct {
	Store    *Store
	Observer status.Observer
	Leading  func() bool
	// Enqueue has the status of these objects looked at.
	Enqueue func(policies, routes []types.NamespacedName)
	// Tell has an Event written about a transition.
	Tell func(context.Context, gateway.Transition)
	// Report has this process report on itself.
	Report func()

	wake chan struct{}

	mu    sync.Mutex
	queue []gateway.Transition // guarded by mu
}

// NewRelay returns a relay; its exported fields are set before Start.
func NewRelay() *Relay { return &Relay{wake: make(chan struct{}, 1)} }

// OnTransition takes a transition from the gateway. It never blocks.
func (r *Relay) OnTransition(t gateway.Transition) {
	r.mu.Lock()
	if len(r.queue) < maxQueuedTransitions {
		r.queue = append(r.queue, t)
	}
	r.mu.Unlock()
	signal(r.wake)
	if r.Report != nil {
		r.Report()
	}
}

// Start relays until ctx ends.
func (r *Relay) Start(ctx context.Context) error {
	ticker := time.NewTicker(tickPeriod)
	defer ticker.Stop()
	var restless []string
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
			r.relay(ctx)
		case <-ticker.C:
			if r.Leading() {
				restless = r.tick(restless)
			}
		}
	}
}

// NeedLeaderElection has the manager start the relay on every replica.
func (*Relay) NeedLeaderElection() bool { return false }

func (r *Relay) relay(ctx context.Context) {
	r.mu.Lock()
	transitions := r.queue
	r.queue = nil
	r.mu.Unlock()
	if !r.Leading() {
		return
	}
	ids := make([]string, 0, len(transitions))
	for _, t := range transitions {
		ids = append(ids, t.Circuit.Policy)
	}
	r.enqueue(ids)
	for _, t := range transitions {
		r.Tell(ctx, t)
	}
}

// tick enqueues what has something to tell, and what had a second ago. It
// returns the former.
func (r *Relay) tick(before []string) []string {
	now := r.Observer.Restless()
	if len(now) > 0 || len(before) > 0 {
		r.enqueue(append(before, now...))
	}
	return now
}

// enqueue enqueues the policies of these IDs and the routes that use them, each
// once.
func (r *Relay) enqueue(policyIDs []string) {
	compiled := r.Store.Load()
	if compiled == nil {
		return
	}
	var policies, routes []types.NamespacedName
	done := map[string]bool{}
	routed := map[types.NamespacedName]bool{}
	for _, id := range policyIDs {
		if done[id] {
			continue
		}
		done[id] = true
		if p := compiled.policyByID[id]; p != nil && p.Name != "" {
			policies = append(policies, types.NamespacedName{Namespace: p.Namespace, Name: p.Name})
		}
		for _, route := range compiled.users[id] {
			if !routed[route] {
				routed[route] = true
				routes = append(routes, route)
			}
		}
	}
	r.Enqueue(policies, routes)
}
