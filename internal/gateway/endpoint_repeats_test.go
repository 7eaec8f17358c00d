package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// inBubbleOfAny is inBubble with one route for everything, of OpenAI's dialect.
func inBubbleOfAny(t *testing.T, tune func(*streamSetup), play func(r *bubbleRig)) {
	t.Helper()
	var setup *streamSetup
	inBubble(t, func(s *streamSetup) {
		if setup = s; tune != nil {
			tune(s)
		}
	}, 2, func(r *bubbleRig) {
		b0, b1 := newBackend(t, gateway.OpenAI, "http://b0/v1", &setup.Policy), newBackend(t, gateway.OpenAI, "http://b1/v1", &setup.Policy)
		b0.Name, b1.Name, b1.Priority = "b0", "b1", 1
		if setup.Key != "" {
			ownKey(b0)
		}
		route := newRoute("*", b0, b1)
		route.Timeout, route.Retry, route.Fallback = setup.Timeout, setup.Retry, setup.Fallback
		r.apply(route)
		play(r)
	})
}

// request sends a request, of JSON or a form.
func (r *bubbleRig) request(method, path, body string) told {
	r.t.Helper()
	kind := "application/json"
	if strings.HasPrefix(body, "--b") {
		kind = formType
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	return r.do(req)
}

// TestWhatIsMadeIsNotMadeTwice: a call of a model changes nothing, and may be
// repeated. Of what else there is under /v1, that holds for what HTTP calls
// idempotent, and otherwise where the provider has surely not acted.
func TestWhatIsMadeIsNotMadeTwice(t *testing.T) {
	for _, tc := range []struct {
		method, path, body string
		may                bool // be repeated whatever the provider has done
	}{
		{"POST", "/v1/completions", `{"model":"m"}`, true},
		{"POST", "/v1/embeddings", `{"model":"m"}`, true},
		{"POST", "/v1/responses", `{"model":"m","conversation":null}`, true},
		{"POST", "/v1/responses", `{"model":"m","conversation":"conv_1"}`, false},
		{"POST", "/v1/audio/speech", `{"model":"m"}`, true},
		{"POST", "/v1/images/generations", `{"model":"m"}`, true},
		{"POST", "/v1/moderations", `{}`, true},
		{"POST", "/v1/files", filePart + formEnd, false},
		{"POST", "/v1/batches", `{"input_file_id":"file-1"}`, false},
		{"POST", "/v1/fine_tuning/jobs", `{"model":"m"}`, false},
		{"GET", "/v1/files", "", true},
		{"DELETE", "/v1/files/file-1", "", true},
	} {
		for _, f := range []struct {
			name  string
			fault providersim.Fault
			acted bool // perhaps
		}{
			{"500", providersim.Fault{Status: 500}, true},
			{"closed before the status line", providersim.Fault{Kind: providersim.Close}, true},
			{"503", providersim.Fault{Status: 503}, false},
			{"429", providersim.Fault{Status: 429}, false},
		} {
			t.Run(tc.method+" "+tc.path+" "+f.name, func(t *testing.T) {
				inBubbleOfAny(t, nil, func(r *bubbleRig) {
					r.fault(0, f.fault)
					r.request(tc.method, tc.path, tc.body)
					want := thrice + " b1@1.5s"
					if f.acted && !tc.may {
						want = once
					}
					r.wantStory(want)
				})
			})
		}
	}
}

// TestAThingIsLookedForAtEveryBackend: a file is where it was made.
func TestAThingIsLookedForAtEveryBackend(t *testing.T) {
	inBubbleOfAny(t, nil, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 503})
		made := r.request(http.MethodPost, "/v1/files", filePart+formEnd)
		if made.status != http.StatusOK || !strings.Contains(made.body, `"file-b1-1"`) {
			t.Fatalf("made %d: %s", made.status, made.body)
		}
		r.sims[0].Heal()
		got := r.request(http.MethodGet, "/v1/files/file-b1-1/content", "")
		if got.status != http.StatusOK || got.body != "RIFF\x00\xff\r\n--a\r\n" {
			t.Errorf("found %d: %q", got.status, got.body)
		}
		missing := r.request(http.MethodGet, "/v1/files/file-c", "")
		if missing.status != http.StatusNotFound || missing.header.Get("X-Switchgear-Backend") != "b0" {
			t.Errorf("a file that is nowhere: %d of %s: %s", missing.status, missing.header.Get("X-Switchgear-Backend"), missing.body)
		}
	})
}

// TestIdleConnectionsThatAreResetElsewhere: one of them is made good for, where the
// request may be repeated; the transport repeats nothing by itself.
func TestIdleConnectionsThatAreResetElsewhere(t *testing.T) {
	const idle = 5
	for method, want := range map[string]string{http.MethodPost: "b0@1s", http.MethodGet: "b0@1s b0@1s", http.MethodDelete: "b0@1s b0@1s"} {
		t.Run(method, func(t *testing.T) {
			inBubbleOfAny(t, func(s *streamSetup) { s.Retry.MaxAttempts, s.Fallback = 1, 0 }, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Kind: providersim.Hold})
				answers := make(chan told)
				for range idle {
					go func() { answers <- r.request(http.MethodGet, "/v1/files", "") }()
				}
				synctest.Wait()
				r.sims[0].Heal()
				for range idle {
					<-answers
				}
				r.sims[0].ClearRequests()
				time.Sleep(second)
				r.fault(0, providersim.Fault{Kind: providersim.Close})
				if a := r.request(method, "/v1/files", ""); a.status != http.StatusBadGateway {
					t.Errorf("the client got %d", a.status)
				}
				r.wantStory(want)
			})
		})
	}
}

// TestAKeyThatDoesNotDoForAllPaths opens no circuit: models are still called.
func TestAKeyThatDoesNotDoForAllPaths(t *testing.T) {
	inBubbleOfAny(t, ownCredential, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 403})
		for range 10 {
			r.request(http.MethodGet, "/v1/files", "")
		}
		r.sims[0].Heal()
		if a := r.request(http.MethodPost, "/v1/embeddings", `{"model":"m","input":"Hi"}`); a.header.Get("X-Switchgear-Backend") != "b0" {
			t.Errorf("embeddings came from %s: %s", a.header.Get("X-Switchgear-Backend"), a.body)
		}
	})
}
