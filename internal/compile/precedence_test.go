package compile_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// TestPrecedence asks a gateway which route answers.
func TestPrecedence(t *testing.T) {
	text, err := os.ReadFile("testdata/precedence/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, compile.Options{})
	c.apply(string(text))
	g := gateway.New(gateway.Options{DefaultNamespace: defaultNamespace})
	defer g.Close()
	g.Apply(c.compile().Snapshot)

	batch, gold := "x-workload: batch", "x-tier: gold"
	for _, tc := range []struct {
		name, path, model string
		headers           []string
		want              string // a route; empty: none
	}{
		{"an exact model before every prefix", "/v1", "gpt-4o-mini", nil, "exact"},
		{"the longest prefix", "/v1", "gpt-4o-2024-11-20", nil, "longer-prefix"},
		{"a shorter prefix", "/v1", "gpt-4.1", nil, "prefix"},
		{"a prefix is not its own end", "/v1", "gpt-4o-", nil, "longer-prefix"},
		{"the shortest prefix", "/v1", "claude-4", nil, "everything"},
		{"the case of a model counts", "/v1", "GPT-4o", nil, "everything"},
		{"more headers", "/v1", "gpt-4o", []string{batch, gold}, "exact-gold-batch"},
		{"all headers must match", "/v1", "gpt-4o", []string{batch}, "exact"},
		{"a header's value must match", "/v1", "gpt-4.1", []string{"x-workload: batches"}, "prefix"},
		{"an exact model before a prefix with headers", "/v1", "gpt-4o-mini", []string{batch}, "exact"},
		{"headers among equal prefixes", "/v1", "gpt-4o-x", []string{batch}, "prefix-batch"},
		{"a longer prefix before headers", "/v1", "gpt-4.1", []string{gold}, "prefix"},
		{"the older", "/v1", "o1", []string{batch, gold}, "z-older"},
		{"the younger where the older does not match", "/v1", "o1", []string{batch}, "a-younger"},
		{"a prefix where no exact route has the headers", "/v1", "o1", nil, "everything"},
		{"the first by name", "/v1", "o3", []string{batch, gold}, "twin-a"},
		{"each namespace for itself", "/ns/team-b/v1", "gpt-4o", nil, "other-namespace"},
		{"no route of another namespace", "/ns/team-b/v1", "o1", nil, ""},
		{"a path", "/ext/weather", "", nil, "path"},
		{"a path below", "/ext/weather/tomorrow", "", nil, "path"},
		{"the longest path", "/ext/weather/today/noon", "", nil, "longer-path"},
		{"a path in whole segments", "/ext/weathers", "", nil, ""},
		{"headers among equal paths", "/ext/weather", "", []string{batch}, "path-batch"},
		{"a longer path before headers", "/ext/weather/today", "", []string{batch}, "longer-path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path, body := tc.path, ""
			if tc.model != "" {
				path, body = path+"/chat/completions", fmt.Sprintf(`{"model":%q,"messages":[]}`, tc.model)
			}
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			for _, h := range tc.headers {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			status := http.StatusServiceUnavailable
			if tc.want == "" {
				status = http.StatusNotFound
			}
			if got := w.Header().Get("x-switchgear-route"); got != tc.want || w.Code != status {
				t.Errorf("route %q, status %d, want %q, %d: %s", got, w.Code, tc.want, status, w.Body)
			}
		})
	}
}
