package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestWhatAnotherDialectCannotSay skips its backend, wherever that stands, and is
// the client's mistake only if there is no other.
func TestWhatAnotherDialectCannotSay(t *testing.T) {
	for _, tc := range []struct {
		name  string
		way   asking
		param string
		fault providersim.Fault // of the caller's dialect's backend
	}{
		{"several choices", asking{"", chatWhole.path, chatDoor.with("n", "2").body}, "n", providersim.Fault{}},
		{"several choices, streamed", asking{"", chatWhole.path, chatEndpoint.with("n", "2").body}, "n", providersim.Fault{}},
		{"what is unknown", asking{"", messagesWhole.path, messagesDoor.with("new_thing", "true").body}, "new_thing", providersim.Fault{}},
		{"a part of a message", asking{"", messagesStream.path, strings.Replace(messagesEndpoint.body, `"Hi"`, `[{"type":"document"}]`, 1)}, "messages[0].content[0]", providersim.Fault{}},
		{"while the other fails", asking{"", chatWhole.path, chatDoor.with("logprobs", "true").body}, "logprobs", providersim.Fault{Status: 500, Message: "of b1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			otherFirst := func(s *streamSetup) {
				s.Retry.MaxAttempts = 1
				firstThenOther(tc.way)(s)
				inOrder := s.Backend
				s.Backend = func(n int, b *gateway.Backend) { inOrder((n+1)%2, b) }
			}
			inBubble(t, otherFirst, 2, func(r *bubbleRig) {
				r.fault(1, tc.fault)
				a := r.ask(tc.way)
				if tc.fault.Status == 0 && !asWell(&a, "b1") || tc.fault.Status != 0 && (a.status != 500 || !strings.Contains(a.body, "of b1")) {
					t.Errorf("the client got %d %s", a.status, a.body)
				}
				if got := a.header.Get("X-Switchgear-Attempts"); got != "1" {
					t.Errorf("after %s attempts", got)
				}
				r.wantStory("b1@0s")
			})
			// Alone, and twice.
			for _, providers := range []int{1, 3} {
				only := func(s *streamSetup) {
					firstThenOther(tc.way)(s)
					inOrder := s.Backend
					s.Backend = func(_ int, b *gateway.Backend) { inOrder(1, b) }
				}
				inBubble(t, only, providers, func(r *bubbleRig) {
					a := r.ask(tc.way)
					if a.status != 400 || a.code() != "unsupported_parameter" || a.header.Get("X-Should-Retry") != "false" {
						t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
					}
					if !strings.Contains(a.body, "backend b0 ") || !strings.Contains(a.body, "the parameter "+tc.param+" cannot be expressed") {
						t.Errorf("the client was told %s", a.body)
					}
					if tc.way.route() == "gpt" && !strings.Contains(a.body, `"param":"`+tc.param+`"`) {
						t.Errorf("the error has no param %s: %s", tc.param, a.body)
					}
					r.wantStory("")
					r.wantTally("unsupported_parameter:1", "rejected_requests_total", "code")
				})
			}
		})
	}
}

// TestWhatCannotBeSaidWhileTheOthersAreOpen: a circuit will close again, so that
// the client is told to come back.
func TestWhatCannotBeSaidWhileTheOthersAreOpen(t *testing.T) {
	tune := func(s *streamSetup) { opens(s); speaking(gateway.OpenAI, gateway.Anthropic)(s) }
	inBubble(t, tune, 2, func(r *bubbleRig) {
		r.opened(0)
		a := r.ask(asking{"", chatWhole.path, chatDoor.with("n", "2").body})
		if a.status != 503 || a.code() != "circuit_open" || a.header.Get("Retry-After") != "30" {
			t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
		}
		r.wantStory("")
	})
}

// TestTranslatedBodiesDrawOnTheMemoryBudget, there and back, and give it back.
func TestTranslatedBodiesDrawOnTheMemoryBudget(t *testing.T) {
	for _, d := range directions {
		long := strings.Replace(d.whole.body, `"Hi"`, `"`+block(100<<10)+`"`, 1)
		for _, tc := range []struct {
			name   string
			body   string
			tokens int
			budget int64
			status int
			asked  int
		}{
			{"there is enough", long, 8, 400 << 10, 200, 1},
			{"not for the request", long, 8, 150 << 10, 503, 0},
			{"not for the answer", d.whole.body, 20_000, 250 << 10, 503, 1},
		} {
			t.Run(d.name+"/"+tc.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{Tokens: tc.tokens})
				b := backendOf(t, d.backend, sim.URL, newPolicy(t))
				b.DefaultMaxTokens = 1 << 20
				r := newRig(t, func(o *gateway.Options) { o.MaxBufferedBytes = tc.budget }, newRoute("*", b))
				body := strings.Replace(tc.body, `"max_tokens":99`, `"max_tokens":99999`, 1)
				got := r.post(streamEndpoint{path: d.whole.path, body: body})
				if tc.status == http.StatusOK {
					if got.status != http.StatusOK {
						t.Errorf("status %d: %s", got.status, got.body)
					}
				} else {
					got.wantOwn(t, d.whole, tc.status, "overloaded")
					got.wantHeaders(t, map[string]string{"Retry-After": "1"})
				}
				if sim.Count() != tc.asked {
					t.Errorf("the provider was asked %d times", sim.Count())
				}
				r.wantIdle()
			})
		}
	}
}

// TestATranslatedBodyIsHeldOnce beside the client's own, while the call is made.
func TestATranslatedBodyIsHeldOnce(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			const size = 100 << 10
			r, sim := translatedRig(t, d, nil)
			sim.SetFault(providersim.Fault{Kind: providersim.Hold})
			e := d.whole
			e.body = strings.Replace(e.body, `"Hi"`, `"`+block(size)+`"`, 1)
			answer := r.begin(t.Context(), e)
			sim.WaitRunning(1)
			if n := r.held(); n < 2*size || n > 5*size/2 {
				t.Errorf("%d bytes are held of a body of %d and its translation", n, size)
			}
			sim.Heal()
			if got := r.await(answer); got.status != http.StatusOK {
				t.Errorf("status %d: %s", got.status, got.body)
			}
			r.wantIdle()
		})
	}
}

// TestWhatWaitsIsNotTranslated: a queued call holds the client's body alone.
func TestWhatWaitsIsNotTranslated(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			const size = 100 << 10
			r, sim := translatedRig(t, d, func(_ *gateway.Options, b *gateway.Backend) {
				b.Policy.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 1, QueueTimeout: patiently}
			})
			sim.SetFault(providersim.Fault{Kind: providersim.Hold})
			e := d.whole
			e.body = strings.Replace(e.body, `"Hi"`, `"`+block(size)+`"`, 1)
			first := r.begin(t.Context(), e)
			sim.WaitRunning(1)
			alone := r.held()
			second := r.begin(t.Context(), e)
			r.eventually("a queued call", func() bool { return r.counts("switchgear_bulkhead_queued", "")[""] == 1 })
			if n := r.held() - alone; n < size || n > 3*size/2 {
				t.Errorf("%d bytes more are held for a body of %d that waits", n, size)
			}
			sim.Heal()
			for _, answer := range []<-chan reply{first, second} {
				if got := r.await(answer); got.status != http.StatusOK {
					t.Errorf("status %d: %s", got.status, got.body)
				}
			}
			r.wantIdle()
		})
	}
}

// TestATranslatedAnswerThatIsTooLong is not passed on as it comes, which an
// answer of the caller's dialect is.
func TestATranslatedAnswerThatIsTooLong(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			r, sim := translatedRig(t, d, nil)
			part := map[gateway.Dialect]string{gateway.OpenAI: "choices", gateway.Anthropic: "content"}[d.backend]
			sim.SetFault(providersim.Fault{Status: 200, Body: `{"` + part + `":[],"x":"` + block(17<<20) + `"}`})
			got := r.post(d.whole)
			got.wantOwn(t, d.whole, http.StatusBadGateway, "upstream_unavailable")
			if !strings.Contains(got.body, "too long to be translated: the limit is 16777216 bytes") {
				t.Errorf("the client was told %s", got.body)
			}
			r.wantEnd("Rejected", "Ignored")
		})
	}
}
