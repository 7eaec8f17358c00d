package gateway_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

const circuitHeader = "X-Switchgear-Circuit"

func allowBypass(s *streamSetup) { s.Policy.AllowBypass = true }

// TestABypassThatIsNotAllowed is refused, and reaches no provider.
func TestABypassThatIsNotAllowed(t *testing.T) {
	oneForbids := func(s *streamSetup) {
		allowBypass(s)
		s.Backend = func(n int, b *gateway.Backend) {
			if p := *b.Policy; n == 1 {
				p.AllowBypass = false
				b.Policy = &p
			}
		}
	}
	for _, tc := range []struct {
		name    string
		tune    func(*streamSetup)
		value   string
		status  int
		code    string
		message string
	}{
		{"not allowed", nil, "bypass", 403, "bypass_not_allowed", "backend b0"},
		{"not allowed by the fallback", oneForbids, "bypass", 403, "bypass_not_allowed", "backend b1"},
		{"another value", allowBypass, "open", 400, "invalid_header", "bypass"},
		{"another case", allowBypass, "Bypass", 400, "invalid_header", "bypass"},
		{"no value", allowBypass, "", 400, "invalid_header", "bypass"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range anything {
				inBubble(t, tc.tune, 2, func(r *bubbleRig) {
					a := r.ask(way, circuitHeader, tc.value)
					if a.status != tc.status || a.code() != tc.code || a.header.Get("X-Should-Retry") != "false" || !strings.Contains(a.body, tc.message) {
						t.Errorf("%s: the client got %d %v %s", way.name, a.status, a.header, a.body)
					}
					r.wantStory("")
					r.wantTally(tc.code+":1", "rejected_requests_total", "code")
					r.wantTally("", "circuit_calls_total", "circuit", "outcome")
				})
			}
		})
	}
}

// TestABypassIsRecordedNowhere: not in the circuit, which stays as it is, be it
// closed or open; and it takes no slot.
func TestABypassIsRecordedNowhere(t *testing.T) {
	for _, way := range anything {
		inBubble(t, func(s *streamSetup) { allowBypass(s); oneSlot(s); opens(s); s.Retry.MaxAttempts = 2 }, 1, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{Kind: providersim.Hold})
			go r.ask(way) // has the only slot
			synctest.Wait()
			r.fault(0, providersim.Fault{Status: 500, Requests: 3}) // and lets that one go
			synctest.Wait()
			a := r.ask(way, circuitHeader, "bypass") // fails, twice
			if a.status != 500 || a.header.Get(circuitHeader) != "bypassed" || a.header.Get("X-Switchgear-Attempts") != "2" {
				t.Errorf("%s: the client got %d %v", way.name, a.status, a.header)
			}
			if s := r.state(way.route()); s != circuit.Closed {
				t.Errorf("%s: its failure made the circuit %v", way.name, s)
			}
			r.ask(way) // fails, and opens the circuit
			a = r.ask(way, circuitHeader, "bypass")
			if !asWell(&a, "b0") || a.header.Get(circuitHeader) != "bypassed" || a.header.Get("X-Switchgear-Attempts") != "1" {
				t.Errorf("%s: through an open circuit the client got %d %v", way.name, a.status, a.header)
			}
			if s := r.state(way.route()); s != circuit.Open {
				t.Errorf("%s: its success made the circuit %v", way.name, s)
			}
			if a = r.ask(way); a.code() != "circuit_open" {
				t.Errorf("%s: another client got %d %v", way.name, a.status, a.header)
			}
			r.wantTally("b0 Failure:1 b0 Success:1", "circuit_calls_total", "circuit", "outcome")
			r.wantTally("b0:3", "bulkhead_entered_total", "circuit") // those of the three that came without
			for _, req := range r.sims[0].Requests() {
				if req.Header.Get(circuitHeader) != "" {
					t.Errorf("%s: the provider was told %q", way.name, req.Header.Get(circuitHeader))
				}
			}
		})
	}
}

// TestABypassTakesNoSlot: it runs beside a full bulkhead, and leaves the slot to
// others.
func TestABypassTakesNoSlot(t *testing.T) {
	inBubble(t, func(s *streamSetup) { allowBypass(s); oneSlot(s) }, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Kind: providersim.Hold, AfterTokens: 1})
		answers := make(chan told)
		go func() { answers <- r.ask(chatStream) }()
		go func() { answers <- r.ask(chatStream, circuitHeader, "bypass") }()
		synctest.Wait()
		if n := r.sims[0].Running(); n != 2 || r.running() != 1 {
			t.Errorf("%d calls run, %d of them in slots, want 2 and 1", n, r.running())
		}
		r.sims[0].Heal()
		for range 2 {
			if a := <-answers; !asWell(&a, "b0") {
				t.Errorf("a client got %d %s", a.status, a.body)
			}
		}
	})
}

// TestABypassFallsBack as others do, past circuits that are open.
func TestABypassFallsBack(t *testing.T) {
	tune := func(s *streamSetup) { allowBypass(s); forceOpen(0, 1)(s) }
	for _, way := range anything {
		inBubble(t, tune, 2, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{Status: 500})
			a := r.ask(way, circuitHeader, "bypass")
			if !asWell(&a, "b1") || a.header.Get(circuitHeader) != "bypassed" {
				t.Errorf("%s: the client got %d %v", way.name, a.status, a.header)
			}
			r.wantStory("b0@0s b0@500ms b0@1.5s b1@1.5s")
			r.wantTally("b0 ServerError:3 b1 Success:1", "attempts_total", "backend", "class")
			r.wantTally("", "circuit_calls_total", "circuit", "outcome")
		})
	}
}

// TestABypassLeavesASilentBackend for one whose circuit is open: to it, that one is
// left, and so the first is neither the last nor asked again.
func TestABypassLeavesASilentBackend(t *testing.T) {
	for _, way := range []asking{chatWhole, chatStream} {
		inBubble(t, func(s *streamSetup) { allowBypass(s); forceOpen(1)(s); s.Policy.Timeouts.Attempt = minute }, 2, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{Kind: providersim.Hang})
			if a := r.ask(way, circuitHeader, "bypass"); !asWell(&a, "b1") {
				t.Errorf("%s: the client got %d %v", way.name, a.status, a.header)
			}
			r.wantStory("b0@0s b1@1m0s")
		})
	}
}

// TestTimeoutsHoldForABypass.
func TestTimeoutsHoldForABypass(t *testing.T) {
	inBubble(t, func(s *streamSetup) { allowBypass(s); attempt10s(s); s.Retry.MaxAttempts = 1 }, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Kind: providersim.Hang})
		a := r.ask(chatWhole, circuitHeader, "bypass")
		if a.status != 504 || a.after != 10*second || a.header.Get(circuitHeader) != "bypassed" {
			t.Errorf("the client got %d %v after %v", a.status, a.header, a.after)
		}
	})
}
