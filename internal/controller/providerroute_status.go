package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// routeInput is all that a route's status depends on.
type routeInput struct {
	route    *v1alpha1.ProviderRoute
	result   *compile.RouteResult
	problems []compile.Problem // the result's, refined
	observed gateway.RouteStatus
	now      time.Time
}

// routeStatus computes the status that a route should have.
func routeStatus(in routeInput) v1alpha1.ProviderRouteStatus {
	s := v1alpha1.ProviderRouteStatus{
		ObservedGeneration: in.route.Generation,
		ModelsSummary:      modelsSummary(&in.route.Spec),
		ActiveBackend:      in.observed.ActiveBackend,
		Conditions:         routeConditions(in),
	}
	for _, b := range in.observed.Backends {
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

func routeConditions(in routeInput) []metav1.Condition {
	c := &conditions{generation: in.route.Generation, now: in.now, before: in.route.Status.Conditions}
	c.setFromProblems(v1alpha1.ConditionAccepted, in.result.Accepted, in.problems,
		v1alpha1.ReasonAccepted, "The route is valid.")
	c.setFromProblems(v1alpha1.ConditionResolvedRefs, in.result.ResolvedRefs, in.problems,
		v1alpha1.ReasonResolvedRefs, "All references are resolved.")
	c.setProgrammed(in.result.LiveGeneration)
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

// routeCounters returns the status without what only counts.
func routeCounters(s v1alpha1.ProviderRouteStatus) v1alpha1.ProviderRouteStatus {
	s.Backends = slices.Clone(s.Backends)
	for i := range s.Backends {
		s.Backends[i].FailureCount, s.Backends[i].HealthScore = 0, 0
	}
	return s
}
