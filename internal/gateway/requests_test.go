package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestRequestsThatAreRefused before any provider is asked.
func TestRequestsThatAreRefused(t *testing.T) {
	type request struct {
		method, path, body string
	}
	post := func(path, body string) request { return request{http.MethodPost, path, body} }
	chat := func(body string) request { return post(chatDoor.path, body) }
	deep := `{"model":"gpt","x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`
	for _, tc := range []struct {
		name    string
		request request
		door    streamEndpoint // whose dialect the error is in
		status  int
		code    string
	}{
		{"not JSON", chat(`hello`), chatDoor, 400, "invalid_body"},
		{"JSON that is cut short", chat(chatDoor.body[:len(chatDoor.body)-1]), chatDoor, 400, "invalid_body"},
		{"two values", chat(chatDoor.body + chatDoor.body), chatDoor, 400, "invalid_body"},
		{"an array", chat(`[{"model":"gpt"}]`), chatDoor, 400, "invalid_body"},
		{"nothing", chat(``), chatDoor, 400, "invalid_body"},
		{"nested too deep", chat(deep), chatDoor, 400, "invalid_body"},
		{"no model", chat(`{"messages":[]}`), chatDoor, 400, "invalid_body"},
		{"a model within", chat(`{"messages":[{"model":"gpt"}]}`), chatDoor, 400, "invalid_body"},
		{"an empty model", chat(`{"model":""}`), chatDoor, 400, "invalid_body"},
		{"a model of another type", chat(`{"model":7}`), chatDoor, 400, "invalid_body"},
		{"a model of no Unicode", chat(`{"model":"gpt\ud800"}`), chatDoor, 400, "invalid_body"},
		{"two models", chat(`{"model":"gpt","model":"other"}`), chatDoor, 400, "invalid_body"},
		{"two models, one escaped", chat(`{"model":"gpt","mod\u0065l":"other"}`), chatDoor, 400, "invalid_body"},
		{"a model in capitals", chat(`{"model":"gpt","Model":"other"}`), chatDoor, 400, "invalid_body"},
		{"two streams", chat(`{"model":"gpt","stream":false,"stream":true}`), chatDoor, 400, "invalid_body"},
		{"a stream of another type", chat(`{"model":"gpt","stream":"yes"}`), chatDoor, 400, "invalid_body"},
		{"not JSON, for Anthropic", post(messagesDoor.path, `hello`), messagesDoor, 400, "invalid_body"},
		{"two models, for Anthropic", post(messagesDoor.path, `{"model":"claude","model":"other"}`), messagesDoor, 400, "invalid_body"},

		{"an unknown model", chat(`{"model":"gpt-5"}`), chatDoor, 404, "model_not_found"},
		{"an unknown model, for Anthropic", post(messagesDoor.path, `{"model":"gpt-5"}`), messagesDoor, 404, "model_not_found"},
		{"a pattern for a model", chat(`{"model":"*"}`), chatDoor, 404, "model_not_found"},
		{"no call of a model, whatever it names", post("/v1/files", `{"model":"gpt"}`), chatDoor, 404, "no_route"},
		{"no call of a model, with a body that nobody reads", request{http.MethodDelete, "/v1/files/file-1", `{"model":"gpt"}`}, chatDoor, 404, "no_route"},
		{"no model, and no route that takes any", post("/v1/moderations", `{"input":"Hi"}`), chatDoor, 404, "no_route"},
		{"nothing, and no route that takes any", request{http.MethodGet, "/v1/files/file-1", ""}, chatDoor, 404, "no_route"},
		{"that of Anthropic's", post("/v1/messages/batches", `{"requests":[]}`), messagesDoor, 404, "no_route"},
		{"an endpoint with a slash behind", post("/v1/chat/completions/", `{"model":"gpt"}`), chatDoor, 404, "no_route"},
		{"a path with an empty segment", post("/v1//files", `{"model":"gpt"}`), chatDoor, 404, "no_route"},
		{"a path that goes up", post("/v1/files/../../secret", `{"model":"gpt"}`), chatDoor, 404, "no_route"},
		{"a path that goes up, escaped", post("/v1/files/%2e%2e/%2E./secret", `{"model":"gpt"}`), chatDoor, 404, "no_route"},
		{"the version alone", post("/v1", `{"model":"gpt"}`), chatDoor, 404, "no_route"},
		{"an endpoint without a version", post("/chat/completions", `{"model":"gpt"}`), pathDoor, 404, "no_route"},
		{"another version", post("/v10/chat/completions", `{"model":"gpt"}`), pathDoor, 404, "no_route"},
		{"an unknown path", post("/other", `{}`), pathDoor, 404, "no_route"},
		{"no path", post("/", `{}`), pathDoor, 404, "no_route"},

		{"JSON that is cut short, elsewhere", post("/v1/moderations", `{"model":"gpt"`), chatDoor, 400, "invalid_body"},
		{"two models, elsewhere", post("/v1/images/edits", `{"model":"gpt","model":"other"}`), chatDoor, 400, "invalid_body"},
		{"a model of another type, elsewhere", post("/v1/moderations", `{"model":7}`), chatDoor, 400, "invalid_body"},

		{"GET", request{http.MethodGet, chatDoor.path, ""}, chatDoor, 405, "method_not_allowed"},
		{"DELETE", request{http.MethodDelete, "/v1/responses", ""}, chatDoor, 405, "method_not_allowed"},
		{"GET of a call of a model", request{http.MethodGet, "/v1/images/generations", ""}, chatDoor, 405, "method_not_allowed"},
		{"PUT, for Anthropic", request{http.MethodPut, messagesDoor.path, messagesDoor.body}, messagesDoor, 405, "method_not_allowed"},

		{"too large", chat(`{"model":"gpt","x":"` + block(100<<10) + `"}`), chatDoor, 413, "body_too_large"},
		{"too large, for Anthropic", post(messagesDoor.path, `{"model":"claude","x":"`+block(100<<10)+`"}`), messagesDoor, 413, "body_too_large"},
		{"too large, for a path", post(pathDoor.path, block(100<<10)), pathDoor, 413, "body_too_large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			r := newRig(t, func(o *gateway.Options) { o.MaxBodyBytes = 64 << 10 }, doorRoutes(t, sim.URL, newPolicy(t))...)
			got := r.send(tc.request.method, tc.request.path, tc.request.body)
			got.wantOwn(t, tc.door, tc.status, tc.code)
			allow := ""
			if tc.status == http.StatusMethodNotAllowed {
				allow = http.MethodPost
			}
			got.wantHeaders(t, map[string]string{"Allow": allow, "X-Switchgear-Backend": ""})
			if got := r.counts("switchgear_rejected_requests_total", "code"); len(got) != 1 || got[tc.code] != 1 {
				t.Errorf("counted as %v, want %s", got, tc.code)
			}
			if sim.Count() != 0 {
				t.Error("the provider was asked")
			}
			r.wantIdle()
		})
	}
}

// TestBodyLimit: a body of just the limit passes, one byte more does not,
// whether its length is announced or not.
func TestBodyLimit(t *testing.T) {
	const limit = 100_000
	for _, e := range doors {
		for _, chunked := range []bool{false, true} {
			for _, more := range []int{0, 1} {
				name := e.name
				if chunked {
					name += ", chunked"
				}
				if more > 0 {
					name += ", one more"
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					sim := providersim.Start(t, providersim.Options{})
					r := newRig(t, func(o *gateway.Options) { o.MaxBodyBytes = limit }, doorRoutes(t, sim.URL, newPolicy(t))...)
					padded := e
					padded.body += strings.Repeat(" ", limit+more-len(e.body))
					post := r.postChunked
					if !chunked {
						post = func(e streamEndpoint) reply { return r.post(e) }
					}
					got := post(padded)
					if more > 0 {
						got.wantOwn(t, e, http.StatusRequestEntityTooLarge, "body_too_large")
						got.wantHeaders(t, map[string]string{"X-Switchgear-Route": routeBeforeBody(e)})
						return
					}
					if got.status != http.StatusOK {
						t.Errorf("status %d: %s", got.status, got.body)
					}
					if seen := sim.Requests()[0]; string(seen.Body) != padded.body {
						t.Errorf("the provider got %d bytes, want the client's %d", seen.BodyBytes, limit)
					}
				})
			}
		}
	}
}

// postChunked sends a door's request without telling its length.
func (r *streamRig) postChunked(e streamEndpoint) reply {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+e.path, io.NopCloser(strings.NewReader(e.body)))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}
