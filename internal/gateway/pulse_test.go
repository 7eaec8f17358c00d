package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

const pulseComment = ": held until it is whole\n\n"

// TestCommentsKeepAHeldStreamAlive through all that may take its time: a
// provider that is silent, one that is slow, a queue, a wait to retry.
func TestCommentsKeepAHeldStreamAlive(t *testing.T) {
	for _, tc := range []struct {
		name string
		play func(s scripted, n int, goOn <-chan struct{}) // of the n-th call
	}{
		{"before the headers", func(s scripted, _ int, goOn <-chan struct{}) {
			s.wait(goOn)
			s.stream()
			s.send(chatRole + chunk("a") + chatFinish + chatDone)
		}},
		{"in the middle", func(s scripted, _ int, goOn <-chan struct{}) {
			s.stream()
			s.send(chatRole + chunk("a"))
			s.wait(goOn)
			s.send(chatFinish + chatDone)
		}},
		{"in another attempt", func(s scripted, n int, goOn <-chan struct{}) {
			s.stream()
			s.send(chatRole + chunk("a"))
			if n == 1 {
				panic(http.ErrAbortHandler)
			}
			s.wait(goOn)
			s.send(chatFinish + chatDone)
		}},
		{"while waiting to retry", func(s scripted, n int, goOn <-chan struct{}) {
			if n == 1 {
				s.w.Header().Set("Retry-After-Ms", "400")
				s.w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			s.wait(goOn)
			s.stream()
			s.send(chatRole + chunk("a") + chatFinish + chatDone)
		}},
	} {
		for proto, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(tc.name+"/"+proto, func(t *testing.T) {
				t.Parallel()
				goOn := make(chan struct{})
				var mu sync.Mutex
				calls := 0
				r := newStreamRig(t, func(s *streamSetup) {
					recovering(gateway.RecoverByBuffering)(s)
					s.Policy.Timeouts.StreamIdle = patiently
					s.Retry = gateway.Retry{MaxAttempts: 2, InitialDelay: time.Millisecond, MaxDelay: time.Second, Multiplier: 1, MaxRetryAfter: time.Second}
					s.HTTP2 = http2
					// Shorter than the time between two comments: nothing that
					// the client leaves undone is waited for.
					s.ClientStall = 50 * time.Millisecond
				}, script(t, func(s scripted) {
					mu.Lock()
					calls++
					n := calls
					mu.Unlock()
					tc.play(s, n, goOn)
				}))
				r.gw.SetPulseEvery(100 * time.Millisecond)
				a := r.open(chatEndpoint.path, chatEndpoint.body)
				a.wantBegun()
				h := a.resp.Header
				if h.Get("Content-Type") != "text/event-stream" || h.Get("X-Switchgear-Route") != "gpt" || h.Get("Content-Length") != "" {
					t.Errorf("headers %v", h)
				}
				for range 3 {
					if e := a.event(); e != pulseComment {
						t.Fatalf("got %q, want a comment", e)
					}
				}
				close(goOn)
				got := strings.ReplaceAll(a.whole(), pulseComment, "")
				if want := chatRole + chunk("a") + chatFinish + chatDone; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				r.wantIdle()
			})
		}
	}
}

// TestFromTheFirstCommentErrorsAreEvents: the client has a status already.
func TestFromTheFirstCommentErrorsAreEvents(t *testing.T) {
	const late = 100 * time.Millisecond
	for _, tc := range []struct {
		name  string
		fault providersim.Fault // after a while
		code  string
		tune  func(*streamSetup)
	}{
		{"a status", providersim.Fault{Status: 503, HeaderDelay: late}, "", nil},
		{"a refusal", providersim.Fault{Status: 400, HeaderDelay: late}, "", nil},
		{"no connection", providersim.Fault{Kind: providersim.Reset, HeaderDelay: late}, "upstream_unavailable", nil},
		{"silence", providersim.Fault{Kind: providersim.Hang}, "upstream_timeout", func(s *streamSetup) { s.Timeout = late }},
		{"no stream", providersim.Fault{Kind: providersim.NotJSON, HeaderDelay: late}, "upstream_unavailable", nil},
		{"an error in place of a stream", providersim.Fault{Kind: providersim.ErrorBody, HeaderDelay: late}, "", nil},
		{"a stall", providersim.Fault{Kind: providersim.Stall, AfterTokens: 3}, "upstream_timeout", nil},
		{"an error event", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: 3, TokenDelay: late / 3}, "", nil},
		{"the gateway's own key is refused", providersim.Fault{Status: 401, HeaderDelay: late}, "upstream_credential_rejected", func(s *streamSetup) { s.Key = "sk" }},
		{"a full queue", providersim.Fault{Kind: providersim.Hang}, "bulkhead_timeout", func(s *streamSetup) {
			s.Policy.Circuit.Bulkhead.MaxConcurrent = 1
			s.Policy.Circuit.Bulkhead.MaxQueued = 1
			s.Policy.Circuit.Bulkhead.QueueTimeout = late
		}},
	} {
		for _, e := range allStreamEndpoints {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{})
				sim.SetFault(tc.fault)
				r := newStreamRig(t, func(s *streamSetup) {
					recovering(gateway.RecoverByBuffering)(s)
					if tc.tune != nil {
						tc.tune(s)
					}
				}, sim.URL)
				r.gw.SetPulseEvery(5 * time.Millisecond)
				if tc.code == "bulkhead_timeout" {
					r.open(e.path, e.body) // and keep its slot
					sim.WaitRunning(1)
				}
				a := r.open(e.path, e.body)
				a.wantBegun()
				events := split(a.whole())
				last := len(events) - 1
				if last < 1 || strings.Join(events[:last], "") != strings.Repeat(pulseComment, last) {
					t.Fatalf("got %q, want comments and an error", events)
				}
				code := tc.code
				if e.name == "messages" && code != "upstream_timeout" && code != "upstream_unavailable" {
					code = "" // of the codes of the gateway's, the dialect has no other
				}
				checkErrorEvent(t, e, events[last], code, 0)
			})
		}
	}
}

// TestTheRouteTimeoutEndsWhenAHeldAnswerIsPassedOn also where comments had begun
// it: a healthy stream is cut by nothing else than its own limits.
func TestTheRouteTimeoutEndsWhenAHeldAnswerIsPassedOn(t *testing.T) {
	large := chunk(block(100 << 10))
	const n = 4
	r := newStreamRig(t, func(s *streamSetup) {
		recovering(gateway.RecoverByBuffering)(s)
		s.Policy.Timeouts.StreamIdle = patiently
		s.Timeout = time.Second
		s.Options.MaxBufferedBytes = 256 << 10
	}, script(t, func(s scripted) {
		s.stream()
		s.pause(shortly)
		s.send(strings.Repeat(large, n))
		s.pause(1200 * time.Millisecond)
		s.send(chatFinish + chatDone)
	}))
	r.gw.SetPulseEvery(20 * time.Millisecond)
	got := strings.ReplaceAll(r.open(chatEndpoint.path, chatEndpoint.body).whole(), pulseComment, "")
	if want := strings.Repeat(large, n) + chatFinish + chatDone; got != want {
		t.Errorf("%d bytes that end with %.300q, want %d", len(got), got[max(0, len(got)-300):], len(want))
	}
	r.wantEnd("Success", "Success")
}

// TestCommentsAndAnswersDoNotCross: a comment may come at the very moment at
// which the answer, an error or the client's leaving does.
func TestCommentsAndAnswersDoNotCross(t *testing.T) {
	first, second := pair(t)
	first.SetFault(providersim.Fault{Kind: providersim.Cut, AfterTokens: 5, TokenDelay: time.Millisecond})
	second.SetFault(providersim.Fault{TokenDelay: time.Millisecond})
	r := newStreamRig(t, func(s *streamSetup) {
		recovering(gateway.RecoverByBuffering)(s)
		s.Policy.Timeouts.StreamIdle = patiently
	}, first.URL, second.URL)
	r.gw.SetPulseEvery(500 * time.Microsecond)
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), patiently)
				a, err := r.try(ctx, chatEndpoint.path, chatEndpoint.body)
				if err != nil {
					t.Error(err)
				} else if n%4 == 0 {
					_, _ = a.reader.ReadString('\n') // and leave
				} else if h := hear(t, a.whole()); h.text != second.Answer() || h.ends != 1 || h.starts != 1 {
					t.Errorf("got %+v", h)
				}
				cancel()
				if a != nil {
					a.resp.Body.Close()
				}
			}
		})
	}
	wg.Wait()
	r.wantIdle()
}
