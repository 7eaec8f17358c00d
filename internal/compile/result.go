package compile

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

// Result is a configuration and what there is to say about the objects that it
// was made of. It is immutable: parts of it live on in later results.
type Result struct {
	// Snapshot has the policies and routes in order of precedence: the older
	// first, then by namespace and name. The built-in policies that are in use
	// come last, by namespace.
	Snapshot *gateway.Snapshot
	// Policies has a result for each policy of the input.
	Policies map[types.NamespacedName]*PolicyResult
	// Routes has a result for each route of the input.
	Routes map[types.NamespacedName]*RouteResult
	// LastGood is for the next Compile.
	LastGood *LastGood
}

// ObjectResult is what there is to say about one object.
type ObjectResult struct {
	// Problems stand in a fixed order: of the spec, of conflicts, of the
	// backends in their order, of circuits.
	Problems []Problem
	// Accepted is false if a problem with the condition Accepted is more than a
	// warning.
	Accepted bool
	// ResolvedRefs is false if a reference leads nowhere. It is true where there
	// are none, and for a spec that was never valid: nothing was looked for.
	ResolvedRefs bool
	// LiveGeneration is the metadata.generation of the spec that the snapshot
	// contains; 0: none.
	LiveGeneration int64
}

// PolicyResult is what there is to say about a policy.
type PolicyResult struct {
	ObjectResult
	// Effective are the values of what is live; nil if nothing is.
	Effective *v1alpha1.EffectivePolicy
}

// RouteResult is what there is to say about a route.
type RouteResult struct {
	ObjectResult
	// Secrets are the names of the Secrets that the live spec refers to, each
	// once, in the order of the spec.
	Secrets []string
	// Policies are the CircuitPolicies that the backends really use, each once,
	// in the order of the spec. The built-in one is not among them.
	Policies []types.NamespacedName
}

// Problem is one thing that is wrong with an object.
type Problem struct {
	// Condition is v1alpha1.ConditionAccepted or v1alpha1.ConditionResolvedRefs.
	Condition string
	// Reason is one of the constants for that condition.
	Reason string
	// Message names the field, its value and what would be right.
	Message string
	// Warning means that the object is accepted all the same.
	Warning bool
}

// settle sets Accepted and ResolvedRefs by the problems.
func (r *ObjectResult) settle() {
	r.Accepted, r.ResolvedRefs = true, true
	for _, p := range r.Problems {
		switch {
		case p.Warning:
		case p.Condition == v1alpha1.ConditionAccepted:
			r.Accepted = false
		default:
			r.ResolvedRefs = false
		}
	}
}
