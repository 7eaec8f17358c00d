package controller

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// Store keeps what was last compiled and applied, for the status reconcilers.
type Store struct {
	current atomic.Pointer[Compiled]
	once    sync.Once
	applied chan struct{}
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{applied: make(chan struct{})} }

// Load returns what was last applied; nil before the first time.
func (s *Store) Load() *Compiled { return s.current.Load() }

// Applied is closed once a first configuration has been applied.
func (s *Store) Applied() <-chan struct{} { return s.applied }

func (s *Store) store(c *Compiled) {
	s.current.Store(c)
	s.once.Do(func() { close(s.applied) })
}

// Compiled is one result of compiling, and what it was made of. It is immutable.
type Compiled struct {
	Result *compile.Result
	// policies and routes tell which state of each object was compiled.
	policies map[types.NamespacedName]seen
	routes   map[types.NamespacedName]seen
	// policyByID has the live policies, the built-in ones, which have no object,
	// included.
	policyByID map[string]*gateway.Policy
	// newest is the highest resourceVersion of each kind that was compiled.
	newest v1alpha1.ReplicaConfiguration
	// users are the routes that have a circuit of the policy, by its ID.
	users map[string][]types.NamespacedName
}

// seen is the state of an object that was compiled.
type seen struct {
	UID        types.UID
	Generation int64
	// Reset is the last request to reset that this process knows to be done.
	Reset string
	// Version is the resourceVersion at which this process first saw this
	// generation.
	Version string
}

// policyOf returns the live policy of that ID; nil if there is none.
func (c *Compiled) policyOf(id string) *gateway.Policy {
	if c == nil {
		return nil
	}
	return c.policyByID[id]
}

// firstSeen returns the state of an object, as it was when this process first
// compiled its present generation.
func firstSeen(before map[types.NamespacedName]seen, o client.Object, reset string) seen {
	now := seen{o.GetUID(), o.GetGeneration(), reset, o.GetResourceVersion()}
	if was := before[client.ObjectKeyFromObject(o)]; was.UID == now.UID && was.Generation == now.Generation {
		now.Version = was.Version
	}
	return now
}

func newCompiled(r *compile.Result) *Compiled {
	c := &Compiled{
		Result:     r,
		policies:   make(map[types.NamespacedName]seen, len(r.Policies)),
		routes:     make(map[types.NamespacedName]seen, len(r.Routes)),
		policyByID: make(map[string]*gateway.Policy, len(r.Policies)),
		users:      map[string][]types.NamespacedName{},
	}
	for _, p := range r.Snapshot.Policies {
		c.policyByID[p.ID] = p
	}
	for _, route := range r.Snapshot.Routes {
		key := types.NamespacedName{Namespace: route.Namespace, Name: route.Name}
		for _, m := range route.Matches {
			for _, circuit := range m.Circuits {
				users := c.users[circuit.Policy]
				if len(users) == 0 || users[len(users)-1] != key {
					c.users[circuit.Policy] = append(users, key)
				}
			}
		}
	}
	return c
}

// policy returns the result of compiling the policy as it is now, and what is
// known of that state; nil if it has not been compiled in this state yet.
func (c *Compiled) policy(p *v1alpha1.CircuitPolicy) (*compile.PolicyResult, seen) {
	key := client.ObjectKeyFromObject(p)
	if c == nil || !c.policies[key].is(p) {
		return nil, seen{}
	}
	return c.Result.Policies[key], c.policies[key]
}

// route returns the result of compiling the route as it is now, and what is
// known of that state; nil if it has not been compiled in this state yet.
func (c *Compiled) route(r *v1alpha1.ProviderRoute) (*compile.RouteResult, seen) {
	key := client.ObjectKeyFromObject(r)
	if c == nil || !c.routes[key].is(r) {
		return nil, seen{}
	}
	return c.Result.Routes[key], c.routes[key]
}

func (s seen) is(o client.Object) bool {
	return s.UID == o.GetUID() && s.Generation == o.GetGeneration()
}

// all returns the keys of everything that was compiled.
func (s *Store) all() (policies, routes []types.NamespacedName) {
	c := s.Load()
	if c == nil {
		return nil, nil
	}
	return slices.Collect(maps.Keys(c.policies)), slices.Collect(maps.Keys(c.routes))
}

// usersOf returns the routes of the namespace that use the circuit, in order of
// precedence.
func (c *Compiled) usersOf(namespace string, circuit gateway.CircuitKey) []types.NamespacedName {
	var out []types.NamespacedName
	for _, r := range c.Result.Snapshot.Routes {
		uses := r.Namespace == namespace && slices.ContainsFunc(r.Matches, func(m gateway.Match) bool { return slices.Contains(m.Circuits, circuit) })
		if uses {
			out = append(out, types.NamespacedName{Namespace: r.Namespace, Name: r.Name})
		}
	}
	return out
}
