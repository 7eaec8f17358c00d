package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

// maxCircuits is how many circuits of one policy are kept apart.
const maxCircuits = 1000

// circuitKey is the identity of the circuit that a backend uses under a pattern.
// Where the upstream model varies, the pattern stands for it: a client's string
// never makes a circuit.
func circuitKey(p *policy, b *backendSpec, pattern string) gateway.CircuitKey {
	key := gateway.CircuitKey{Policy: p.ID}
	if p.scope == v1alpha1.ScopePolicy {
		return key
	}
	key.Origin, key.Credential = b.origin, b.credential
	if p.scope == v1alpha1.ScopeModel {
		key.Model = pattern
		if b.base.Model != "" {
			key.Model = b.base.Model
		}
	}
	return key
}

// matches gives each pattern the circuits of the backends.
func (rr *resolvedRoute) matches(patterns []string) []gateway.Match {
	out := make([]gateway.Match, len(patterns))
	keys := make([]gateway.CircuitKey, len(patterns)*len(rr.refs))
	for m, pattern := range patterns {
		out[m].Pattern = pattern
		if rr.spec.path {
			pattern = pattern[1:] // for a name like host/ext/weather
		}
		out[m].Circuits, keys = keys[:len(rr.refs):len(rr.refs)], keys[len(rr.refs):]
		for i := range rr.refs {
			out[m].Circuits[i] = circuitKey(rr.refs[i].policy, &rr.spec.backends[i], pattern)
		}
	}
	return out
}

// sharedCircuits warns of backends that stand in for one another and share a
// circuit, one problem for each group.
func sharedCircuits(r *gateway.Route) []Problem {
	var out []Problem
	grouped := make([]bool, len(r.Backends))
	for i := range r.Backends {
		if grouped[i] {
			continue
		}
		var names []string
		var circuit gateway.CircuitKey
		for j := i + 1; j < len(r.Backends); j++ {
			m := slices.IndexFunc(r.Matches, func(m gateway.Match) bool { return m.Circuits[i] == m.Circuits[j] })
			if m < 0 {
				continue
			}
			grouped[j] = true
			circuit = r.Matches[m].Circuits[i]
			names = append(names, strconv.Quote(r.Backends[j].Name))
		}
		if len(names) == 0 {
			continue
		}
		out = append(out, Problem{
			Condition: v1alpha1.ConditionAccepted,
			Reason:    v1alpha1.ReasonSharedCircuit,
			Message: fmt.Sprintf("spec.backends: %q shares the circuit %s with %s, so that the fallback would be refused together with the first: give them CircuitPolicies of their own, or a narrower scope",
				r.Backends[i].Name, circuit, strings.Join(names, ", ")),
			Warning: true,
		})
	}
	return out
}

// circuitLimiter counts the circuits of each policy over all routes.
type circuitLimiter struct {
	seen  map[gateway.CircuitKey]bool // the value: within the limit
	count map[string]int              // distinct circuits, by the policy's ID
	over  bool                        // a policy has too many
}

func newCircuitLimiter(size int) *circuitLimiter {
	return &circuitLimiter{seen: make(map[gateway.CircuitKey]bool, size), count: map[string]int{}}
}

// limit returns a route with the circuits that are too many replaced by the one
// that they share. It is to be called in order of precedence.
func (l *circuitLimiter) limit(rr *resolvedRoute) (*gateway.Route, *RouteResult) {
	if rr.route == nil {
		return nil, rr.result
	}
	fits := true
	for i := range rr.route.Backends {
		for m := range rr.route.Matches {
			fits = l.admit(rr.route.Matches[m].Circuits[i]) && fits
		}
	}
	if fits {
		return rr.route, rr.result
	}
	route, result := *rr.route, *rr.result
	route.Matches = slices.Clone(route.Matches)
	for m := range route.Matches {
		keys := slices.Clone(route.Matches[m].Circuits)
		for i, key := range keys {
			if !l.seen[key] {
				keys[i] = gateway.CircuitKey{Policy: key.Policy, Overflow: true}
			}
		}
		route.Matches[m].Circuits = keys
	}
	// Backends that had circuits of their own may share that one now.
	result.Problems = slices.DeleteFunc(slices.Clone(result.Problems), func(p Problem) bool { return p.Reason == v1alpha1.ReasonSharedCircuit })
	result.Problems = append(result.Problems, sharedCircuits(&route)...)
	// The built-in policy has no object of its own to tell it on.
	builtIn := slices.IndexFunc(route.Backends, func(b *gateway.Backend) bool { return b.Policy.Name == "" })
	if builtIn >= 0 {
		if n := l.count[route.Backends[builtIn].Policy.ID]; n > maxCircuits {
			p := tooManyCircuits(n)
			p.Message = "the built-in defaults have " + strings.TrimPrefix(p.Message, "the policy has ")
			result.Problems = append(result.Problems, p)
		}
	}
	return &route, &result
}

// admit counts a circuit and reports whether it is within its policy's limit.
func (l *circuitLimiter) admit(key gateway.CircuitKey) bool {
	within, known := l.seen[key]
	if known {
		return within
	}
	l.count[key.Policy]++
	within = l.count[key.Policy] <= maxCircuits
	l.over = l.over || !within
	l.seen[key] = within
	return within
}

func tooManyCircuits(n int) Problem {
	return Problem{
		Condition: v1alpha1.ConditionAccepted,
		Reason:    v1alpha1.ReasonTooManyCircuits,
		Message: fmt.Sprintf("the policy has %d circuits, of which %d are kept apart and all others share one: use a wider scope, or several policies",
			n, maxCircuits),
		Warning: true,
	}
}
