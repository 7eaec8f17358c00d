package status

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// RouteInput is all that a route's status depends on.
type RouteInput struct {
	// Route is the route with the status it had.
	Route  *v1alpha1.ProviderRoute
	Result *compile.RouteResult
	// Problems are the result's, refined.
	Problems []compile.Problem
	Observed gateway.RouteStatus
	Reach    Reach
	Now      time.Time
}

// OfRoute computes the status that a route should have.
func OfRoute(in RouteInput) v1alpha1.ProviderRouteStatus {
	s := v1alpha1.ProviderRouteStatus{
		ObservedGeneration: in.Route.Generation,
		ModelsSummary:      modelsSummary(&in.Route.Spec),
		ActiveBackend:      in.Observed.ActiveBackend,
		Conditions:         routeConditions(in),
	}
	for _, b := range in.Observed.Backends {
		one := v1alpha1.BackendStatus{
			Name:         b.Name,
			Circuit:      b.Circuit,
			State:        stateName(b.State),
			FailureCount: int32(b.FailureCount),
			HealthScore:  int32(b.HealthScore),
		}
		if b.AtRest {
			one.FailureCount, one.HealthScore = 0, 100
		}
		s.Backends = append(s.Backends, one)
	}
	return s
}

func routeConditions(in RouteInput) []metav1.Condition {
	c := &conditions{generation: in.Route.Generation, now: in.Now, before: in.Route.Status.Conditions}
	c.setFromProblems(v1alpha1.ConditionAccepted, in.Result.Accepted, in.Problems,
		v1alpha1.ReasonAccepted, "The route is valid.")
	c.setFromProblems(v1alpha1.ConditionResolvedRefs, in.Result.ResolvedRefs, in.Problems,
		v1alpha1.ReasonResolvedRefs, "All references are resolved.")
	c.setProgrammed(in.Result.LiveGeneration, in.Reach)
	c.setReady()
	return c.list
}

// modelsSummary is what the route matches, in a column's width.
func modelsSummary(s *v1alpha1.ProviderRouteSpec) string {
	const shown = 3
	if s.PathPrefix != "" {
		return s.PathPrefix
	}
	if len(s.Models) <= shown {
		return strings.Join(s.Models, ",")
	}
	return fmt.Sprintf("%s,+%d", strings.Join(s.Models[:shown], ","), len(s.Models)-shown)
}
