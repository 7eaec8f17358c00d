package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// firstThenOther is what a route's two backends speak: the caller's dialect, and
// the other.
func firstThenOther(way asking) func(*streamSetup) {
	if way.route() == "claude" {
		return speaking(gateway.Anthropic, gateway.OpenAI)
	}
	return speaking(gateway.OpenAI, gateway.Anthropic)
}

// TestAnotherDialectStandsIn for a backend that fails: nobody has to change a
// line for it.
func TestAnotherDialectStandsIn(t *testing.T) {
	for _, way := range anyModel {
		for name, fault := range map[string]providersim.Fault{
			"a server error":        {Status: 503},
			"a reset":               {Kind: providersim.Reset},
			"no sense":              {Kind: providersim.NotJSON},
			"an error inside a 200": {Kind: providersim.ErrorBody, ErrorType: "server_error"},
			"no quota":              {Status: 402},
			"no such model":         {Status: 404},
		} {
			t.Run(way.name+"/"+name, func(t *testing.T) {
				tune := func(s *streamSetup) { firstThenOther(way)(s); s.Retry.MaxAttempts = 1 }
				inBubble(t, tune, 2, func(r *bubbleRig) {
					r.fault(0, fault)
					a := r.ask(way)
					if !asWell(&a, "b1") || a.header.Get("X-Switchgear-Attempts") != "2" || a.header.Get("X-Switchgear-Backend") != "b1" {
						t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
					}
					wantDialect(t, way, &a)
					r.wantStory("b0@0s b1@0s")
					if first, second := paths(r.sims[0]), paths(r.sims[1]); first != way.path || second == way.path {
						t.Errorf("the providers were called at %s and %s", first, second)
					}
				})
			})
		}
	}
}

// wantDialect checks that an answer is the caller's dialect's, whole.
func wantDialect(t *testing.T, way asking, a *told) {
	t.Helper()
	streamed := strings.Contains(way.body, `"stream":true`)
	mark := `"object":"chat.completion"`
	switch {
	case way.route() == "claude" && streamed:
		mark = "event: message_stop\n"
	case way.route() == "claude":
		mark = `"type":"message"`
	case streamed:
		mark = "data: [DONE]\n"
	}
	if strings.Count(a.body, mark) != 1 {
		t.Errorf("the answer has no %s: %s", mark, a.body)
	}
}

// TestAnOpenCircuitsTrafficGoesOverTheBorderAndBack: while the first circuit is
// open, every request is answered by the other dialect's backend without a call
// of the first; once a probe succeeds, none is.
func TestAnOpenCircuitsTrafficGoesOverTheBorderAndBack(t *testing.T) {
	for _, way := range anyModel {
		t.Run(way.name, func(t *testing.T) {
			tune := func(s *streamSetup) { opens(s); firstThenOther(way)(s) }
			inBubble(t, tune, 2, func(r *bubbleRig) {
				ask := func(backend string) {
					t.Helper()
					a := r.ask(way)
					if !asWell(&a, backend) {
						t.Errorf("the client got %d of %s, want %s: %s", a.status, a.header.Get("X-Switchgear-Backend"), backend, a.body)
					}
					wantDialect(t, way, &a)
				}
				ask("b0")
				r.fault(0, providersim.Fault{Status: 500})
				ask("b1")
				time.Sleep(second)
				ask("b1") // refused by the circuit
				r.sims[0].Heal()
				time.Sleep(30 * second)
				ask("b0") // the probe
				ask("b0")
				r.wantStory("b0@0s b0@0s b1@0s b1@1s b0@31s b0@31s")
				r.wantTally("b0 b1 CircuitOpen:1 b0 b1 ServerError:1", "fallbacks_total", "from", "to", "class")
				r.wantTally("b0 CircuitOpen:1 b0 ServerError:1 b0 Success:3 b1 Success:2", "attempts_total", "backend", "class")
			})
		})
	}
}

// TestATranslatedBackendIsRepeatedAndLeft as any other: it is asked again after
// a failure, and what it is asked is the same; then the caller's own dialect
// stands in.
func TestATranslatedBackendIsRepeatedAndLeft(t *testing.T) {
	for _, way := range anyModel {
		t.Run(way.name, func(t *testing.T) {
			tune := func(s *streamSetup) {
				firstThenOther(way)(s)
				inOrder := s.Backend
				s.Backend = func(n int, b *gateway.Backend) { inOrder(1-n, b) }
			}
			inBubble(t, tune, 2, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Status: 500})
				a := r.ask(way)
				if !asWell(&a, "b1") || a.header.Get("X-Switchgear-Dropped") != "" {
					t.Errorf("the client got %d %v %s", a.status, a.header, a.body)
				}
				r.wantStory("b0@0s b0@500ms b0@1.5s b1@1.5s")
				seen := r.sims[0].Requests()
				for _, again := range seen[1:] {
					if string(again.Body) != string(seen[0].Body) || again.Path == way.path {
						t.Errorf("it was asked %s %s, and then %s %s", seen[0].Path, seen[0].Body, again.Path, again.Body)
					}
				}
				if last := r.sims[1].Requests()[0]; last.Path != way.path {
					t.Errorf("the caller's dialect was asked at %s", last.Path)
				}
			})
		})
	}
}
