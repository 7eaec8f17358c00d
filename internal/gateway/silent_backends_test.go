package gateway_test

import (
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// silence are ways to give no output for a long time.
var silence = map[string]providersim.Fault{
	"hanging":                      {Kind: providersim.Hang},
	"late headers":                 {HeaderDelay: time.Hour},
	"late first token":             {FirstTokenDelay: time.Hour},
	"late first token, with pings": {FirstTokenDelay: time.Hour, KeepAlive: providersim.KeepAlivePing, KeepAliveEvery: 10 * second},
}

// TestASilentBackendIsLeftForAnother, buffered or not: never is it asked again
// while another is left.
func TestASilentBackendIsLeftForAnother(t *testing.T) {
	for name, fault := range silence {
		for _, recovery := range []gateway.StreamRecovery{gateway.RecoverNothing, gateway.RecoverByResuming, gateway.RecoverByBuffering} {
			t.Run(name+"/"+recovery.String(), func(t *testing.T) {
				tune := func(s *streamSetup) {
					s.Recovery = recovery
					s.Policy.Timeouts.FirstToken = 10 * second
				}
				inBubble(t, tune, 3, func(r *bubbleRig) {
					r.fault(0, fault)
					r.fault(1, fault)
					if a := r.ask(chatStream); !asWell(&a, "b2") {
						t.Errorf("the client got %d %s", a.status, a.body)
					}
					r.wantStory("b0@0s b1@10s b2@20s")
				})
			})
		}
	}
}

// TestTheLastBackendHasTheRestOfTheRoutesTime, where the answer is streamed, if
// that is longer than firstToken.
func TestTheLastBackendHasTheRestOfTheRoutesTime(t *testing.T) {
	for _, tc := range []struct {
		name      string
		tune      func(*streamSetup)
		way       asking // chatStream if it is none
		providers int
		slow      int // this provider's first token takes 200 s, those before hang
		story     string
		after     time.Duration
	}{
		{"the only one", nil, asking{}, 1, 0, "b0@0s", 200 * second},
		{"the second", nil, asking{}, 2, 1, "b0@0s b1@1m0s", 260 * second},
		{"but not beyond the route's time", nil, asking{}, 3, 2, "b0@0s b1@1m0s b2@2m0s", 0},
		{"of those that speak the dialect, where it is not translated", speaking(gateway.OpenAI, gateway.Anthropic), responsesStream, 2, 0, "b0@0s", 200 * second},
		{"of those that can be called", func(s *streamSetup) {
			s.Backend = func(n int, b *gateway.Backend) {
				if n == 1 {
					b.Unavailable = "no Secret"
				}
			}
		}, asking{}, 2, 0, "b0@0s", 200 * second},
		{"of those whose circuits admit calls", func(s *streamSetup) {
			s.Backend = func(n int, b *gateway.Backend) {
				if n == 1 {
					p := *b.Policy
					p.Circuit.Override.Kind = circuit.ForceOpen
					b.Policy = &p
				}
			}
		}, asking{}, 2, 0, "b0@0s", 200 * second},
		{"where Timeout is not in fallback.classes", func(s *streamSetup) { s.Fallback = without("Timeout") }, asking{}, 2, 0, "b0@0s", 200 * second},
		{"by firstToken where that is longer", func(s *streamSetup) {
			s.Timeout, s.Policy.Timeouts.FirstToken = 100*second, 10*minute
		}, asking{}, 1, 0, "b0@0s", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, tc.tune, tc.providers, func(r *bubbleRig) {
				for i := range tc.slow {
					r.fault(i, providersim.Fault{Kind: providersim.Hang})
				}
				r.fault(tc.slow, providersim.Fault{FirstTokenDelay: 200 * second})
				if tc.way.path == "" {
					tc.way = chatStream
				}
				a := r.ask(tc.way)
				if tc.after > 0 && (a.status != 200 || a.after != tc.after) {
					t.Errorf("the client got %d after %v: %s", a.status, a.after, a.body)
				}
				if tc.after == 0 && (a.status != 504 || a.code() != "upstream_timeout" || a.after > 5*minute) {
					t.Errorf("the client got %d %v after %v", a.status, a.header, a.after)
				}
				r.wantStory(tc.story)
			})
		})
	}
}

// TestABackendThatMayBeProbedIsLeftToAsk: the one before it is not the last.
func TestABackendThatMayBeProbedIsLeftToAsk(t *testing.T) {
	tune := func(s *streamSetup) { opens(s); s.Timeout = 3 * minute }
	inBubble(t, tune, 2, func(r *bubbleRig) {
		r.opened(0, 1) // by a request each; only b1's failure had nobody to go to
		time.Sleep(30 * second)
		// Both may be probed: b0 is not the last.
		r.fault(0, providersim.Fault{Kind: providersim.Hang, Requests: 1})
		if a := r.ask(chatStream); !asWell(&a, "b1") || a.after != minute {
			t.Errorf("the client got %d after %v", a.status, a.after)
		}
		r.wantStory("b0@30s b1@1m30s")
	})
}

// TestAnUnstreamedCallOnTheLastBackendIsRepeated up to maxAttempts, within the
// route's time. A streamed one is not: it has had that time.
func TestAnUnstreamedCallOnTheLastBackendIsRepeated(t *testing.T) {
	for _, tc := range []struct {
		name    string
		way     asking
		timeout time.Duration
		story   string
		after   time.Duration
	}{
		{"unstreamed", chatWhole, 5 * minute, "b0@0s b1@10s b1@20.5s b1@31.5s", 41500 * time.Millisecond},
		{"unstreamed, in less time", chatWhole, 25 * second, "b0@0s b1@10s b1@20.5s", 25 * second},
		{"unstreamed, with no time for a repeat", chatWhole, 20 * second, "b0@0s b1@10s", 20 * second},
		{"a path", pathGet, 5 * minute, "b0@0s b1@10s b1@20.5s b1@31.5s", 41500 * time.Millisecond},
		{"streamed", chatStream, 5 * minute, "b0@0s b1@1m0s", 5 * minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(s *streamSetup) { attempt10s(s); s.Timeout = tc.timeout }, 2, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Kind: providersim.Hang})
				r.fault(1, providersim.Fault{Kind: providersim.Hang})
				a := r.ask(tc.way)
				if a.status != 504 || a.code() != "upstream_timeout" || a.after != tc.after || a.header.Get("X-Switchgear-Backend") != "b0" {
					t.Errorf("the client got %d %v after %v", a.status, a.header, a.after)
				}
				r.wantStory(tc.story)
			})
		})
	}
}

// TestASilentBackendIsAskedAgainWhenTheOtherHasOpenedMeanwhile: when its time is
// over, none is left.
func TestASilentBackendIsAskedAgainWhenTheOtherHasOpenedMeanwhile(t *testing.T) {
	tune := func(s *streamSetup) {
		attempt10s(s)
		s.Backend = func(n int, b *gateway.Backend) {
			if n == 1 {
				p := *b.Policy
				p.Circuit.FailureThreshold = 1
				b.Policy = &p
			}
		}
	}
	inBubble(t, tune, 2, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Kind: providersim.Hang, Requests: 1}, providersim.Fault{Status: 404, Requests: 1})
		r.fault(1, providersim.Fault{Status: 500})
		slow := make(chan told)
		go func() { slow <- r.ask(chatWhole) }()
		time.Sleep(second)
		r.ask(chatWhole) // opens b1's circuit
		if a := <-slow; !asWell(&a, "b0") || a.after != 10500*time.Millisecond {
			t.Errorf("the client got %d after %v: %s", a.status, a.after, a.body)
		}
		r.wantStory("b0@0s b0@1s b1@1s b0@10.5s")
	})
}

// TestConnectingIsLimited by timeouts.connect, and then the next backend is
// asked.
func TestConnectingIsLimited(t *testing.T) {
	for _, way := range anything {
		t.Run(way.name, func(t *testing.T) {
			inBubble(t, nil, 2, func(r *bubbleRig) {
				r.net["b0:80"] = &memoryListener{} // accepts nobody
				a := r.ask(way)
				if !asWell(&a, "b1") || a.after != 5*second {
					t.Errorf("the client got %d after %v", a.status, a.after)
				}
				r.wantTally("b0 Timeout:1 b1 Success:1", "attempts_total", "backend", "class")
				r.wantStory("b1@5s")
			})
		})
	}
}

// TestABackendThatCannotBeToldTheRequestIsNotLeft: where the next one's dialect
// cannot say it, a call that was late is made again with the rest of the route's
// time.
func TestABackendThatCannotBeToldTheRequestIsNotLeft(t *testing.T) {
	for _, tc := range []struct {
		name  string
		way   asking
		slow  time.Duration // b0's first token, the second time
		story string
	}{
		{"streamed", asking{"", chatStream.path, chatEndpoint.with("n", "2").body}, 200 * second, "b0@0s b0@1m0.5s"},
		{"unstreamed", asking{"", chatWhole.path, chatDoor.with("n", "2").body}, 50 * second, "b0@0s b0@1m0.5s"},
		{"which can be told", chatStream, 200 * second, "b0@0s b1@1m0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tune := func(s *streamSetup) {
				speaking(gateway.OpenAI, gateway.Anthropic)(s)
				s.Policy.Timeouts.Attempt = minute
			}
			inBubble(t, tune, 2, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Kind: providersim.Hang, Requests: 1}, providersim.Fault{FirstTokenDelay: tc.slow})
				if a := r.ask(tc.way); a.status != 200 {
					t.Errorf("the client got %d after %v: %s", a.status, a.after, a.body)
				}
				r.wantStory(tc.story)
			})
		})
	}
}
