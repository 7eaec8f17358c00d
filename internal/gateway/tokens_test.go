package gateway_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestTokensAreCounted for every endpoint, streamed or not, whether the client
// asks what its stream has cost or not.
func TestTokensAreCounted(t *testing.T) {
	for _, way := range append([]asking{
		{"completions", "/v1/completions", `{"model":"gpt","prompt":"Hi"}`},
		{"completions streamed", "/v1/completions", `{"model":"gpt","stream":true,"prompt":"Hi"}`},
		{"chat streamed, with usage", "/v1/chat/completions", asked(chatStream.body)},
		{"responses", "/v1/responses", `{"model":"gpt","input":"Hi"}`},
		{"responses streamed", "/v1/responses", responsesEndpoint.body},
		{"embeddings", "/v1/embeddings", `{"model":"gpt","input":"Hi"}`},
	}, anyModel...) {
		t.Run(way.name, func(t *testing.T) {
			inBubble(t, nil, 1, func(r *bubbleRig) {
				a := r.ask(way)
				if a.status != http.StatusOK || a.err != nil {
					t.Fatalf("status %d, %v: %s", a.status, a.err, a.body)
				}
				// The simulated provider takes four bytes for a token.
				input := 1 + len(r.sims[0].Requests()[0].Body)/4
				want := fmt.Sprintf("%s b0 input:%d %[1]s b0 output:8", way.route(), input)
				if way.name == "embeddings" {
					want = fmt.Sprintf("gpt b0 input:%d", input)
				}
				r.wantTally(want, "tokens_total", "route", "backend", "direction")
				r.wantTally("", "cached_input_tokens_total", "backend")
			})
		})
	}
}

// TestTokensOfCachesAreInput, and counted apart too.
func TestTokensOfCachesAreInput(t *testing.T) {
	for name, tc := range map[string]struct {
		e      streamEndpoint
		answer string
		want   string
	}{
		"OpenAI":    {chatDoor, `{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":64}}}`, "input:100 output:5"},
		"Anthropic": {messagesDoor, `{"content":[],"usage":{"input_tokens":100,"cache_read_input_tokens":64,"cache_creation_input_tokens":8,"output_tokens":5}}`, "input:172 output:5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newStreamRig(t, nil, script(t, func(s scripted) {
				s.w.Header().Set("Content-Type", "application/json")
				s.send(tc.answer)
			}))
			if got := r.post(tc.e); got.body != tc.answer {
				t.Errorf("the answer is %q", got.body)
			}
			if got := r.tally("tokens_total", "direction"); got != tc.want {
				t.Errorf("tokens %q, want %q", got, tc.want)
			}
			if got := r.tally("cached_input_tokens_total", "backend"); got != "b0:64" {
				t.Errorf("cached tokens %q", got)
			}
		})
	}
}

// TestABrokenStreamHasItsCostToo, as far as the provider has told it.
func TestABrokenStreamHasItsCostToo(t *testing.T) {
	inBubble(t, func(s *streamSetup) { s.Recovery = gateway.RecoverByBuffering }, 2, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Kind: providersim.Cut, AfterTokens: 3})
		r.fault(1, providersim.Fault{FirstTokenDelay: second})
		r.ask(messagesStream)
		input := 1 + len(messagesStream.body)/4
		r.wantTally(fmt.Sprintf("b0 input:%d b0 output:1 b1 input:%[1]d b1 output:8", input), "tokens_total", "backend", "direction")
		r.wantTally("b1:1", "output_token_seconds", "backend") // only of what was whole
	})
}

func TestTimePerOutputToken(t *testing.T) {
	for _, way := range streamed {
		inBubble(t, nil, 1, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{FirstTokenDelay: 3 * second, TokenDelay: 200 * time.Millisecond})
			r.ask(way)
			r.wantTally("b0:1", "output_token_seconds", "backend")
			if got := r.sum("output_token_seconds"); math.Abs(got-.2) > .001 {
				t.Errorf("%s: %v s for each token, want 0.2", way.name, got)
			}
		})
	}
}

// TestOnlyWhoAsksIsToldTheUsage of a stream, whatever else comes with it.
func TestOnlyWhoAsksIsToldTheUsage(t *testing.T) {
	const (
		early = `data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":{"completion_tokens":1}}` + "\n\n"
		azure = `data: {"choices":[],"prompt_filter_results":[],"usage":null}` + "\n\n"
		last  = `data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":9}}` + "\n\n"
	)
	for name, tc := range map[string]struct{ body, want string }{
		"not asked": {chatEndpoint.body, azure + early + chatFinish + chatDone},
		"asked":     {asked(chatEndpoint.body), azure + early + chatFinish + last + chatDone},
		"declined": {strings.Replace(asked(chatEndpoint.body), `"include_usage":true`, `"include_usage":false`, 1),
			azure + early + chatFinish + chatDone},
	} {
		for recovery, how := range map[string]gateway.StreamRecovery{"None": gateway.RecoverNothing, "Buffer": gateway.RecoverByBuffering, "Resume": gateway.RecoverByResuming} {
			t.Run(name+"/"+recovery, func(t *testing.T) {
				t.Parallel()
				r := newStreamRig(t, func(s *streamSetup) { s.Recovery = how }, script(t, func(s scripted) {
					s.stream()
					s.send(azure + early + chatFinish + last + chatDone)
				}))
				if got := r.open(chatEndpoint.path, tc.body).whole(); got != tc.want {
					t.Errorf("got %q, want %q", got, tc.want)
				}
				r.wantEnd("Success", "Success")
				if got := r.tally("tokens_total", "direction"); got != "input:3 output:9" {
					t.Errorf("tokens %q", got)
				}
			})
		}
	}
}

// TestABackendThatKnowsNoUsageIsAskedWithout: its refusal is no answer to what
// the client has asked.
func TestABackendThatKnowsNoUsageIsAskedWithout(t *testing.T) {
	const refusal = `{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error","param":null,"code":null}}`
	for _, status := range []int{http.StatusBadRequest, http.StatusUnprocessableEntity} {
		inBubble(t, nil, 1, func(r *bubbleRig) {
			// It refuses later than a connection may take.
			r.fault(0, providersim.Fault{Status: status, Body: refusal, Requests: 1, HeaderDelay: 7 * second})
			ask := func(attempts string) {
				t.Helper()
				a := r.ask(chatStream)
				if !asWell(&a, "b0") || a.header.Get("X-Switchgear-Attempts") != attempts || !strings.HasSuffix(a.body, chatDone) {
					t.Errorf("status %d, headers %v: %s", a.status, a.header, a.body)
				}
			}
			ask("1")
			ask("1")
			time.Sleep(time.Hour)
			ask("1")
			with, without := asked(chatStream.body), chatStream.body
			for i, want := range []string{with, without, without, with} {
				if got := string(r.sims[0].Requests()[i].Body); got != want {
					t.Errorf("call %d was %q, want %q", i, got, want)
				}
			}
			r.wantTally("Success:3", "attempts_total", "class")
		})
	}
}

// TestABackendThatKnowsNoUsageIsAskedWithoutInTranslationToo.
func TestABackendThatKnowsNoUsageIsAskedWithoutInTranslationToo(t *testing.T) {
	tune := func(s *streamSetup) {
		s.Backend = func(_ int, b *gateway.Backend) {
			if b.Dialect == gateway.Anthropic {
				b.Dialect, b.URL.Path = gateway.OpenAI, "/v1"
			}
		}
	}
	inBubble(t, tune, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 400, Body: `{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"]}]}`, Requests: 1})
		for range 2 {
			a := r.ask(messagesStream)
			if !asWell(&a, "b0") || a.header.Get("X-Switchgear-Attempts") != "1" || !strings.Contains(a.body, "message_stop") {
				t.Errorf("status %d: %s", a.status, a.body)
			}
		}
		for i, asks := range []bool{true, false, false} {
			if body := string(r.sims[0].Requests()[i].Body); strings.Contains(body, "include_usage") != asks {
				t.Errorf("call %d was %q", i, body)
			}
		}
		// What is never the gateway's own question is never asked again.
		r.fault(0, providersim.Fault{Status: 400, Body: `{"error":{"message":"stream_options"}}`})
		if a := r.ask(messagesStream); a.status != 400 || r.sims[0].Count() != 4 {
			t.Errorf("status %d after %d calls", a.status, r.sims[0].Count())
		}
	})
}

// TestTheClientsOwnStreamOptionsMayBeRefused.
func TestTheClientsOwnStreamOptionsMayBeRefused(t *testing.T) {
	inBubble(t, nil, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 400, Body: `{"error":{"message":"stream_options: no"}}`})
		a := r.ask(asking{"asks", chatStream.path, asked(chatStream.body)})
		if a.status != 400 || r.sims[0].Count() != 1 {
			t.Errorf("status %d after %d calls: %s", a.status, r.sims[0].Count(), a.body)
		}
	})
}
