package admin

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// Source returns the objects as they are and what compiling made of them, in
// any order. The objects are only read. It fails with ErrNotReady before there
// is a first configuration.
type Source func(context.Context) (Objects, error)

// ErrNotReady means that no configuration has been applied yet.
var ErrNotReady = errors.New("no configuration has been applied yet")

// Objects are all resources of both kinds.
type Objects struct {
	Policies []Policy
	Routes   []Route
}

// Policy is one circuit policy.
type Policy struct {
	// Object has the status that the resource has; none, where no resource keeps
	// it.
	Object *v1alpha1.CircuitPolicy
	// Result is nil until the object has been compiled as it is now.
	Result *compile.PolicyResult
	// LastReset is the last request to reset that has been done.
	LastReset string
}

func (p Policy) meta() metav1.Object { return p.Object }

// Route is one provider route.
type Route struct {
	// Object has the status that the resource has; none, where no resource keeps
	// it.
	Object *v1alpha1.ProviderRoute
	// Result is nil until the object has been compiled as it is now.
	Result *compile.RouteResult
	// Problems are the result's, refined where more is known.
	Problems []compile.Problem
}

func (r Route) meta() metav1.Object { return r.Object }

// Compiled returns the objects that a result was made of, with what it says of
// each.
func Compiled(policies []*v1alpha1.CircuitPolicy, routes []*v1alpha1.ProviderRoute, r *compile.Result) Objects {
	o := Objects{Policies: make([]Policy, len(policies)), Routes: make([]Route, len(routes))}
	for i, p := range policies {
		o.Policies[i] = Policy{Object: p, Result: r.Policies[keyOf(p)]}
	}
	for i, route := range routes {
		result := r.Routes[keyOf(route)]
		o.Routes[i] = Route{Object: route, Result: result, Problems: result.Problems}
	}
	return o
}
