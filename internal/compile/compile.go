package compile

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

// Input is everything that the configuration is made of. No two objects of one
// kind have the same namespace and name. The order means nothing. The objects
// are only read.
type Input struct {
	Policies []*v1alpha1.CircuitPolicy
	Routes   []*v1alpha1.ProviderRoute
	// Secrets are those with the label [v1alpha1.CredentialsLabel]. One without
	// it is not used, and said to lack it.
	Secrets []*corev1.Secret
}

// Options are what the process was started with.
type Options struct {
	// AllowPlaintextCredentials permits credentials over plain http://.
	AllowPlaintextCredentials bool
	// AllowLoopbackPlaintext permits credentials over plain http:// to loopback
	// addresses and localhost.
	AllowLoopbackPlaintext bool
	// AllowBackendCIDRs are those of the gateway.
	AllowBackendCIDRs []netip.Prefix
}

// Compile makes the configuration. last is the previous result's LastGood, nil
// at first; it is only read. The options are the same each time.
func Compile(in Input, last *LastGood, o Options) *Result {
	if last == nil {
		last = &LastGood{}
	}
	c := &compilation{
		options: o,
		last:    last,
		next:    newLastGood(in),
		secrets: newSecretIndex(in.Secrets),
		result: &Result{
			Snapshot: &gateway.Snapshot{},
			Policies: make(map[types.NamespacedName]*PolicyResult, len(in.Policies)),
			Routes:   make(map[types.NamespacedName]*RouteResult, len(in.Routes)),
		},
		policies: make(map[types.NamespacedName]*policy, len(in.Policies)),
		limiter:  newCircuitLimiter(max(len(in.Routes), last.circuits)),
		version:  newVersionHash(),
	}
	policies := sorted(in.Policies)
	routes := sorted(in.Routes)
	c.compilePolicies(policies)
	c.compileRoutes(routes)
	c.finishPolicies(policies)
	c.next.circuits = len(c.limiter.seen)
	c.result.Snapshot.Version = c.version.String()
	c.result.LastGood = c.next
	return c.result
}

// compilation is the state of one call of Compile.
type compilation struct {
	options Options
	last    *LastGood
	next    *LastGood
	result  *Result

	secrets  secretIndex
	policies map[types.NamespacedName]*policy // those that are live
	limiter  *circuitLimiter
	version  versionHash
	scratch  []resolution // of the route at hand
}

// compilePolicies enters the live version of each policy.
func (c *compilation) compilePolicies(policies []*v1alpha1.CircuitPolicy) {
	c.result.Snapshot.Policies = make([]*gateway.Policy, 0, len(policies))
	for _, p := range policies {
		id := identityOf(p)
		e := newPolicyEntry(p, c.last.policies[id])
		c.next.policies[id] = e
		c.result.Policies[keyOf(p)] = e.result
		c.version.object("CircuitPolicy", p, e.result.LiveGeneration, &p.Spec)
		if e.live != nil {
			c.policies[keyOf(p)] = e.live
			c.result.Snapshot.Policies = append(c.result.Snapshot.Policies, &e.live.Policy)
		}
	}
}

// compileRoutes enters the live version of each route. Conflicts are settled
// first, over all routes; then each stands for itself.
func (c *compilation) compileRoutes(routes []*v1alpha1.ProviderRoute) {
	c.result.Snapshot.Routes = make([]*gateway.Route, 0, len(routes))
	entries, lasts := make([]*routeEntry, len(routes)), make([]*routeEntry, len(routes))
	matches := 0
	for i, r := range routes {
		lasts[i] = c.last.routes[identityOf(r)]
		entries[i] = newRouteEntry(r, lasts[i], &c.options)
		if entries[i].live != nil {
			matches += len(entries[i].live.patterns)
		}
	}
	claims := newClaims(matches)
	for i, r := range routes {
		e := entries[i]
		e.resolved = c.resolve(r, e, lasts[i], claims.stake(r, e.live))
		route, result := c.limiter.limit(e.resolved)
		c.next.routes[identityOf(r)] = e
		c.result.Routes[keyOf(r)] = result
		c.version.object("ProviderRoute", r, result.LiveGeneration, &r.Spec)
		if route != nil {
			c.result.Snapshot.Routes = append(c.result.Snapshot.Routes, route)
		}
	}
}

// finishPolicies adds what only the routes could tell: the built-in policies
// that are in use, and the policies that have too many circuits.
func (c *compilation) finishPolicies(policies []*v1alpha1.CircuitPolicy) {
	if c.limiter.over {
		c.blamePolicies(policies)
	}
	builtIn := make([]*gateway.Policy, 0, len(c.next.builtIn))
	for _, p := range c.next.builtIn {
		builtIn = append(builtIn, &p.Policy)
	}
	slices.SortFunc(builtIn, func(a, b *gateway.Policy) int { return cmp.Compare(a.Namespace, b.Namespace) })
	c.result.Snapshot.Policies = append(c.result.Snapshot.Policies, builtIn...)
}

// blamePolicies tells of the policies that have too many circuits.
func (c *compilation) blamePolicies(policies []*v1alpha1.CircuitPolicy) {
	for _, p := range policies {
		live := c.policies[keyOf(p)]
		if live == nil {
			continue
		}
		if n := c.limiter.count[live.ID]; n > maxCircuits {
			r := *c.result.Policies[keyOf(p)]
			r.Problems = append(slices.Clone(r.Problems), tooManyCircuits(n))
			c.result.Policies[keyOf(p)] = &r
		}
	}
}

// sorted returns the objects in order of precedence: the older first, then by
// namespace and name.
func sorted[T metav1.Object](objects []T) []T {
	out := slices.Clone(objects)
	slices.SortFunc(out, func(a, b T) int { return precedence(a, b) })
	return out
}

func precedence(a, b metav1.Object) int {
	if n := a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time); n != 0 {
		return n
	}
	return cmp.Or(
		cmp.Compare(a.GetNamespace(), b.GetNamespace()),
		cmp.Compare(a.GetName(), b.GetName()),
		cmp.Compare(a.GetUID(), b.GetUID()),
	)
}

func keyOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}
