package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
)

// soon is a limit for what never comes; nothing else has to keep it, not even a
// request on its way to the provider.
const soon = 40 * time.Millisecond

// The doors are the ways to a provider that does not stream: either dialect, and
// a path. Their models and the path are those of doorRoutes.
var (
	chatDoor     = streamEndpoint{"OpenAI", "/v1/chat/completions", `{"model":"gpt","messages":[{"role":"user","content":"Hi"}]}`}
	messagesDoor = streamEndpoint{"Anthropic", "/v1/messages", `{"model":"claude","max_tokens":99,"messages":[{"role":"user","content":"Hi"}]}`}
	pathDoor     = streamEndpoint{"path", "/ext/a", `{"a":1}`}

	modelDoors = []streamEndpoint{chatDoor, messagesDoor}
	doors      = []streamEndpoint{chatDoor, messagesDoor, pathDoor}
)

// newRig starts a gateway that serves these routes and no others.
func newRig(t *testing.T, tune func(*gateway.Options), routes ...*gateway.Route) *streamRig {
	t.Helper()
	r := newStreamRig(t, func(s *streamSetup) {
		if tune != nil {
			tune(&s.Options)
		}
	})
	r.apply(routes...)
	return r
}

// apply makes these routes live, with the policies that they refer to.
func (r *streamRig) apply(routes ...*gateway.Route) {
	s := &gateway.Snapshot{Version: "test", Routes: routes}
	seen := map[*gateway.Policy]bool{}
	for _, route := range routes {
		for _, b := range route.Backends {
			if !seen[b.Policy] {
				seen[b.Policy] = true
				s.Policies = append(s.Policies, b.Policy)
			}
		}
	}
	r.gw.Apply(s)
}

// newPolicy is a lenient policy, for a test to change before it is applied.
func newPolicy(t *testing.T, tune ...func(*gateway.Policy)) *gateway.Policy {
	t.Helper()
	p := lenientPolicy(t)
	for _, f := range tune {
		f(&p)
	}
	return &p
}

// newRoute makes a route for a model pattern or, if it begins with a slash, a
// path prefix, after which it is named. Every route of these tests comes from
// here: none repeats a call or asks another backend after one that failed.
func newRoute(pattern string, backends ...*gateway.Backend) *gateway.Route {
	match := gateway.Match{Pattern: pattern}
	for _, b := range backends {
		match.Circuits = append(match.Circuits, gateway.CircuitKey{Policy: b.Policy.ID, Origin: b.URL.String(), Model: pattern + " " + b.Name})
	}
	return &gateway.Route{
		Namespace: "default", Name: strings.Trim(pattern, "/"), Matches: []gateway.Match{match},
		Path: strings.HasPrefix(pattern, "/"), Timeout: patiently, Backends: backends,
	}
}

// newBackend makes a backend named b.
func newBackend(t *testing.T, d gateway.Dialect, base string, p *gateway.Policy) *gateway.Backend {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return &gateway.Backend{Name: "b", Dialect: d, URL: u, Weight: 1, Policy: p}
}

// doorRoutes has a route for each door, with one backend at a provider.
func doorRoutes(t *testing.T, provider string, p *gateway.Policy, tune ...func(*gateway.Backend)) []*gateway.Route {
	t.Helper()
	backends := []*gateway.Backend{
		newBackend(t, gateway.OpenAI, provider+"/v1", p),
		newBackend(t, gateway.Anthropic, provider, p),
		newBackend(t, gateway.HTTP, provider+"/http", p),
	}
	for _, b := range backends {
		for _, f := range tune {
			f(b)
		}
	}
	return []*gateway.Route{newRoute("gpt", backends[0]), newRoute("claude", backends[1]), newRoute("/ext", backends[2])}
}

// ownKey calls a backend with the gateway's own credential.
func ownKey(b *gateway.Backend) {
	b.Credential = gateway.Credential{Kind: gateway.CredentialSecret, Key: "sk-own"}
	b.AuthHeader, b.AuthPrefix = "Authorization", "Bearer "
}

// passthrough calls a backend with the client's credential.
func passthrough(b *gateway.Backend) { b.Credential.Kind = gateway.CredentialPassthrough }

// reply is a client's view of an answer that has come to its end.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // the answer broke off, or there was none
}

// post sends a door's request. Headers are names and values in turn.
func (r *streamRig) post(e streamEndpoint, headers ...string) reply {
	r.t.Helper()
	return r.send(http.MethodPost, e.path, e.body, headers...)
}

// send sends a request and fails the test if it gets no answer.
func (r *streamRig) send(method, path, body string, headers ...string) reply {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patiently)
	defer cancel()
	got := r.exchange(ctx, method, path, body, headers...)
	if got.status == 0 {
		r.t.Fatalf("%s %s: %v", method, path, got.err)
	}
	return got
}

// begin sends a door's request and tells the answer when it is there.
func (r *streamRig) begin(ctx context.Context, e streamEndpoint, headers ...string) <-chan reply {
	answer := make(chan reply, 1)
	go func() { answer <- r.exchange(ctx, http.MethodPost, e.path, e.body, headers...) }()
	return answer
}

func (r *streamRig) exchange(ctx context.Context, method, path, body string, headers ...string) reply {
	req, err := http.NewRequestWithContext(ctx, method, r.url+path, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

// await waits for the answer to a call that began earlier.
func (r *streamRig) await(answer <-chan reply) reply {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patiently)
	defer cancel()
	select {
	case got := <-answer:
		return got
	case <-ctx.Done():
		r.t.Fatalf("no answer after %v", patiently)
		return reply{}
	}
}

// wantOwn checks that an answer is an error of the gateway's own, in the door's
// dialect, which tells an SDK not to try again.
func (a reply) wantOwn(t *testing.T, e streamEndpoint, status int, code string) {
	t.Helper()
	if a.err != nil || a.status != status {
		t.Errorf("status %d (%v), want %d: %s", a.status, a.err, status, a.body)
	}
	want := map[string]string{"X-Switchgear-Error": code, "X-Should-Retry": "false", "Content-Type": "application/json"}
	for name, value := range want {
		if got := a.header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	checkErrorBody(t, e, a.body, code)
}

// wantHeaders checks headers of an answer; an empty value is an absent one.
func (a reply) wantHeaders(t *testing.T, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := strings.Join(a.header.Values(name), ", "); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}
