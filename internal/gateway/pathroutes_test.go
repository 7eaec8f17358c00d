package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestPathRoutes: a prefix stands for whole segments, the longest wins, and the
// backend's URL takes its place. What a client has escaped stays escaped.
func TestPathRoutes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, path string
		want       string // what the provider is asked for; empty: it is not
	}{
		{"the prefix alone", "/ext", "/base"},
		{"the prefix with a slash", "/ext/", "/base/"},
		{"below", "/ext/a/b", "/base/a/b"},
		{"with a slash behind", "/ext/a/", "/base/a/"},
		{"with two slashes", "/ext//a", "/base//a"},
		{"another segment", "/extra", ""},
		{"half a segment", "/ex", ""},
		{"in capitals", "/EXT/a", ""},
		{"within another", "/a/ext", ""},
		{"of a longer prefix", "/ext/long/a", "/longer/a"},
		{"of half a longer prefix", "/ext/longer", "/base/longer"},
		{"of a prefix with a slash behind", "/slash/a", "/behind/a"},
		{"of that prefix without it", "/slash", "/behind/"},
		{"of a URL without a path", "/root/a", "/a"},
		{"of a URL without a path, alone", "/root", "/"},

		{"an escaped slash", "/ext/a%2Fb", "/base/a%2Fb"},
		{"an escaped space", "/ext/a%20b", "/base/a%20b"},
		{"an escaped percent", "/ext/100%25", "/base/100%25"},
		{"an escaped question mark", "/ext/what%3F", "/base/what%3F"},
		{"escaped in lower case", "/ext/a%2fb", "/base/a%2fb"},
		{"letters beyond ASCII", "/ext/caf%C3%A9", "/base/caf%C3%A9"},
		{"the prefix escaped", "/%65xt/a", ""},
		{"dots in a name", "/ext/..a/b..", "/base/..a/b.."},
		{"a colon and an at", "/ext/v1:run@x", "/base/v1:run@x"},

		{"up", "/ext/../secret", ""},
		{"up, at the end", "/ext/a/..", ""},
		{"staying", "/ext/./a", ""},
		{"up, escaped", "/ext/%2e%2e/secret", ""},
		{"up, half escaped", "/ext/.%2E/secret", ""},
		{"up, with an escaped slash", "/ext/..%2Fsecret", ""},
		{"up and down", "/ext/a/../../ext/a", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 1)
			provider := script(t, func(s scripted) { asked <- s.r.RequestURI })
			p := newPolicy(t)
			at := func(pattern, base string) *gateway.Route {
				return newRoute(pattern, newBackend(t, gateway.HTTP, provider+base, p))
			}
			r := newRig(t, nil, at("/ext", "/base"), at("/ext/long", "/longer"), at("/slash/", "/behind/"), at("/root", ""))
			got := r.send(http.MethodGet, tc.path, "")
			if tc.want == "" {
				got.wantOwn(t, pathDoor, http.StatusNotFound, "no_route")
				if len(asked) != 0 {
					t.Errorf("the provider was asked for %s", <-asked)
				}
				return
			}
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			if uri := <-asked; uri != tc.want {
				t.Errorf("the provider was asked for %s, want %s", uri, tc.want)
			}
		})
	}
}

// TestQuery: the client's parameters go on, the backend's are added, and of one
// name the backend's win.
func TestQuery(t *testing.T) {
	t.Parallel()
	version := []gateway.Header{{Name: "api-version", Value: "2024-10-21"}, {Name: "tag", Value: "a"}, {Name: "tag", Value: "b"}}
	for _, tc := range []struct {
		name, client string
		backend      []gateway.Header
		want         string
	}{
		{"none", "", nil, ""},
		{"the client's, as it is", "b=2&a=1&b=%20&flag", nil, "b=2&a=1&b=%20&flag"},
		{"the backend's", "", version, "api-version=2024-10-21&tag=a&tag=b"},
		{"both", "q=x%26y", version, "api-version=2024-10-21&q=x%26y&tag=a&tag=b"},
		{"both of one name", "tag=c&api-version=2020&q=1", version, "api-version=2024-10-21&q=1&tag=a&tag=b"},
		{"the client's of one name, escaped", "%61pi-version=2020", version, "api-version=2024-10-21&tag=a&tag=b"},
		{"what no two readers read alike", "api-version=2020;x&q=1", version, "api-version=2024-10-21&tag=a&tag=b"},
	} {
		for _, e := range doors {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				asked := make(chan string, 1)
				provider := script(t, func(s scripted) {
					asked <- s.r.URL.RawQuery
					s.send(`{"choices":[],"content":[]}`)
				})
				r := newRig(t, nil, doorRoutes(t, provider, newPolicy(t), func(b *gateway.Backend) { b.Query = tc.backend })...)
				path := e.path
				if tc.client != "" {
					path += "?" + tc.client
				}
				if got := r.send(http.MethodPost, path, e.body); got.status != http.StatusOK {
					t.Fatalf("status %d: %s", got.status, got.body)
				}
				if query := <-asked; query != tc.want {
					t.Errorf("the provider was asked with %q, want %q", query, tc.want)
				}
			})
		}
	}
}

// TestMethodsAndBodiesOnAPath pass as they are.
func TestMethodsAndBodiesOnAPath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ method, body string }{
		{http.MethodGet, ""}, {http.MethodOptions, ""}, {http.MethodPost, "a=1&b=2"},
		{http.MethodPut, "\x00\xff not JSON"}, {http.MethodPatch, "{}"}, {http.MethodDelete, ""}, {http.MethodDelete, "{}"}, {"PROPFIND", "<a/>"},
	} {
		t.Run(tc.method, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{Name: "weather"})
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
			got := r.send(tc.method, "/ext/a?b=c", tc.body, "Content-Type", "text/odd")
			seen := sim.Requests()[0]
			type request struct{ Method, Path, Query, Body, ContentType string }
			want := request{tc.method, "/http/a", "b=c", tc.body, "text/odd"}
			if d := cmp.Diff(want, request{seen.Method, seen.Path, seen.Query.Encode(), string(seen.Body), seen.Header.Get("Content-Type")}); d != "" {
				t.Error(d)
			}
			if got.status != http.StatusOK {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			var echo providersim.Echo
			if err := json.Unmarshal([]byte(got.body), &echo); err != nil || echo.Provider != "weather" {
				t.Errorf("%v: %s", err, got.body)
			}
		})
	}
}

// TestRoutesByHeader: a route with headers stands before one without, and takes
// only what matches all of them.
func TestRoutesByHeader(t *testing.T) {
	t.Parallel()
	p := newPolicy(t)
	provider := script(t, func(s scripted) { s.send(`{"choices":[]}`) })
	var routes []*gateway.Route
	for _, pattern := range []string{"gpt", "/ext"} {
		for i, headers := range [][]gateway.Header{nil, {{Name: "x-workload", Value: "batch"}}, {{Name: "X-Workload", Value: "batch"}, {Name: "X-Team", Value: "a"}}} {
			d := gateway.OpenAI
			if strings.HasPrefix(pattern, "/") {
				d = gateway.HTTP
			}
			route := newRoute(pattern, newBackend(t, d, provider, p))
			route.Name = []string{"plain", "batch", "batch-a"}[i]
			route.Headers = headers
			routes = append(routes, route)
		}
	}
	r := newRig(t, nil, routes...)
	for _, tc := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"none", nil, "plain"},
		{"all", []string{"X-Workload", "batch", "X-Team", "a"}, "batch-a"},
		{"some", []string{"X-Workload", "batch"}, "batch"},
		{"some, and another value", []string{"X-Workload", "batch", "X-Team", "b"}, "batch"},
		{"another value", []string{"X-Workload", "Batch"}, "plain"},
		{"the rest alone", []string{"X-Team", "a"}, "plain"},
		{"one of several values", []string{"X-Workload", "live", "X-Workload", "batch"}, "batch"},
		{"a list", []string{"X-Workload", "live, batch"}, "plain"},
	} {
		for _, e := range []streamEndpoint{chatDoor, pathDoor} {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				r.post(e, tc.headers...).wantHeaders(t, map[string]string{"X-Switchgear-Route": tc.want})
			})
		}
	}
}
