package gateway

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// index finds the route of a request among those of one namespace: exact model,
// then the longest prefix; under one pattern more headers first, then the order
// of the snapshot.
type index struct {
	exact    map[string][]target
	prefixes map[string][]target // by prefix, without the *
	paths    map[string][]target // by path prefix
	// prefixLengths and pathLengths are the lengths that occur, longest first,
	// so that a lookup costs one map access a length.
	prefixLengths []int
	pathLengths   []int
	models        []string // the exact ones, in order
}

// target is one match of one route.
type target struct {
	route *liveRoute
	match int // index into route.Matches
}

func newIndex() *index {
	return &index{
		exact:    map[string][]target{},
		prefixes: map[string][]target{},
		paths:    map[string][]target{},
	}
}

// emptyIndex is that of a namespace without routes.
var emptyIndex = newIndex()

// add enters a route. Routes come in the snapshot's order.
func (ix *index) add(r *liveRoute) {
	for i, m := range r.Matches {
		t := target{r, i}
		prefix, wild := strings.CutSuffix(m.Pattern, "*")
		switch {
		case r.Path:
			key := strings.TrimSuffix(m.Pattern, "/")
			ix.paths[key] = append(ix.paths[key], t)
		case wild:
			ix.prefixes[prefix] = append(ix.prefixes[prefix], t)
		default:
			ix.exact[m.Pattern] = append(ix.exact[m.Pattern], t)
		}
	}
}

// seal orders what was added.
func (ix *index) seal() {
	for _, m := range []map[string][]target{ix.exact, ix.prefixes, ix.paths} {
		for _, ts := range m {
			slices.SortStableFunc(ts, func(a, b target) int {
				return cmp.Compare(len(b.route.Headers), len(a.route.Headers))
			})
		}
	}
	ix.prefixLengths = lengths(ix.prefixes)
	ix.pathLengths = lengths(ix.paths)
	ix.models = slices.Sorted(maps.Keys(ix.exact))
}

func lengths(m map[string][]target) []int {
	var out []int
	for k := range m {
		if !slices.Contains(out, len(k)) {
			out = append(out, len(k))
		}
	}
	slices.SortFunc(out, func(a, b int) int { return cmp.Compare(b, a) })
	return out
}

// model finds the target for a model.
func (ix *index) model(name string, h http.Header) (target, bool) {
	if t, ok := pick(ix.exact[name], h); ok {
		return t, true
	}
	for _, n := range ix.prefixLengths {
		if n > len(name) {
			continue
		}
		if t, ok := pick(ix.prefixes[name[:n]], h); ok {
			return t, true
		}
	}
	return target{}, false
}

// path finds the target for a path, by whole segments.
func (ix *index) path(p string, h http.Header) (target, bool) {
	for _, n := range ix.pathLengths {
		if n > len(p) || n < len(p) && p[n] != '/' {
			continue
		}
		if t, ok := pick(ix.paths[p[:n]], h); ok {
			return t, true
		}
	}
	return target{}, false
}

func pick(ts []target, h http.Header) (target, bool) {
	for _, t := range ts {
		if t.route.headersMatch(h) {
			return t, true
		}
	}
	return target{}, false
}

func (r *liveRoute) headersMatch(h http.Header) bool {
	for _, want := range r.Headers {
		if !slices.Contains(h.Values(want.Name), want.Value) {
			return false
		}
	}
	return true
}
