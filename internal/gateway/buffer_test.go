package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestBufferMakesABreakInvisible: the client gets the next backend's answer, byte
// for byte, and with its headers.
func TestBufferMakesABreakInvisible(t *testing.T) {
	for _, b := range breaks {
		for _, e := range allStreamEndpoints {
			t.Run(b.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				first, second := pair(t)
				want := direct(t, second.URL, e)
				second.ClearRequests()
				first.SetFault(b.fault)
				r := newStreamRig(t, recovering(gateway.RecoverByBuffering), first.URL, second.URL)
				a := r.open(e.path, e.body)
				a.wantHeaders(http.StatusOK, "b1", 2)
				if h := a.resp.Header.Get("Content-Type"); h != "text/event-stream; charset=utf-8" {
					t.Errorf("content type %q", h)
				}
				if d := cmp.Diff(want, alike(a.whole())); d != "" {
					t.Error(d)
				}
				r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 1, "Success": 1})
				r.wantRecovered(map[string]int{"b1": 1})
				if d := cmp.Diff([][]string{{asked(e.body)}, {asked(e.body)}}, [][]string{bodies(first), bodies(second)}); d != "" {
					t.Errorf("what the providers saw: %s", d)
				}
			})
		}
	}
}

// TestBufferOfAHealthyProvider holds an answer until its end and changes nothing
// of it.
func TestBufferOfAHealthyProvider(t *testing.T) {
	for _, e := range allStreamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			first, second := pair(t)
			want := direct(t, first.URL, e)
			r := newStreamRig(t, recovering(gateway.RecoverByBuffering), first.URL, second.URL)
			a := r.open(e.path, e.body)
			a.wantHeaders(http.StatusOK, "b0", 1)
			if d := cmp.Diff(want, alike(a.whole())); d != "" {
				t.Error(d)
			}
			r.wantEnd("Success", "Success")
			r.wantRecovered(map[string]int{})
			if second.Count() != 0 {
				t.Errorf("the second backend was asked %d times", second.Count())
			}
		})
	}
}

func TestBufferAsksTheSameBackendAgainIfNoneIsLeft(t *testing.T) {
	for _, e := range allStreamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			sim, _ := pair(t)
			want := direct(t, sim.URL, e)
			sim.SetFault(providersim.Fault{Kind: providersim.Cut, AfterTokens: 3, Requests: 2})
			r := newStreamRig(t, func(s *streamSetup) {
				recovering(gateway.RecoverByBuffering)(s)
				s.Retry = gateway.Retry{MaxAttempts: 3, InitialDelay: time.Millisecond, MaxDelay: time.Second, Multiplier: 1}
			}, sim.URL)
			a := r.open(e.path, e.body)
			a.wantHeaders(http.StatusOK, "b0", 3)
			if d := cmp.Diff(want, alike(a.whole())); d != "" {
				t.Error(d)
			}
			r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 2, "Success": 1})
			r.wantRecovered(map[string]int{"b0": 1})
		})
	}
}

// TestBufferEndsInAnErrorWithAStatus where every backend breaks off: nothing was
// sent, so the first one's failure can be told in full.
func TestBufferEndsInAnErrorWithAStatus(t *testing.T) {
	for _, e := range allStreamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			first, second := pair(t)
			first.SetFault(providersim.Fault{Kind: providersim.Stall, AfterTokens: 3})
			second.SetFault(providersim.Fault{Kind: providersim.Cut, AfterTokens: 3})
			r := newStreamRig(t, recovering(gateway.RecoverByBuffering), first.URL, second.URL)
			a := r.open(e.path, e.body)
			a.wantHeaders(http.StatusGatewayTimeout, "b0", 2)
			body := a.whole()
			if !strings.Contains(body, "timeouts.streamIdle of 300ms exceeded") || strings.Contains(body, "word1") {
				t.Errorf("the client was told %q", body)
			}
			checkErrorBody(t, e, body, "upstream_timeout")
			r.wantEnds(map[string]int{"StreamError": 1}, map[string]int{"Failure": 2})
			r.wantRecovered(map[string]int{})
		})
	}
}

// TestTheRouteTimeoutHoldsToTheEndOfABufferedAnswer however steadily it comes.
func TestTheRouteTimeoutHoldsToTheEndOfABufferedAnswer(t *testing.T) {
	for _, e := range allStreamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			first, second := pair(t)
			first.SetFault(providersim.Fault{TokenDelay: 100 * time.Millisecond})
			r := newStreamRig(t, func(s *streamSetup) {
				recovering(gateway.RecoverByBuffering)(s)
				s.Timeout = shortly
			}, first.URL, second.URL)
			a := r.open(e.path, e.body)
			a.wantHeaders(http.StatusGatewayTimeout, "b0", 1)
			if body := a.whole(); !strings.Contains(body, "the route's timeout of 300ms exceeded") {
				t.Errorf("the client was told %q", body)
			}
			r.wantEnd("StreamError", "Failure")
			first.WaitRunning(0)
			if second.Count() != 0 {
				t.Error("the second backend was asked after the route's time")
			}
		})
	}
}
