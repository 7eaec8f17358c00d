package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestAClientLeaves are the rows Abandoned and ClientGone: nobody is asked again,
// and it is the provider's failure only where it was silent for too long before
// the first token.
func TestAClientLeaves(t *testing.T) {
	const almost = 30*second - time.Millisecond
	for _, tc := range []struct {
		name    string
		fault   providersim.Fault
		ways    []asking
		after   time.Duration
		class   string
		outcome string
	}{
		{"soon", providersim.Fault{Kind: providersim.Hang}, anything, almost, "ClientGone", "Ignored"},
		{"after timeouts.abandoned", providersim.Fault{Kind: providersim.Hang}, anything, 30 * second, "Abandoned", "Failure"},
		{"after headers, a role and pings, and timeouts.abandoned", providersim.Fault{FirstTokenDelay: minute, KeepAlive: providersim.KeepAlivePing}, streamed, 31 * second, "Abandoned", "Failure"},
		{"amid an answer that is held", providersim.Fault{Kind: providersim.Stall}, whole, 31 * second, "Abandoned", "Failure"},
		{"amid the stream, soon", providersim.Fault{TokenDelay: second}, streamed, 3500 * time.Millisecond, "ClientGone", "Ignored"},
		{"amid the stream, late", providersim.Fault{TokenDelay: 15 * second}, streamed, 45500 * time.Millisecond, "ClientGone", "Ignored"},
		{"in the middle of a silence after the first token", providersim.Fault{Kind: providersim.Stall, AfterTokens: 1}, streamed, 19 * second, "ClientGone", "Ignored"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range tc.ways {
				inBubble(t, nil, 2, func(r *bubbleRig) {
					r.fault(0, tc.fault)
					if a := r.askFor(tc.after, way); a.err == nil {
						t.Errorf("%s: the client got %d %q", way.name, a.status, a.body)
					}
					r.wantStory("b0@0s")
					r.wantTally("b0 "+tc.outcome+":1", "circuit_calls_total", "circuit", "outcome")
					r.wantTally("b0 "+tc.class+":1", "attempts_total", "backend", "class")
					r.wantTally("b0 "+tc.class+":1", "requests_total", "backend", "class")
					if req := r.sims[0].Requests()[0]; !req.ClientLeft {
						t.Errorf("%s: the provider was not left: %+v", way.name, req)
					}
				})
			}
		})
	}
}

// TestAClientLeavesAQueue without a call: its place is free at once.
func TestAClientLeavesAQueue(t *testing.T) {
	tune := func(s *streamSetup) {
		s.Policy.Circuit.Bulkhead.MaxConcurrent = 1
		s.Policy.Circuit.Bulkhead.MaxQueued = 1
		s.Policy.Circuit.Bulkhead.QueueTimeout = minute
	}
	inBubble(t, tune, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Kind: providersim.Hold, Requests: 1})
		go r.ask(chatWhole)
		synctest.Wait()
		if a := r.askFor(40*second, chatWhole); a.err == nil {
			t.Errorf("the client got %d", a.status)
		}
		r.wantTally("", "bulkhead_queued")
		r.wantTally("b0 ClientGone:1", "requests_total", "backend", "class")
		r.sims[0].Heal()
		r.wantTally("b0 Success:1", "circuit_calls_total", "circuit", "outcome")
		r.wantStory("b0@0s")
	})
}

// TestAHangingProviderTripsThoughEveryClientGivesUp: no limit of ours is ever
// reached.
func TestAHangingProviderTripsThoughEveryClientGivesUp(t *testing.T) {
	for _, way := range anything {
		t.Run(way.name, func(t *testing.T) {
			inBubble(t, nil, 1, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Kind: providersim.Hang})
				for range 5 {
					if a := r.askFor(40*second, way); a.err == nil {
						t.Errorf("the client got %d", a.status)
					}
					synctest.Wait()
				}
				if a := r.ask(way); a.code() != "circuit_open" || a.after != 0 {
					t.Errorf("then the client got %d %q after %v", a.status, a.code(), a.after)
				}
				r.wantStory("b0@0s b0@40s b0@1m20s b0@2m0s b0@2m40s")
			})
		})
	}
}
