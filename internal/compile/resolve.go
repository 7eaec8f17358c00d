package compile

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

// resolution is what a backend's references lead to now. Two that are equal
// give the same backend.
type resolution struct {
	policy *policy
	// unusable: the policy that the backend names is there, but none of its
	// versions was valid.
	unusable       bool
	credential, ca *secretValue // nil: no reference
}

// resolvedRoute is a route with its references resolved, and all that it was
// made of. It is immutable.
type resolvedRoute struct {
	spec *routeSpec
	lost []loss
	refs []resolution

	route  *gateway.Route // nil: nothing of it is live
	result *RouteResult
}

// resolve makes the route of an entry, or takes the last one if nothing that it
// was made of has changed.
func (c *compilation) resolve(r *v1alpha1.ProviderRoute, e, last *routeEntry, lost []loss) *resolvedRoute {
	if e.live == nil {
		out := &resolvedRoute{result: &RouteResult{}}
		out.result.Problems = e.problems
		out.result.settle()
		return out
	}
	c.scratch = c.scratch[:0]
	for i := range e.live.backends {
		b := &e.live.backends[i]
		ref := resolution{
			credential: c.secret(r.Namespace, b.secretRef, false),
			ca:         c.secret(r.Namespace, b.caRef, true),
		}
		ref.policy, ref.unusable = c.policyOf(r.Namespace, b.policyRef)
		c.version.secret(ref.credential)
		c.version.secret(ref.ca)
		c.scratch = append(c.scratch, ref)
	}
	if last != nil && slices.Equal(last.problems, e.problems) {
		was := last.resolved
		if was.spec == e.live && slices.Equal(was.refs, c.scratch) && slices.Equal(was.lost, lost) {
			return was
		}
	}
	out := &resolvedRoute{spec: e.live, lost: lost, refs: slices.Clone(c.scratch), result: &RouteResult{Secrets: e.live.secrets}}
	out.result.Problems = slices.Concat(e.problems, e.live.conflicts(lost))
	out.build(r)
	out.result.settle()
	return out
}

// policyOf finds the policy of a backend that names that one, or none. The
// built-in one stands in for what is missing.
func (c *compilation) policyOf(namespace, name string) (p *policy, unusable bool) {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if name == "" {
		key.Name = v1alpha1.DefaultPolicyName
	}
	if p = c.policies[key]; p != nil {
		return p, false
	}
	_, unusable = c.result.Policies[key]
	if p = c.next.builtIn[namespace]; p == nil {
		if p = c.last.builtIn[namespace]; p == nil {
			p = newBuiltIn(namespace)
		}
		c.next.builtIn[namespace] = p
	}
	return p, unusable
}

// build makes the gateway's route.
func (rr *resolvedRoute) build(r *v1alpha1.ProviderRoute) {
	backends := make([]*gateway.Backend, len(rr.refs))
	for i := range rr.refs {
		backends[i] = rr.backend(i, r.Namespace)
	}
	patterns := rr.spec.won(rr.lost)
	if len(patterns) == 0 {
		return
	}
	rr.route = &gateway.Route{
		Namespace: r.Namespace,
		Name:      r.Name,
		Matches:   rr.matches(patterns),
		Path:      rr.spec.path,
		Headers:   rr.spec.headers,
		Timeout:   rr.spec.timeout,
		Retry:     rr.spec.retry,
		Fallback:  rr.spec.fallback,
		Recovery:  rr.spec.recovery,
		Backends:  backends,
	}
	rr.result.LiveGeneration = rr.spec.generation
	rr.result.Problems = append(rr.result.Problems, sharedCircuits(rr.route)...)
}

// backend makes one of the gateway's backends.
func (rr *resolvedRoute) backend(i int, namespace string) *gateway.Backend {
	spec, ref := &rr.spec.backends[i], &rr.refs[i]
	b := spec.base
	b.Policy = &ref.policy.Policy
	for _, p := range spec.objections {
		b.Unavailable = p.Message
		p.Warning = true // or the spec would not have been accepted
		rr.result.Problems = append(rr.result.Problems, p)
	}
	if v := ref.credential; v != nil {
		b.Credential.Key = gateway.Secret(v.value)
		if v.reason != "" {
			b.Unavailable = cmp.Or(b.Unavailable, v.message)
			rr.unresolved(i, "credentials.secretRef", v.reason, v.message)
		}
	}
	if v := ref.ca; v != nil {
		b.TLS.CA = v.value
		if v.reason != "" {
			b.Unavailable = cmp.Or(b.Unavailable, v.message)
			rr.unresolved(i, "tls.caSecretRef", v.reason, v.message)
		}
	}
	switch {
	case spec.policyRef == "":
	case ref.unusable:
		rr.unresolved(i, "circuitPolicyRef", v1alpha1.ReasonPolicyNotFound,
			fmt.Sprintf("the CircuitPolicy %q has never been valid (see its condition Accepted): the built-in defaults are in force", spec.policyRef))
	case ref.policy.Name == "":
		rr.unresolved(i, "circuitPolicyRef", v1alpha1.ReasonPolicyNotFound,
			fmt.Sprintf("there is no CircuitPolicy %q in the namespace: the built-in defaults are in force", spec.policyRef))
	}
	if p := (types.NamespacedName{Namespace: namespace, Name: b.Policy.Name}); p.Name != "" && !slices.Contains(rr.result.Policies, p) {
		rr.result.Policies = append(rr.result.Policies, p)
	}
	return &b
}

func (rr *resolvedRoute) unresolved(backend int, field, reason, message string) {
	rr.result.Problems = append(rr.result.Problems, Problem{
		Condition: v1alpha1.ConditionResolvedRefs,
		Reason:    reason,
		Message:   fmt.Sprintf("spec.backends[%d].%s: %s", backend, field, message),
	})
}
