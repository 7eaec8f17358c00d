package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// pieces is how many pieces the prose comes in.
var pieces = (len([]rune(prose)) + pieceOf - 1) / pieceOf

// wantProse checks that a client heard the whole prose as one answer of the
// first backend's.
func wantProse(t *testing.T, stream, id string) heard {
	t.Helper()
	h := hear(t, stream)
	if h.text != prose || h.starts != 1 || h.open != 0 || h.ends != 1 || h.errors != 0 || fmt.Sprint(h.ids) != fmt.Sprint(map[string]bool{id: true}) {
		t.Errorf("the client heard %+v, want %q of %s", h, prose, id)
	}
	return h
}

// TestResumeGoesOnWhereTheTextBrokeOff wherever that is.
func TestResumeGoesOnWhereTheTextBrokeOff(t *testing.T) {
	for _, e := range resumableEndpoints {
		for after := 1; after < pieces; after++ {
			t.Run(fmt.Sprintf("%s after %d", e.name, after), func(t *testing.T) {
				t.Parallel()
				first, firstURL := write(t, "first", always(after))
				second, secondURL := write(t, "second", nil)
				r := newStreamRig(t, recovering(gateway.RecoverByResuming, false, true), firstURL, secondURL)
				a := r.open(e.path, e.body)
				a.wantHeaders(http.StatusOK, "b0", 1)
				h := wantProse(t, a.whole(), "first-1")
				if h.usage < pieces || h.usage > pieces+1 { // a piece of white space alone may come twice
					t.Errorf("%d tokens used, want %d", h.usage, pieces)
				}
				if len(first.asked()) != 1 || len(second.asked()) != 1 {
					t.Errorf("asked %q and %q", first.asked(), second.asked())
				}
				r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 1, "Success": 1})
				r.wantRecovered(map[string]int{"b1": 1})
				if got, want := r.counts("switchgear_attempts_total", "class"), map[string]int{"StreamError": 1, "Success": 1}; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("attempts %v, want %v", got, want)
				}
			})
		}
	}
}

// TestResumeBlamesTheBackendThatBrokeOff on its own circuit.
func TestResumeBlamesTheBackendThatBrokeOff(t *testing.T) {
	_, firstURL := write(t, "first", always(2))
	_, secondURL := write(t, "second", nil)
	r := newStreamRig(t, func(s *streamSetup) {
		recovering(gateway.RecoverByResuming, false, true)(s)
		s.Policy.Circuit.FailureThreshold = 1
	}, firstURL, secondURL)
	wantProse(t, r.open(chatEndpoint.path, chatEndpoint.body).whole(), "first-1")
	status, _ := r.gw.ObserveRoute("default", "gpt")
	if one, two := status.Backends[0], status.Backends[1]; one.State != circuit.Open || two.State != circuit.Closed || two.FailureCount != 0 {
		t.Errorf("the circuits are %+v and %+v", one, two)
	}
	// The next request finds the first one open.
	a := r.open(chatEndpoint.path, chatEndpoint.body)
	a.wantHeaders(http.StatusOK, "b1", 1)
	wantProse(t, a.whole(), "second-2")
}

// TestResumeAsksWithTheTextSoFar and changes nothing else of the request.
func TestResumeAsksWithTheTextSoFar(t *testing.T) {
	for _, tc := range []struct {
		name       string
		e          streamEndpoint
		body, want string
	}{
		{"chat", chatEndpoint,
			`{"model":"gpt", "stream":true,"max_completion_tokens":100,"messages":[{"role":"user","content":"Hi"}],"seed":7}`,
			`{"model":"gpt", "stream":true,"max_completion_tokens":98,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"One, t"}],"seed":7}`},
		{"messages", messagesEndpoint,
			`{"model":"claude","stream":true,"max_tokens":2,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":""}]}`,
			`{"model":"claude","stream":true,"max_tokens":1,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"One, t"}]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first, firstURL := write(t, "first", always(2))
			second, secondURL := write(t, "second", nil)
			r := newStreamRig(t, recovering(gateway.RecoverByResuming, false, true), firstURL, secondURL)
			wantProse(t, r.open(tc.e.path, tc.body).whole(), "first-1")
			if d := cmp.Diff([][]string{{asked(tc.body)}, {asked(tc.want)}}, [][]string{first.asked(), second.asked()}); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestResumeSeveralTimes over backends of which not all can go on.
func TestResumeSeveralTimes(t *testing.T) {
	for _, e := range resumableEndpoints {
		t.Run(e.name, func(t *testing.T) {
			_, first := write(t, "first", always(3))
			never, second := write(t, "second", nil)
			_, third := write(t, "third", always(4))
			_, fourth := write(t, "fourth", nil)
			r := newStreamRig(t, recovering(gateway.RecoverByResuming, false, false, true, true), first, second, third, fourth)
			a := r.open(e.path, e.body)
			a.wantHeaders(http.StatusOK, "b0", 1)
			wantProse(t, a.whole(), "first-1")
			if n := len(never.asked()); n != 0 {
				t.Errorf("a backend that cannot go on was asked %d times", n)
			}
			r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 2, "Success": 1})
			r.wantRecovered(map[string]int{"b3": 1})
		})
	}
}

// TestResumeAsksTheSameBackendAgainIfNoneIsLeft that could go on, though others
// are left that cannot.
func TestResumeAsksTheSameBackendAgainIfNoneIsLeft(t *testing.T) {
	for _, e := range resumableEndpoints {
		for _, others := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d others", e.name, others), func(t *testing.T) {
				only, url := write(t, "only", func(n int) int { return []int{-1, 3, 4, -1}[n] })
				never, other := write(t, "other", nil)
				r := newStreamRig(t, func(s *streamSetup) {
					recovering(gateway.RecoverByResuming, true, false)(s)
					s.Retry = gateway.Retry{MaxAttempts: 3, InitialDelay: time.Millisecond, MaxDelay: time.Second, Multiplier: 1}
				}, []string{url, other}[:1+others]...)
				wantProse(t, r.open(e.path, e.body).whole(), "only-1")
				if len(only.asked()) != 3 || len(never.asked()) != 0 {
					t.Errorf("asked %q and %q", only.asked(), never.asked())
				}
				r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 2, "Success": 1})
			})
		}
	}
}

// TestResumeOutlastsTheRouteTimeout, which was for the answer's beginning.
func TestResumeOutlastsTheRouteTimeout(t *testing.T) {
	_, first := write(t, "first", always(2))
	slow := script(t, func(s scripted) {
		s.stream()
		s.pause(2 * shortly)
		for _, piece := range []string{"wo,", " ..."} {
			s.send(chatWriter.piece("slow", piece))
			s.pause(shortly)
		}
		s.send(chatWriter.closing("slow", 1))
	})
	r := newStreamRig(t, func(s *streamSetup) {
		recovering(gateway.RecoverByResuming, false, true)(s)
		s.Policy.Timeouts.StreamIdle = patiently
		s.Timeout = shortly
	}, first, slow)
	if h := hear(t, r.open(chatEndpoint.path, chatEndpoint.body).whole()); h.text != "One, two, ..." || h.ends != 1 || h.errors != 0 {
		t.Errorf("the client heard %+v", h)
	}
}

// TestResumeOverHTTP2 is the same to a client of HTTP/2.
func TestResumeOverHTTP2(t *testing.T) {
	for _, e := range resumableEndpoints {
		_, first := write(t, "first", always(2))
		_, second := write(t, "second", nil)
		r := newStreamRig(t, func(s *streamSetup) {
			recovering(gateway.RecoverByResuming, false, true)(s)
			s.HTTP2 = true
		}, first, second)
		a := r.open(e.path, e.body)
		if !strings.HasPrefix(a.resp.Proto, "HTTP/2") {
			t.Fatalf("protocol %s", a.resp.Proto)
		}
		wantProse(t, a.whole(), "first-1")
	}
}
