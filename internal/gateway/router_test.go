package gateway

import (
	"net/http"
	"testing"
)

// indexOf is the index of these routes.
func indexOf(routes ...*Route) *index {
	ix := newIndex()
	for _, r := range routes {
		ix.add(&liveRoute{Route: r})
	}
	ix.seal()
	return ix
}

func modelRoute(name string, headers []Header, patterns ...string) *Route {
	r := &Route{Name: name, Headers: headers}
	for _, p := range patterns {
		r.Matches = append(r.Matches, Match{Pattern: p})
	}
	return r
}

func pathRoute(name, prefix string, headers ...Header) *Route {
	return &Route{Name: name, Path: true, Matches: []Match{{Pattern: prefix}}, Headers: headers}
}

func TestRoutingByModel(t *testing.T) {
	batch := []Header{{"X-Workload", "batch"}}
	ix := indexOf(
		modelRoute("all", nil, "*"),
		modelRoute("gpt", nil, "gpt-4o", "gpt-4*"),
		modelRoute("dated", nil, "gpt-4o-*"),
		modelRoute("batch", batch, "gpt-4o", "claude-*"),
		modelRoute("older", nil, "llama*"),
		modelRoute("younger", nil, "llama*"),
		modelRoute("star", nil, "a*b"),
	)
	for _, tc := range []struct {
		name, model, workload string
		want                  string // route, and the pattern that matched
	}{
		{"exact", "gpt-4o", "", "gpt gpt-4o"},
		{"exact with a header before exact", "gpt-4o", "batch", "batch gpt-4o"},
		{"exact with another header", "gpt-4o", "live", "gpt gpt-4o"},
		{"the longest prefix", "gpt-4o-2024", "", "dated gpt-4o-*"},
		{"a prefix of nothing more", "gpt-4o-", "", "dated gpt-4o-*"},
		{"a shorter prefix", "gpt-4-turbo", "", "gpt gpt-4*"},
		{"exact before a header by prefix", "gpt-4", "batch", "gpt gpt-4*"},
		{"a prefix with a header", "claude-3", "batch", "batch claude-*"},
		{"a prefix with a header that is not there", "claude-3", "", "all *"},
		{"the first of two", "llama-3", "", "older llama*"},
		{"any", "x", "", "all *"},
		{"in capitals", "GPT-4o", "", "all *"},
		{"a star in the middle is a letter", "a*b", "", "star a*b"},
		{"a star in the middle stands for nothing", "axb", "", "all *"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{}
			if tc.workload != "" {
				h.Set("X-Workload", tc.workload)
			}
			checkTarget(t, tc.want)(ix.model(tc.model, h))
		})
	}
	checkTarget(t, "")(indexOf(modelRoute("gpt", nil, "gpt-4*")).model("gpt", nil))
	checkTarget(t, "")(emptyIndex.model("gpt", nil))
}

func TestRoutingByPath(t *testing.T) {
	ix := indexOf(
		pathRoute("ext", "/ext"),
		pathRoute("long", "/ext/long"),
		pathRoute("a", "/ext/long", Header{"X-Team", "a"}, Header{"X-Workload", "batch"}),
		pathRoute("batch", "/ext/long", Header{"X-Workload", "batch"}),
		pathRoute("slash", "/slash/"),
		pathRoute("only", "/only", Header{"X-Team", "a"}),
	)
	for _, tc := range []struct {
		name, path string
		header     http.Header
		want       string
	}{
		{"the prefix", "/ext", nil, "ext /ext"},
		{"below", "/ext/x", nil, "ext /ext"},
		{"a slash behind", "/ext/", nil, "ext /ext"},
		{"half a segment", "/extra", nil, ""},
		{"less", "/ex", nil, ""},
		{"nothing", "/", nil, ""},
		{"longer", "/ext/long/x", nil, "long /ext/long"},
		{"longer by half a segment", "/ext/longer", nil, "ext /ext"},
		{"a prefix with a slash behind", "/slash/x", nil, "slash /slash/"},
		{"that without its slash", "/slash", nil, "slash /slash/"},
		{"one header", "/ext/long", http.Header{"X-Workload": {"batch"}}, "batch /ext/long"},
		{"two headers", "/ext/long", http.Header{"X-Workload": {"batch"}, "X-Team": {"a"}}, "a /ext/long"},
		{"a header that is missing", "/only/x", nil, ""},
		{"a header that is there", "/only/x", http.Header{"X-Team": {"b", "a"}}, "only /only"},
	} {
		t.Run(tc.name, func(t *testing.T) { checkTarget(t, tc.want)(ix.path(tc.path, tc.header)) })
	}
}

// checkTarget checks what a lookup has found.
func checkTarget(t *testing.T, want string) func(target, bool) {
	t.Helper()
	return func(got target, ok bool) {
		t.Helper()
		found := ""
		if ok {
			found = got.route.Name + " " + got.route.Matches[got.match].Pattern
		}
		if found != want {
			t.Errorf("found %q, want %q", found, want)
		}
	}
}
