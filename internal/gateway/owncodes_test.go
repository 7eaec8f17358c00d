package gateway_test

import (
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestErrorsOfTheGateway has a row for each error that the gateway itself makes
// of a call that a route was found for: what the client is told, in its dialect,
// and whether the provider was asked.
func TestErrorsOfTheGateway(t *testing.T) {
	fails := func(r *streamRig, sim *providersim.Server, e streamEndpoint) {
		sim.SetFault(providersim.Fault{Status: 500})
		r.post(e)
	}
	hangs := func(r *streamRig, sim *providersim.Server, e streamEndpoint) {
		sim.SetFault(providersim.Fault{Kind: providersim.Hang})
		r.begin(r.t.Context(), e)
		sim.WaitRunning(1)
	}
	for _, tc := range []struct {
		name    string
		doors   []streamEndpoint
		policy  func(*gateway.Policy)
		backend func(*gateway.Backend)
		before  func(r *streamRig, sim *providersim.Server, e streamEndpoint)
		fault   providersim.Fault // of the call, where before sets none
		status  int
		code    string
		headers map[string]string // beside those of every error
		wait    int               // seconds until the earliest probe; 0: none is due
		asked   int               // how often the provider was, in all
		says    string            // a part of the message
	}{
		{name: "the circuit is open", doors: doors, status: 503, code: "circuit_open", asked: 1,
			policy: func(p *gateway.Policy) { p.Circuit.FailureThreshold, p.Circuit.ResetTimeout = 1, 50*time.Second }, before: fails,
			headers: map[string]string{"X-Switchgear-Attempts": "0", "X-Switchgear-Circuit": "open"}, wait: 50},
		{name: "the circuit is forced open", doors: doors, status: 503, code: "circuit_open",
			policy:  func(p *gateway.Policy) { p.Circuit.Override.Kind = circuit.ForceOpen },
			headers: map[string]string{"X-Switchgear-Attempts": "0", "X-Switchgear-Circuit": "open"}},
		{name: "the circuit is forced open until", doors: doors, status: 503, code: "circuit_open",
			policy: func(p *gateway.Policy) {
				p.Circuit.Override.Kind, p.OverrideUntil = circuit.ForceOpen, time.Now().Add(40*time.Second)
			},
			headers: map[string]string{"X-Switchgear-Attempts": "0", "X-Switchgear-Circuit": "open"}, wait: 40},
		{name: "the bulkhead is full", doors: doors, status: 503, code: "bulkhead_full", asked: 1,
			policy: func(p *gateway.Policy) { p.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1} }, before: hangs,
			headers: map[string]string{"Retry-After": "1", "X-Switchgear-Attempts": "0"}},
		{name: "the queue's time is over", doors: doors, status: 503, code: "bulkhead_timeout", asked: 1,
			policy: func(p *gateway.Policy) {
				p.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 1, QueueTimeout: 20 * time.Millisecond}
			}, before: hangs,
			headers: map[string]string{"Retry-After": "1", "X-Switchgear-Attempts": "0"}},
		{name: "no answer in time", doors: doors, status: 504, code: "upstream_timeout", asked: 1,
			policy: func(p *gateway.Policy) { p.Timeouts.Attempt = shortly }, fault: providersim.Fault{Kind: providersim.Hang}},
		{name: "no connection that holds", doors: doors, status: 502, code: "upstream_unavailable", asked: 1,
			fault: providersim.Fault{Kind: providersim.Close}},
		{name: "no sense in the answer", doors: modelDoors, status: 502, code: "upstream_unavailable", asked: 1,
			fault: providersim.Fault{Kind: providersim.NotJSON}},
		{name: "the gateway's credential is rejected", doors: doors, status: 502, code: "upstream_credential_rejected", asked: 1,
			backend: ownKey, fault: providersim.Fault{Status: 401, Message: "key sk-own of org-7"}},
		{name: "the gateway's quota is spent", doors: doors, status: 503, code: "upstream_quota_exhausted", asked: 1,
			backend: ownKey, fault: providersim.Fault{Status: 402, Message: "key sk-own of org-7"}},
		{name: "the backend lacks what it needs", doors: doors, status: 502, code: "upstream_unavailable",
			backend: func(b *gateway.Backend) { b.Unavailable = "a Secret is missing" },
			headers: map[string]string{"X-Switchgear-Attempts": "0", "X-Switchgear-Backend": ""},
			says:    "can be used: its conditions Accepted and ResolvedRefs say why"},
	} {
		for _, e := range tc.doors {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{})
				p := newPolicy(t)
				if tc.policy != nil {
					tc.policy(p)
				}
				backend := func(*gateway.Backend) {}
				if tc.backend != nil {
					backend = tc.backend
				}
				r := newRig(t, nil, doorRoutes(t, sim.URL, p, backend)...)
				if tc.before != nil {
					tc.before(r, sim, e)
				} else {
					sim.SetFault(tc.fault)
				}
				got := r.post(e)
				got.wantOwn(t, e, tc.status, tc.code)
				if tc.wait != 0 {
					// Some of the time has passed since the circuit opened.
					wait, err := strconv.Atoi(got.header.Get("Retry-After"))
					if err != nil || wait > tc.wait || wait < tc.wait-10 {
						t.Errorf("Retry-After: %q, want %d", got.header.Get("Retry-After"), tc.wait)
					}
					got.header.Del("Retry-After")
				}
				got.wantHeaders(t, withDefaults(tc.headers, map[string]string{
					"Retry-After": "", "X-Switchgear-Route": routeOf(e), "X-Switchgear-Backend": "b",
					"X-Switchgear-Attempts": "1", "X-Switchgear-Circuit": "",
				}))
				if !strings.Contains(got.body, tc.says) || strings.Contains(got.body, "org-7") || strings.Contains(got.body, sim.Addr) {
					t.Errorf("the client is told %s", got.body)
				}
				if n := sim.Count(); n != tc.asked {
					t.Errorf("the provider was asked %d times, want %d", n, tc.asked)
				}
			})
		}
	}
}

// routeOf is the name of the route behind a door.
func routeOf(e streamEndpoint) string {
	return map[string]string{chatDoor.path: "gpt", messagesDoor.path: "claude", pathDoor.path: "ext"}[e.path]
}

func withDefaults(m, defaults map[string]string) map[string]string {
	out := maps.Clone(defaults)
	maps.Copy(out, m)
	return out
}

// TestOfAHalfOpenCircuit: a probe's caller is told of it, others are refused
// while it runs.
func TestOfAHalfOpenCircuit(t *testing.T) {
	for _, e := range doors {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			p := newPolicy(t, func(p *gateway.Policy) {
				p.Circuit.FailureThreshold, p.Circuit.ResetTimeout = 1, 50*time.Millisecond
			})
			r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
			sim.SetFault(providersim.Fault{Status: 500})
			r.post(e)
			sim.SetFault(providersim.Fault{Kind: providersim.Hold})
			r.eventually("a half-open circuit", func() bool { return r.gw.ObservePolicy("p")[0].State == circuit.HalfOpen })
			probe := r.begin(t.Context(), e)
			sim.WaitRunning(1)

			got := r.post(e)
			got.wantOwn(t, e, http.StatusServiceUnavailable, "circuit_open")
			got.wantHeaders(t, map[string]string{"Retry-After": "1", "X-Switchgear-Circuit": "half-open", "X-Switchgear-Attempts": "0"})

			sim.Heal()
			got = r.await(probe)
			got.wantHeaders(t, map[string]string{"X-Switchgear-Circuit": "half-open", "X-Switchgear-Attempts": "1", "X-Switchgear-Error": ""})
			if got.status != http.StatusOK {
				t.Errorf("the probe got status %d: %s", got.status, got.body)
			}
			r.post(e).wantHeaders(t, map[string]string{"X-Switchgear-Circuit": ""})
			if n := sim.Count(); n != 3 {
				t.Errorf("the provider was asked %d times, want 3", n)
			}
		})
	}
}

// TestABackendOfAnotherDialectIsNotAsked for what is not translated.
func TestABackendOfAnotherDialectIsNotAsked(t *testing.T) {
	sim := providersim.Start(t, providersim.Options{})
	p := newPolicy(t)
	r := newRig(t, nil, newRoute("gpt", newBackend(t, gateway.Anthropic, sim.URL, p)))
	door := streamEndpoint{"OpenAI", "/v1/embeddings", `{"model":"gpt","input":"Hi"}`}
	got := r.post(door)
	got.wantOwn(t, door, http.StatusBadRequest, "unsupported_endpoint")
	got.wantHeaders(t, map[string]string{"X-Switchgear-Route": "gpt", "X-Switchgear-Backend": "", "X-Switchgear-Attempts": "0"})
	if sim.Count() != 0 {
		t.Error("the provider was asked")
	}
}

// TestAProvidersOwnErrorIsPassedOn as it is: the provider's status, headers and
// body, and nothing that keeps an SDK from trying again.
func TestAProvidersOwnErrorIsPassedOn(t *testing.T) {
	for _, e := range doors {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(providersim.Fault{Status: 422, RetryAfter: "7", Body: `{"error":{"message":"no such tool"} }`,
				Header: map[string]string{"X-Ratelimit-Remaining-Requests": "5", "X-Should-Retry": "true"}})
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t), ownKey)...)
			got := r.post(e)
			if got.status != 422 || got.body != `{"error":{"message":"no such tool"} }` {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			got.wantHeaders(t, map[string]string{
				"Retry-After": "7", "X-Ratelimit-Remaining-Requests": "5", "X-Should-Retry": "true",
				"X-Switchgear-Error": "", "X-Switchgear-Route": routeOf(e), "X-Switchgear-Backend": "b", "X-Switchgear-Attempts": "1",
			})
		})
	}
}

func TestRequestID(t *testing.T) {
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	for _, tc := range []struct {
		name  string
		sent  []string
		taken bool
	}{
		{"none", nil, false},
		{"one", []string{"abc-123"}, true},
		{"the longest", []string{strings.Repeat("x", 128)}, true},
		{"too long", []string{strings.Repeat("x", 129)}, false},
		{"empty", []string{""}, false},
		{"with a space", []string{"a b"}, false},
		{"not ASCII", []string{"é"}, false},
		{"two", []string{"a", "b"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
			var headers []string
			for _, id := range tc.sent {
				headers = append(headers, "X-Request-Id", id)
			}
			r.post(chatDoor, headers...)
			got := r.post(chatDoor, headers...).header["X-Request-Id"]
			switch {
			case len(got) != 1:
				t.Fatalf("the client got the request IDs %q", got)
			case tc.taken && got[0] != tc.sent[0], !tc.taken && !made.MatchString(got[0]):
				t.Errorf("the client got the request ID %q", got[0])
			}
			// The provider has an ID of its own, which is not the client's.
			seen := sim.Requests()
			if id := seen[1].Header["X-Request-Id"]; len(id) != 1 || id[0] != got[0] {
				t.Errorf("the provider got the request ID %q, the client %q", id, got)
			}
			if first := seen[0].Header.Get("X-Request-Id"); !tc.taken && first == got[0] {
				t.Errorf("two requests have the ID %q", first)
			}
			if refused := r.send(http.MethodPost, "/v1/nothing", "{}", headers...).header["X-Request-Id"]; len(refused) != 1 {
				t.Errorf("an error has the request IDs %q", refused)
			}
		})
	}
}
