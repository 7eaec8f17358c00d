package compile

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// LastGood is what one Compile leaves for the next: by kind, namespace, name and
// UID, the last spec that was valid, so that it serves on while a later one is
// not; and what can be used again because nothing that it was made of has
// changed. It is opaque and immutable. An object that is missing from one input
// is forgotten.
type LastGood struct {
	policies map[identity]*policyEntry
	routes   map[identity]*routeEntry
	builtIn  map[string]*policy // by namespace
	secrets  map[secretUse]*secretValue
	circuits int // how many there were
}

func newLastGood(in Input) *LastGood {
	return &LastGood{
		policies: make(map[identity]*policyEntry, len(in.Policies)),
		routes:   make(map[identity]*routeEntry, len(in.Routes)),
		builtIn:  map[string]*policy{},
		secrets:  make(map[secretUse]*secretValue, len(in.Secrets)),
	}
}

// identity tells an object from one of the same name that came after it.
type identity struct {
	types.NamespacedName
	uid types.UID
}

func identityOf(o metav1.Object) identity { return identity{keyOf(o), o.GetUID()} }

// unchanged reports whether an object still has the spec of that generation.
// Objects that no API server has numbered are always taken for changed.
func unchanged(o metav1.Object, generation int64) bool {
	return o.GetUID() != "" && generation > 0 && o.GetGeneration() == generation
}

// policyEntry is what is remembered of a policy.
type policyEntry struct {
	generation int64   // of the spec that was last looked at
	live       *policy // of the last valid spec; nil: there was none
	result     *PolicyResult
}

func newPolicyEntry(p *v1alpha1.CircuitPolicy, last *policyEntry) *policyEntry {
	if last != nil && unchanged(p, last.generation) {
		return last
	}
	e := &policyEntry{generation: p.Generation, result: &PolicyResult{}}
	e.live, e.result.Problems = newPolicy(p)
	if len(e.result.Problems) > 0 {
		e.live = nil
		if last != nil {
			e.live = last.live
		}
	}
	e.result.settle()
	if e.live != nil {
		e.result.LiveGeneration = e.live.generation
		e.result.Effective = e.live.effective
	}
	return e
}

// routeEntry is what is remembered of a route.
type routeEntry struct {
	generation int64      // of the spec that was last looked at
	problems   []Problem  // of that spec
	live       *routeSpec // the last valid spec; nil: there was none
	// resolved is the route with its references as they were. It is remembered
	// to be used again, never to serve on by itself.
	resolved *resolvedRoute
}

// newRouteEntry returns an entry without resolved.
func newRouteEntry(r *v1alpha1.ProviderRoute, last *routeEntry, o *Options) *routeEntry {
	if last != nil && unchanged(r, last.generation) {
		return &routeEntry{generation: last.generation, problems: last.problems, live: last.live}
	}
	e := &routeEntry{generation: r.Generation}
	e.live, e.problems = newRouteSpec(r, o)
	if len(e.problems) > 0 {
		e.live = nil
		if last != nil {
			e.live = last.live
		}
	}
	return e
}
