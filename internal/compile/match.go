package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// claim is what no two routes can both have: a match is identical only if the
// pattern and the whole set of headers are equal. Anything less is settled by
// precedence, request by request.
type claim struct {
	namespace string
	path      bool
	pattern   string
	headers   string
}

// claims knows the winner of each claim so far.
type claims map[claim]*v1alpha1.ProviderRoute

func newClaims(size int) claims { return make(claims, size) }

// loss is a match that an earlier route has.
type loss struct {
	match  int // index into routeSpec.patterns
	winner string
	older  bool // the winner is older, not just first by name
}

// stake claims all matches of a route and returns those that are lost; nil for
// none. Routes come in order of precedence.
func (cs claims) stake(r *v1alpha1.ProviderRoute, s *routeSpec) []loss {
	if s == nil {
		return nil
	}
	var lost []loss
	for i, pattern := range s.patterns {
		c := claim{r.Namespace, s.path, pattern, s.headerSet}
		winner := cs[c]
		if winner == nil {
			cs[c] = r
			continue
		}
		lost = append(lost, loss{i, winner.Name, winner.CreationTimestamp.Before(&r.CreationTimestamp)})
	}
	return lost
}

// won returns the patterns that are not lost.
func (s *routeSpec) won(lost []loss) []string {
	if len(lost) == 0 {
		return s.patterns
	}
	out := make([]string, 0, len(s.patterns)-len(lost))
	for i, p := range s.patterns {
		if !slices.ContainsFunc(lost, func(l loss) bool { return l.match == i }) {
			out = append(out, p)
		}
	}
	return out
}

// conflicts tells of lost matches, one problem for each winner.
func (s *routeSpec) conflicts(lost []loss) []Problem {
	reason := v1alpha1.ReasonPartiallyConflicted
	if len(lost) == len(s.patterns) {
		reason = v1alpha1.ReasonConflicted
	}
	field := "spec.models"
	if s.path {
		field = "spec.pathPrefix"
	}
	var out []Problem
	for i, l := range lost {
		sameWinner := func(o loss) bool { return o.winner == l.winner }
		if slices.ContainsFunc(lost[:i], sameWinner) {
			continue
		}
		var patterns []string
		for _, o := range lost[i:] {
			if sameWinner(o) {
				patterns = append(patterns, strconv.Quote(s.patterns[o.match]))
			}
		}
		what, are := strings.Join(patterns, ", "), "is"
		if len(patterns) > 1 {
			are = "are"
		}
		if s.headerSet != "" {
			what += " with the same headers"
		}
		why := "which is older"
		if !l.older {
			why = "which is of the same age and first by name"
		}
		out = append(out, Problem{
			Condition: v1alpha1.ConditionAccepted,
			Reason:    reason,
			Message:   fmt.Sprintf("%s: %s %s claimed by the ProviderRoute %q, %s", field, what, are, l.winner, why),
			Warning:   reason == v1alpha1.ReasonPartiallyConflicted,
		})
	}
	return out
}
