package gateway_test

import (
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestRetryAfterOfProviders: what each provider says is waited for, up to
// maxRetryAfter, and never cut short. Beyond it the next backend is asked at once,
// and the client is told the same if there is none.
func TestRetryAfterOfProviders(t *testing.T) {
	for _, tc := range []struct {
		name    string
		status  int
		headers map[string]string
		story   string // with a jitter in the middle of its 25 %
	}{
		{"seconds", 429, map[string]string{"Retry-After": "4"}, "b0@0s b0@4.5s"},
		{"seconds of a failure", 503, map[string]string{"Retry-After": "4"}, "b0@0s b0@4.5s"},
		{"seconds of an overloaded Anthropic", 529, map[string]string{"Retry-After": "4"}, "b0@0s b0@4.5s"},
		{"a date", 429, map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:00:04 GMT"}, "b0@0s b0@4.5s"},
		{"milliseconds", 429, map[string]string{"Retry-After-Ms": "800", "Retry-After": "1"}, "b0@0s b0@900ms"},
		{"milliseconds of Azure", 429, map[string]string{"X-Ms-Retry-After-Ms": "800"}, "b0@0s b0@900ms"},
		{"what Anthropic sends", 429, map[string]string{"Retry-After": "4", "X-Should-Retry": "true",
			"Anthropic-Ratelimit-Requests-Limit": "50", "Anthropic-Ratelimit-Requests-Remaining": "0",
			"Anthropic-Ratelimit-Requests-Reset": "2000-01-01T00:00:04Z"}, "b0@0s b0@4.5s"},
		{"less than the delay", 429, map[string]string{"Retry-After-Ms": "200"}, "b0@0s b0@500ms"},
		{"exactly maxRetryAfter", 429, map[string]string{"Retry-After": "5"}, "b0@0s b0@5.625s"},
		{"just beyond it", 429, map[string]string{"Retry-After-Ms": "5001"}, "b0@0s b1@0s"},
		{"just beyond it, by a failure", 503, map[string]string{"Retry-After-Ms": "5001"}, "b0@0s b1@0s"},
		{"a day", 429, map[string]string{"Retry-After": "86400"}, "b0@0s b1@0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range anyModel {
				inBubble(t, nil, 2, func(r *bubbleRig) {
					r.fault(0, providersim.Fault{Status: tc.status, Header: tc.headers, Requests: 1})
					if a := r.ask(way); a.status != 200 {
						t.Errorf("%s: the client got %d %s", way.name, a.status, a.body)
					}
					r.wantStory(tc.story)
				})
			}
		})
	}
}

// TestRetryAfterIsAFloor: with the least of chance it is waited for to the
// moment, and the delay between the attempts is as short as it gets.
func TestRetryAfterIsAFloor(t *testing.T) {
	for name, tc := range map[string]struct {
		random float64
		story  string
	}{
		"the least": {0, "b0@0s b0@2s b0@2.75s"},
		"the most":  {0.99, "b0@0s b0@2.495s b0@3.74s"},
	} {
		t.Run(name, func(t *testing.T) {
			tune := func(s *streamSetup) { s.Options.Rand = func() float64 { return tc.random } }
			inBubble(t, tune, 1, func(r *bubbleRig) {
				r.fault(0, providersim.Fault{Status: 429, RetryAfter: "2", Requests: 1}, providersim.Fault{Status: 500, Requests: 1})
				if a := r.ask(chatStream); !asWell(&a, "b0") || a.header.Get("X-Switchgear-Attempts") != "3" {
					t.Errorf("the client got %d %v", a.status, a.header)
				}
				r.wantStory(tc.story)
			})
		})
	}
}

// TestMaxRetryAfterOfNothing: a provider that asks to wait is not asked again.
func TestMaxRetryAfterOfNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		fault providersim.Fault
		story string
	}{
		"429":                     {providersim.Fault{Status: 429}, "b0@0s b1@0s"},
		"429 with Retry-After":    {providersim.Fault{Status: 429, RetryAfter: "1"}, "b0@0s b1@0s"},
		"429 with Retry-After: 0": {providersim.Fault{Status: 429, RetryAfter: "0"}, "b0@0s b1@0s"},
		"503 with Retry-After":    {providersim.Fault{Status: 503, RetryAfter: "1"}, "b0@0s b1@0s"},
		"503":                     {providersim.Fault{Status: 503}, "b0@0s b0@500ms b0@1.5s b1@1.5s"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *streamSetup) { s.Retry.MaxRetryAfter = 0 }, 2, func(r *bubbleRig) {
				r.fault(0, tc.fault)
				if a := r.ask(chatWhole); !asWell(&a, "b1") {
					t.Errorf("the client got %d %s", a.status, a.body)
				}
				r.wantStory(tc.story)
			})
		})
	}
}

// TestRetryAfterBeyondMaxIsTheClients: with nobody else to ask, the client gets
// the provider's answer as it is, and may wait itself.
func TestRetryAfterBeyondMaxIsTheClients(t *testing.T) {
	inBubble(t, nil, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 429, RetryAfter: "20"})
		a := r.ask(chatWhole)
		if a.status != 429 || a.header.Get("Retry-After") != "20" || a.header["X-Should-Retry"] != nil || a.after != 0 {
			t.Errorf("the client got %d %v after %v", a.status, a.header, a.after)
		}
		time.Sleep(minute)
		r.wantStory("b0@0s")
	})
}
