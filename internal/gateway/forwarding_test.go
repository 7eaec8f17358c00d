package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// forwarded sends a door's request with headers and returns the headers that
// the provider got, without those that the connection itself needs.
func forwarded(t *testing.T, e streamEndpoint, tune func(*gateway.Backend), headers ...string) http.Header {
	t.Helper()
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t), tune)...)
	if got := r.post(e, headers...); got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	seen := sim.Requests()[0]
	if seen.Host != sim.Addr {
		t.Errorf("the provider is called %s, want %s", seen.Host, sim.Addr)
	}
	for _, name := range []string{"Content-Length", "X-Request-Id", "User-Agent", "Accept-Encoding"} {
		seen.Header.Del(name)
	}
	return seen.Header
}

// clientCredentials are all that a client may bring.
var clientCredentials = []string{
	"Authorization", "Bearer sk-client", "X-Api-Key", "sk-client", "Api-Key", "sk-client", "Cookie", "session=client",
}

func TestCredentialsOfARequest(t *testing.T) {
	t.Parallel()
	own := func(header, prefix string) func(*gateway.Backend) {
		return func(b *gateway.Backend) {
			ownKey(b)
			b.AuthHeader, b.AuthPrefix = header, prefix
		}
	}
	for _, tc := range []struct {
		name    string
		backend func(*gateway.Backend)
		want    http.Header
	}{
		{"none", noKey, http.Header{}},
		{"the gateway's, as OpenAI wants it", own("Authorization", "Bearer "), http.Header{"Authorization": {"Bearer sk-own"}}},
		{"the gateway's, as Anthropic wants it", own("x-api-key", ""), http.Header{"X-Api-Key": {"sk-own"}}},
		{"the gateway's, as Azure wants it", own("api-key", ""), http.Header{"Api-Key": {"sk-own"}}},
		{"the gateway's, in a header of its own", own("X-Weather-Token", "v1 "), http.Header{"X-Weather-Token": {"v1 sk-own"}}},
		{"the client's", passthrough, http.Header{
			"Authorization": {"Bearer sk-client"}, "X-Api-Key": {"sk-client"}, "Api-Key": {"sk-client"}, "Cookie": {"session=client"},
		}},
	} {
		for _, e := range doors {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				if d := cmp.Diff(tc.want, forwarded(t, e, tc.backend, clientCredentials...)); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

// TestHeadersOfARequest: what belongs to the client's connection, to the gateway
// or to a proxy stays behind, all else passes.
func TestHeadersOfARequest(t *testing.T) {
	t.Parallel()
	extra := func(b *gateway.Backend) {
		b.Headers = []gateway.Header{{Name: "OpenAI-Organization", Value: "org-1"}, {Name: "anthropic-version", Value: "2023-06-01"}}
	}
	for _, tc := range []struct {
		name    string
		backend func(*gateway.Backend)
		sent    []string
		want    http.Header
	}{
		{"of the call", noKey, []string{"Content-Type", "application/json", "Accept", "text/event-stream", "X-Stainless-Lang", "python", "X-A", "1", "X-A", "2"},
			http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "X-Stainless-Lang": {"python"}, "X-A": {"1", "2"}}},
		{"of the connection", noKey, []string{
			"Connection", "keep-alive, X-Hop", "X-Hop", "1", "Connection", "x-hop-too", "X-Hop-Too", "1", "Keep-Alive", "timeout=5",
			"Proxy-Connection", "keep-alive", "Proxy-Authorization", "Basic eA==", "Te", "trailers", "Upgrade", "h2c", "X-End", "1",
		}, http.Header{"X-End": {"1"}}},
		{"that make the transport repeat calls", noKey, []string{"Idempotency-Key", "k", "X-Idempotency-Key", "k"}, http.Header{}},
		{"of the gateway", noKey, []string{"X-Switchgear-Route", "r", "X-Switchgear-Anything", "1"}, http.Header{}},
		{"of a proxy", noKey, []string{"X-Forwarded-For", "10.0.0.1", "X-Forwarded-Host", "gateway", "X-Forwarded-Proto", "https", "Forwarded", "for=10.0.0.1"}, http.Header{}},
		{"of the backend", extra, nil, http.Header{"Openai-Organization": {"org-1"}, "Anthropic-Version": {"2023-06-01"}}},
		{"of both", extra, []string{"OpenAI-Organization", "org-2", "OpenAI-Project", "p"},
			http.Header{"Openai-Organization": {"org-1"}, "Openai-Project": {"p"}, "Anthropic-Version": {"2023-06-01"}}},
	} {
		for _, e := range doors {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				if d := cmp.Diff(tc.want, forwarded(t, e, tc.backend, tc.sent...)); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

// TestHeadersThatClientsMakeUp: the transport's own names do not stand for them.
func TestHeadersThatClientsMakeUp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		door     streamEndpoint
		sent     map[string]string
		agent    []string
		encoding []string
	}{
		{"a call of a model", chatDoor, map[string]string{"User-Agent": "sdk/1", "Accept-Encoding": "gzip, br"}, []string{"sdk/1"}, []string{"identity"}},
		{"a call of a model without any", messagesDoor, map[string]string{"User-Agent": "", "Accept-Encoding": ""}, nil, []string{"identity"}},
		{"a path", pathDoor, map[string]string{"User-Agent": "sdk/1", "Accept-Encoding": "gzip, br"}, []string{"sdk/1"}, []string{"gzip, br"}},
		{"a path without any", pathDoor, map[string]string{"User-Agent": "", "Accept-Encoding": ""}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
			conn := r.rawClient()
			say(t, conn, "POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n", tc.door.path, len(tc.door.body))
			for name, value := range tc.sent {
				if value != "" {
					say(t, conn, "%s: %s\r\n", name, value)
				}
			}
			say(t, conn, "\r\n%s", tc.door.body)
			if got := hearReply(t, conn); got.status != http.StatusOK {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			seen := sim.Requests()[0].Header
			if !slices.Equal(seen["User-Agent"], tc.agent) || !slices.Equal(seen["Accept-Encoding"], tc.encoding) {
				t.Errorf("the provider got %q and %q, want %q and %q", seen["User-Agent"], seen["Accept-Encoding"], tc.agent, tc.encoding)
			}
		})
	}
}

// TestHeadersOfAnAnswer: a provider speaks neither for the gateway nor for its
// origin.
func TestHeadersOfAnAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusUnprocessableEntity} {
		for _, e := range doors {
			t.Run(http.StatusText(status)+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				provider := script(t, func(s scripted) {
					for name, value := range map[string]string{
						"X-Ratelimit-Remaining-Tokens": "9", "Openai-Processing-Ms": "12", "Set-Cookie": "a=b", "Request-Id": "req_1",
						"Connection": "X-Hop", "X-Hop": "1", "Keep-Alive": "timeout=5", "Proxy-Authenticate": "Basic", "Upgrade": "h2c",
						"X-Switchgear-Backend": "evil", "X-Switchgear-Error": "evil", "X-Switchgear-Anything": "evil", "X-Request-Id": "evil",
						"Alt-Svc": `h3=":443"`, "Strict-Transport-Security": "max-age=1",
					} {
						s.w.Header().Set(name, value)
					}
					s.w.WriteHeader(status)
					s.send(`{"choices":[],"content":[]}`)
				})
				r := newRig(t, nil, doorRoutes(t, provider, newPolicy(t))...)
				got := r.post(e, "X-Request-Id", "mine")
				if got.status != status {
					t.Fatalf("status %d: %s", got.status, got.body)
				}
				got.wantHeaders(t, map[string]string{
					"X-Ratelimit-Remaining-Tokens": "9", "Openai-Processing-Ms": "12", "Set-Cookie": "a=b", "Request-Id": "req_1",
					"X-Hop": "", "Keep-Alive": "", "Proxy-Authenticate": "", "Upgrade": "",
					"X-Switchgear-Backend": "b", "X-Switchgear-Error": "", "X-Switchgear-Anything": "", "X-Request-Id": "mine",
					"Alt-Svc": "", "Strict-Transport-Security": "",
				})
			})
		}
	}
}

// TestTheModelIsReplaced and nothing else: the rest of the body arrives byte for
// byte.
func TestTheModelIsReplaced(t *testing.T) {
	t.Parallel()
	const odd = "{ \"x\" : 1.0e2,\n\t\"model\"  :  %s  , \"messages\": [{\"model\":\"gpt\",\"content\":\"\\u00e9 \\/ \\ud83d\\ude00 \\\"model\\\":\\\"gpt\\\"\"}], \"x\":0.10 }\r\n "
	for _, tc := range []struct {
		name, model string
		sent, want  string // the model's JSON
	}{
		{"the client's", "", `"gpt"`, `"gpt"`},
		{"the client's, escaped", "", `"g\u0070t"`, `"g\u0070t"`},
		{"the same", "gpt", `"gpt"`, `"gpt"`},
		{"another", "gpt-4o-2024-11-20", `"gpt"`, `"gpt-4o-2024-11-20"`},
		{"another, for an escaped one", "o1", `"g\u0070t"`, `"o1"`},
		{"one with odd letters", `mod"el\é`, `"gpt"`, `"mod\"el\\é"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t), func(b *gateway.Backend) { b.Model = tc.model })...)
			e := chatDoor
			e.body = strings.Replace(odd, "%s", tc.sent, 1)
			if got := r.post(e); got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			if d := cmp.Diff(strings.Replace(odd, "%s", tc.want, 1), string(sim.Requests()[0].Body)); d != "" {
				t.Error(d)
			}
		})
	}
}
