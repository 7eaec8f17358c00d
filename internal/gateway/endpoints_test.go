package gateway_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// aForm is a form as clients of /v1/audio write it.
const (
	aForm = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\x00\xff\r\n--a\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n"
	formType = "multipart/form-data; boundary=b"
)

// anyRoute takes every model, and what names none, to a backend of each dialect.
func anyRoute(t *testing.T, provider string, p *gateway.Policy) *gateway.Route {
	t.Helper()
	openAI, anthropic := newBackend(t, gateway.OpenAI, provider+"/v1", p), newBackend(t, gateway.Anthropic, provider, p)
	openAI.Name, anthropic.Name = "openai", "anthropic"
	return newRoute("*", openAI, anthropic)
}

// TestEveryEndpoint reaches its own at a backend of its dialect, as the client
// wrote it, and its answer the client, as the provider wrote it.
func TestEveryEndpoint(t *testing.T) {
	const json = "application/json"
	for _, tc := range []struct {
		method, path, kind, body string
		headers                  []string
		backend                  string
	}{
		{"POST", "/v1/chat/completions", json, chatDoor.body, nil, "openai"},
		{"POST", "/v1/chat/completions", json, chatDoor.body, anthropicVersion, "openai"},
		{"POST", "/v1/completions", json, `{"model":"m","prompt":"Hi"}`, nil, "openai"},
		{"POST", "/v1/embeddings", json, `{"model":"m","input":"Hi"}`, nil, "openai"},
		{"POST", "/v1/responses", json, `{"model":"m","input":"Hi"}`, nil, "openai"},
		{"POST", "/v1/responses", json, `{"prompt":{"id":"pmpt_1"},"input":"Hi","model":null}`, nil, "openai"},
		{"POST", "/v1/moderations", json, `{"input":"Hi"}`, nil, "openai"},
		{"POST", "/v1/moderations", "", `{"input":"Hi","model":"m"}`, nil, "openai"},
		{"POST", "/v1/images/generations", json, `{"prompt":"Hi"}`, nil, "openai"},
		{"POST", "/v1/images/edits", formType, aForm, nil, "openai"},
		{"POST", "/v1/images/edits", json, `{"model":"m","images":[]}`, nil, "openai"},
		{"POST", "/v1/images/variations", formType, aForm, nil, "openai"},
		{"POST", "/v1/audio/speech", json, `{"model":"m","input":"Hi"}`, nil, "openai"},
		{"POST", "/v1/audio/transcriptions", formType, aForm, nil, "openai"},
		{"POST", "/v1/audio/translations", formType, aForm, nil, "openai"},
		{"POST", "/v1/files", formType, aForm, nil, "openai"},
		{"GET", "/v1/files?purpose=batch&limit=2", "", "", nil, "openai"},
		{"GET", "/v1/files/file-none/content", "", "", nil, "openai"},
		{"DELETE", "/v1/files/file%20none", "", "", nil, "openai"},
		{"PATCH", "/v1/fine/tuning", "text/odd", "\x00\xff", nil, "openai"},

		{"POST", "/v1/messages", json, messagesDoor.body, anthropicVersion, "anthropic"},
		{"POST", "/v1/messages/count_tokens", json, messagesDoor.body, nil, "anthropic"},
		{"POST", "/v1/messages/batches", json, `{"requests":[]}`, nil, "anthropic"},
		{"GET", "/v1/messages/batches/b/results", "", "", nil, "anthropic"},
		{"POST", "/v1/files", formType, aForm, anthropicVersion, "anthropic"},
		{"GET", "/v1/skills?limit=2", "", "", anthropicVersion, "anthropic"},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			route := anyRoute(t, sim.URL, newPolicy(t))
			for _, b := range route.Backends {
				if b.Name != tc.backend {
					b.Priority = 1 // it would do for what can be translated
				}
			}
			r := newRig(t, nil, route)
			headers := append([]string{"Content-Type", tc.kind}, tc.headers...)
			got := r.send(tc.method, tc.path, tc.body, headers...)
			want := (&streamRig{t: t, url: sim.URL, client: sim.Client()}).send(tc.method, tc.path, tc.body, headers...)
			if got.status != want.status || alike(got.body) != alike(want.body) || got.err != nil {
				t.Errorf("status %d (%v): %q, want %d: %q", got.status, got.err, got.body, want.status, want.body)
			}
			got.wantHeaders(t, map[string]string{
				"X-Switchgear-Route": "*", "X-Switchgear-Backend": tc.backend, "Content-Type": want.header.Get("Content-Type"), "Content-Length": want.header.Get("Content-Length"),
			})
			seen := sim.Requests()
			if d := cmp.Diff(asSeen(seen[1]), asSeen(seen[0])); d != "" {
				t.Errorf("the provider saw (-direct +gateway):\n%s", d)
			}
			r.wantIdle()
		})
	}
}

// seenRequest is what a provider can tell of a request.
type seenRequest struct{ Method, Path, Query, Type, Length, Body string }

func asSeen(r providersim.Request) seenRequest {
	return seenRequest{r.Method, r.Path, r.Query.Encode(), r.Header.Get("Content-Type"), r.Header.Get("Content-Length"), string(r.Body)}
}

// TestAnEndpointWithoutABackendOfItsDialect is told of.
func TestAnEndpointWithoutABackendOfItsDialect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dialect            gateway.Dialect // of the backend
		method, path, body string
	}{
		{gateway.Anthropic, "POST", "/v1/completions", `{"model":"m"}`},
		{gateway.Anthropic, "POST", "/v1/embeddings", `{"model":"m"}`},
		{gateway.Anthropic, "POST", "/v1/responses", `{"model":"m"}`},
		{gateway.Anthropic, "POST", "/v1/audio/speech", `{"model":"m"}`},
		{gateway.Anthropic, "POST", "/v1/audio/transcriptions", aForm},
		{gateway.Anthropic, "POST", "/v1/images/generations", `{"model":"m"}`},
		{gateway.Anthropic, "POST", "/v1/moderations", `{}`},
		{gateway.Anthropic, "GET", "/v1/files", ""},
		{gateway.OpenAI, "POST", "/v1/messages/count_tokens", `{"model":"m"}`},
		{gateway.OpenAI, "GET", "/v1/messages/batches", ""},
	} {
		t.Run(tc.path, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			r := newRig(t, nil, newRoute("*", newBackend(t, tc.dialect, sim.URL, newPolicy(t))))
			door := chatDoor
			if tc.dialect == gateway.OpenAI {
				door = messagesDoor
			}
			kind := "application/json"
			if tc.body == aForm {
				kind = formType
			}
			r.send(tc.method, tc.path, tc.body, "Content-Type", kind).wantOwn(t, door, http.StatusBadRequest, "unsupported_endpoint")
			if sim.Count() != 0 {
				t.Error("the provider was asked")
			}
		})
	}
}

// TestRoutesOfWhatNamesNoModel: only those with the pattern *, and among them the
// one whose headers the request has.
func TestRoutesOfWhatNamesNoModel(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	p := newPolicy(t)
	named, wild, of := newRoute("gpt", newBackend(t, gateway.OpenAI, sim.URL+"/v1", p)), newRoute("gpt-*", newBackend(t, gateway.OpenAI, sim.URL+"/v1", p)), anyRoute(t, sim.URL, p)
	of.Name, of.Headers = "account", []gateway.Header{{Name: "X-Account", Value: "main"}}
	r := newRig(t, nil, named, wild, of)
	r.send(http.MethodGet, "/v1/files", "").wantOwn(t, chatDoor, http.StatusNotFound, "no_route")
	got := r.send(http.MethodGet, "/v1/files", "", "X-Account", "main")
	got.wantHeaders(t, map[string]string{"X-Switchgear-Route": "account"})
	if got.status != http.StatusOK || sim.Count() != 1 {
		t.Errorf("status %d, and the provider was asked %d times", got.status, sim.Count())
	}
	r.send(http.MethodPost, "/v1/moderations", `{"model":"gpt-4"}`, "X-Account", "main").wantHeaders(t, map[string]string{"X-Switchgear-Route": "gpt-*"})
}
