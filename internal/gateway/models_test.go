package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// anthropicVersion is what every client of Anthropic's sends.
var anthropicVersion = []string{"Anthropic-Version", "2023-06-01"}

// modelsRig has routes for exact models, one of them by a header, for a pattern,
// and a path; and of another tenant.
func modelsRig(t *testing.T) (*streamRig, *providersim.Server) {
	t.Helper()
	sim := providersim.Start(t, providersim.Options{})
	p := newPolicy(t)
	route := func(name string, d gateway.Dialect, patterns ...string) *gateway.Route {
		r := newRoute(patterns[0], newBackend(t, d, sim.URL, p))
		for _, pattern := range patterns[1:] {
			r.Matches = append(r.Matches, gateway.Match{Pattern: pattern, Circuits: r.Matches[0].Circuits})
		}
		r.Name = name
		return r
	}
	openAI := route("openai", gateway.OpenAI, "gpt-4o", "azure/gpt-4o", "gpt-4o-*")
	batch := route("batch", gateway.OpenAI, "gpt-4o", "batch-only")
	batch.Headers = []gateway.Header{{Name: "X-Workload", Value: "batch"}}
	other := route("other", gateway.OpenAI, "their-own")
	other.Namespace = "team-b"
	return newRig(t, nil, openAI, batch, route("anthropic", gateway.Anthropic, "claude"), route("ext", gateway.HTTP, "/ext"), other), sim
}

// TestListOfModels: what the routes of the namespace offer to such a request, in
// the client's dialect, and no provider is asked.
func TestListOfModels(t *testing.T) {
	t.Parallel()
	r, sim := modelsRig(t)
	openAI := func(id, owner string) string {
		return `{"id":"` + id + `","object":"model","created":0,"owned_by":"` + owner + `"}`
	}
	anthropic := func(id string) string {
		return `{"type":"model","id":"` + id + `","display_name":"` + id + `","created_at":"1970-01-01T00:00:00Z"}`
	}
	for _, tc := range []struct {
		name, path string
		headers    []string
		want       string
	}{
		{"OpenAI", "/v1/models", nil, `{"object":"list","data":[` + openAI("azure/gpt-4o", "openai") + "," + openAI("claude", "anthropic") + "," + openAI("gpt-4o", "openai") + `]}`},
		{"Anthropic", "/v1/models", anthropicVersion, `{"data":[` + anthropic("azure/gpt-4o") + "," + anthropic("claude") + "," + anthropic("gpt-4o") + `],"first_id":"azure/gpt-4o","last_id":"gpt-4o","has_more":false}`},
		{"with a route's header", "/v1/models", []string{"X-Workload", "batch"}, `{"object":"list","data":[` + openAI("azure/gpt-4o", "openai") + "," + openAI("batch-only", "batch") + "," + openAI("claude", "anthropic") + "," + openAI("gpt-4o", "batch") + `]}`},
		{"of a namespace", "/ns/default/v1/models", nil, `{"object":"list","data":[` + openAI("azure/gpt-4o", "openai") + "," + openAI("claude", "anthropic") + "," + openAI("gpt-4o", "openai") + `]}`},
		{"of another namespace", "/ns/team-b/v1/models", nil, `{"object":"list","data":[` + openAI("their-own", "other") + `]}`},
		{"of nobody", "/ns/team-c/v1/models", nil, `{"object":"list","data":[]}`},
		{"of nobody, for Anthropic", "/ns/team-c/v1/models", anthropicVersion, `{"data":[],"first_id":null,"last_id":null,"has_more":false}`},

		{"one", "/v1/models/gpt-4o", nil, openAI("gpt-4o", "openai")},
		{"one, for Anthropic", "/v1/models/claude", anthropicVersion, anthropic("claude")},
		{"one with a route's header", "/v1/models/gpt-4o", []string{"X-Workload", "batch"}, openAI("gpt-4o", "batch")},
		{"one that a pattern takes", "/v1/models/gpt-4o-2024", nil, openAI("gpt-4o-2024", "openai")},
		{"one with a slash", "/v1/models/azure%2Fgpt-4o", nil, openAI("azure/gpt-4o", "openai")},
		{"one with a bare slash", "/v1/models/azure/gpt-4o", nil, openAI("azure/gpt-4o", "openai")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := r.send(http.MethodGet, tc.path, "", tc.headers...)
			if d := cmp.Diff(tc.want, got.body); got.status != http.StatusOK || d != "" {
				t.Errorf("status %d (-want +got):\n%s", got.status, d)
			}
			got.wantHeaders(t, map[string]string{"Content-Type": "application/json", "X-Switchgear-Error": ""})
			if len(got.header.Values("X-Request-Id")) != 1 {
				t.Errorf("headers %v", got.header)
			}
		})
	}
	if head := r.send(http.MethodHead, "/v1/models", ""); head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %d %q", head.status, head.body)
	}
	if sim.Count() != 0 {
		t.Error("the provider was asked")
	}
}

// TestModelsThatAreNotListed are refused in the client's dialect.
func TestModelsThatAreNotListed(t *testing.T) {
	t.Parallel()
	r, _ := modelsRig(t)
	for _, tc := range []struct {
		name, method, path string
		status             int
		code               string
	}{
		{"an unknown model", "GET", "/v1/models/gpt-5", 404, "model_not_found"},
		{"one of another namespace", "GET", "/v1/models/their-own", 404, "model_not_found"},
		{"one that lacks a header", "GET", "/v1/models/batch-only", 404, "model_not_found"},
		{"a path's prefix", "GET", "/v1/models/ext", 404, "model_not_found"},
		{"nothing", "GET", "/v1/models/", 404, "model_not_found"},
		{"deleted", "DELETE", "/v1/models/gpt-4o", 405, "method_not_allowed"},
		{"posted to", "POST", "/v1/models", 405, "method_not_allowed"},
	} {
		for door, headers := range map[*streamEndpoint][]string{&chatDoor: nil, &messagesDoor: anthropicVersion} {
			t.Run(tc.name+"/"+door.name, func(t *testing.T) {
				r.send(tc.method, tc.path, "", headers...).wantOwn(t, *door, tc.status, tc.code)
			})
		}
	}
}

// TestPagesOfModels, as Anthropic's clients turn them.
func TestPagesOfModels(t *testing.T) {
	t.Parallel()
	p := newPolicy(t)
	backend := newBackend(t, gateway.Anthropic, "http://127.0.0.1:1", p)
	var routes []*gateway.Route
	for _, id := range []string{"e", "c", "a", "d", "b"} {
		routes = append(routes, newRoute(id, backend))
	}
	r := newRig(t, nil, routes...)
	type page struct {
		IDs         []string
		First, Last string
		More        bool
	}
	for query, want := range map[string]page{
		"":                          {[]string{"a", "b", "c", "d", "e"}, "a", "e", false},
		"?limit=2":                  {[]string{"a", "b"}, "a", "b", true},
		"?limit=5":                  {[]string{"a", "b", "c", "d", "e"}, "a", "e", false},
		"?limit=2&after_id=b":       {[]string{"c", "d"}, "c", "d", true},
		"?limit=2&after_id=d":       {[]string{"e"}, "e", "e", false},
		"?after_id=e":               {nil, "", "", false},
		"?after_id=bb&limit=1":      {[]string{"c"}, "c", "c", true},
		"?limit=2&before_id=d":      {[]string{"b", "c"}, "b", "c", true},
		"?limit=2&before_id=c":      {[]string{"a", "b"}, "a", "b", false},
		"?before_id=a":              {nil, "", "", false},
		"?limit=1000&before_id=zzz": {[]string{"a", "b", "c", "d", "e"}, "a", "e", false},
	} {
		body := r.send(http.MethodGet, "/v1/models"+query, "", anthropicVersion...).body
		var got page
		for _, m := range gjson.Get(body, "data").Array() {
			got.IDs = append(got.IDs, m.Get("id").String())
		}
		got.First, got.Last, got.More = gjson.Get(body, "first_id").String(), gjson.Get(body, "last_id").String(), gjson.Get(body, "has_more").Bool()
		if d := cmp.Diff(want, got); d != "" || !json.Valid([]byte(body)) {
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
	for _, limit := range []string{"0", "1001", "-1", "x", "1.5"} {
		r.send(http.MethodGet, "/v1/models?limit="+limit, "", anthropicVersion...).wantOwn(t, messagesDoor, http.StatusBadRequest, "invalid_query")
	}
}

// TestFirstPageOfManyModels has twenty, in the order of their names.
func TestFirstPageOfManyModels(t *testing.T) {
	t.Parallel()
	backend := newBackend(t, gateway.OpenAI, "http://127.0.0.1:1", newPolicy(t))
	route := newRoute("m00", backend)
	for i := 29; i > 0; i-- {
		route.Matches = append(route.Matches, gateway.Match{Pattern: fmt.Sprintf("m%02d", i), Circuits: route.Matches[0].Circuits})
	}
	r := newRig(t, nil, route)
	ids := func(headers ...string) []string {
		var out []string
		for _, m := range gjson.Get(r.send(http.MethodGet, "/v1/models", "", headers...).body, "data.#.id").Array() {
			out = append(out, m.String())
		}
		return out
	}
	if got := ids(anthropicVersion...); len(got) != 20 || got[0] != "m00" || got[19] != "m19" {
		t.Errorf("Anthropic's first page is %v", got)
	}
	if got := ids(); len(got) != 30 || !slices.IsSorted(got) {
		t.Errorf("OpenAI's list is %v", got)
	}
}
