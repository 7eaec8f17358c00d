package gateway_test

import (
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestWhatARateLimitMeans to the circuit is rateLimit.action; what becomes of the
// request follows from that.
func TestWhatARateLimitMeans(t *testing.T) {
	limited := providersim.Fault{Status: 429, RetryAfter: "3"}
	unsaid := providersim.Fault{Status: 429}
	inStream := providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "rate_limit_error"}
	for _, tc := range []struct {
		name    string
		action  gateway.RateLimitAction
		fault   providersim.Fault
		story   string
		outcome string
		state   circuit.State
		closes  time.Duration // of an open circuit: after so long a probe is let through
	}{
		{"Failure", gateway.RateLimitFailure, limited, "b0@0s b0@3.375s b0@6.75s b1@6.75s", "b0 Failure:3 b1 Success:1", circuit.Closed, 0},
		{"Failure, in the stream", gateway.RateLimitFailure, inStream, thrice + " b1@1.5s", "b0 Failure:3 b1 Success:1", circuit.Closed, 0},
		{"Ignore", gateway.RateLimitIgnore, limited, "b0@0s b0@3.375s b0@6.75s b1@6.75s", "b0 Ignored:3 b1 Success:1", circuit.Closed, 0},
		{"Ignore, without Retry-After", gateway.RateLimitIgnore, unsaid, thrice + " b1@1.5s", "b0 Ignored:3 b1 Success:1", circuit.Closed, 0},
		{"Cooldown", gateway.RateLimitCooldown, limited, "b0@0s b1@0s", "b0 Throttled:1 b1 Success:1", circuit.Open, 3 * second},
		{"Cooldown, without Retry-After", gateway.RateLimitCooldown, unsaid, "b0@0s b1@0s", "b0 Throttled:1 b1 Success:1", circuit.Open, 30 * second},
		{"Cooldown, in the stream", gateway.RateLimitCooldown, inStream, "b0@0s b1@0s", "b0 Throttled:1 b1 Success:1", circuit.Open, 30 * second},
		{"Cooldown, longer than maxRetryAfter", gateway.RateLimitCooldown, providersim.Fault{Status: 429, RetryAfter: "100"}, "b0@0s b1@0s", "b0 Throttled:1 b1 Success:1", circuit.Open, 100 * second},
		{"Cooldown, longer than resetBackoff.max", gateway.RateLimitCooldown, providersim.Fault{Status: 429, RetryAfter: "10000"}, "b0@0s b1@0s", "b0 Throttled:1 b1 Success:1", circuit.Open, 5 * minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(s *streamSetup) { s.Policy.RateLimit = tc.action }, 2, func(r *bubbleRig) {
				r.fault(0, tc.fault)
				if a := r.ask(chatStream); !asWell(&a, "b1") {
					t.Errorf("the client got %d %s", a.status, a.body)
				}
				r.wantStory(tc.story)
				r.wantTally(tc.outcome, "circuit_calls_total", "circuit", "outcome")
				if s := r.state("gpt"); s != tc.state {
					t.Errorf("the circuit is %v, want %v", s, tc.state)
				}
				r.wantOpenFor(tc.closes)
			})
		})
	}
}

// wantOpenFor checks how long the circuit of the first provider stays open from
// now; 0: it is not open.
func (r *bubbleRig) wantOpenFor(d time.Duration) {
	r.t.Helper()
	if d == 0 {
		return
	}
	r.sims[0].Heal()
	time.Sleep(d - time.Millisecond)
	if a := r.ask(chatWhole); a.header.Get("X-Switchgear-Backend") == "b0" {
		r.t.Errorf("it was asked after %v, want not before %v", d-time.Millisecond, d)
	}
	time.Sleep(time.Millisecond)
	if a := r.ask(chatWhole); a.header.Get("X-Switchgear-Backend") != "b0" || a.header.Get("X-Switchgear-Circuit") != "half-open" {
		r.t.Errorf("after %v the answer is of %v", d, a.header)
	}
}

// TestCooldownAlone: the client is told by the provider first, and then by the
// gateway, until when.
func TestCooldownAlone(t *testing.T) {
	inBubble(t, func(s *streamSetup) { s.Policy.RateLimit = gateway.RateLimitCooldown }, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 429, RetryAfter: "3"})
		if a := r.ask(chatWhole); a.status != 429 || a.header.Get("Retry-After") != "3" || a.header.Get("X-Should-Retry") != "false" {
			t.Errorf("the client got %d %v", a.status, a.header)
		}
		time.Sleep(second)
		if a := r.ask(chatWhole); a.code() != "circuit_open" || a.header.Get("Retry-After") != "2" {
			t.Errorf("then the client got %d %v", a.status, a.header)
		}
		r.wantStory(once)
	})
}

// TestASpentQuotaOpensForResetBackoffMax whatever Retry-After says, and whatever
// a rate limit means.
func TestASpentQuotaOpensForResetBackoffMax(t *testing.T) {
	for name, fault := range map[string]providersim.Fault{
		"402":                 {Status: 402},
		"402 and Retry-After": {Status: 402, RetryAfter: "1"},
		"429":                 {Status: 429, ErrorCode: "insufficient_quota", RetryAfter: "1"},
		"in the stream":       {Kind: providersim.ErrorEvent, ErrorType: "insufficient_quota"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, action := range []gateway.RateLimitAction{gateway.RateLimitFailure, gateway.RateLimitCooldown, gateway.RateLimitIgnore} {
				inBubble(t, func(s *streamSetup) { s.Policy.RateLimit = action }, 2, func(r *bubbleRig) {
					r.fault(0, fault)
					if a := r.ask(chatStream); !asWell(&a, "b1") {
						t.Errorf("the client got %d %s", a.status, a.body)
					}
					r.wantStory("b0@0s b1@0s")
					r.wantTally("b0 Throttled:1 b1 Success:1", "circuit_calls_total", "circuit", "outcome")
					r.wantOpenFor(5 * minute)
				})
			}
		})
	}
}

// TestOneCallersKeyTripsNobody: with passthrough credentials what a provider says
// of a key or its limits is nothing to the circuit, whatever else is said.
func TestOneCallersKeyTripsNobody(t *testing.T) {
	for _, status := range []int{401, 402, 403, 429} {
		tune := func(s *streamSetup) {
			clientsCredential(s)
			s.Policy.FailureStatus, _ = gateway.ParseStatusSet([]string{"4xx", "5xx"})
			s.Policy.RateLimit = gateway.RateLimitCooldown
			s.Policy.Circuit.FailureThreshold = 1
			s.Retry.MaxAttempts = 1
		}
		for _, way := range anything {
			inBubble(t, tune, 1, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Status: status})
				for range 5 {
					if a := r.ask(way); a.status != status || a.code() != "" {
						t.Errorf("%d, %s: the client got %d %v", status, way.name, a.status, a.header)
					}
				}
				r.wantTally("b0 Ignored:5", "circuit_calls_total", "circuit", "outcome")
				if s := r.state(way.route()); s != circuit.Closed {
					t.Errorf("%d, %s: the circuit is %v", status, way.name, s)
				}
			})
		}
	}
}
