package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// wantCut checks that a client has the beginning of the prose and then one error,
// that of the break, and no end.
func wantCut(t *testing.T, e streamEndpoint, stream string, pieces int) {
	t.Helper()
	h := hear(t, stream)
	want := string([]rune(prose)[:pieces*pieceOf])
	if h.text != want || h.errors != 1 || h.ends != 0 || h.starts != 1 {
		t.Errorf("the client heard %+v, want %q and an error", h, want)
	}
	events := withoutComments(split(stream))
	last := events[len(events)-1]
	checkErrorEvent(t, e, last, "upstream_unavailable", len(events)-1)
	if !strings.Contains(last, "the stream of backend b0 broke off") {
		t.Errorf("the client is told %q, want of the break", last)
	}
}

// TestWhatAnswersAPrefilledCallIsNotShown unless it goes on: the next backend
// does, or the client is told of the break.
func TestWhatAnswersAPrefilledCallIsNotShown(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fault   providersim.Fault
		outcome string // on the second's circuit
	}{
		{"400", providersim.Fault{Status: 400, Message: "prefill is not supported"}, "Ignored"},
		{"404", providersim.Fault{Status: 404}, "Ignored"},
		{"413", providersim.Fault{Status: 413}, "Ignored"},
		{"429", providersim.Fault{Status: 429, RetryAfter: "60"}, "Failure"},
		{"503", providersim.Fault{Status: 503}, "Failure"},
		{"no connection", providersim.Fault{Kind: providersim.Reset}, "Failure"},
		{"silence", providersim.Fault{Kind: providersim.Hang}, "Failure"},
		{"no first token", providersim.Fault{Kind: providersim.Stall}, "Failure"},
		{"an answer that is no stream", providersim.Fault{Kind: providersim.NotJSON}, "Failure"},
		{"an error in place of a stream", providersim.Fault{Kind: providersim.ErrorBody}, "Failure"},
		{"an error event at once", providersim.Fault{Kind: providersim.ErrorEvent, ErrorType: "api_error"}, "Failure"},
		{"an empty stream", providersim.Fault{Kind: providersim.EmptyStream}, "Failure"},
	} {
		for _, e := range resumableEndpoints {
			for name, third := range map[string]bool{"and then another": true, "and none is left": false} {
				t.Run(tc.name+"/"+e.name+"/"+name, func(t *testing.T) {
					t.Parallel()
					_, first := write(t, "first", always(3))
					refusing := providersim.Start(t, providersim.Options{})
					refusing.SetFault(tc.fault)
					_, last := write(t, "last", nil)
					r := newStreamRig(t, func(s *streamSetup) {
						recovering(gateway.RecoverByResuming, false, true, third)(s)
						s.Policy.Timeouts.FirstToken = shortly
					}, first, refusing.URL, last)
					a := r.open(e.path, e.body)
					a.wantHeaders(http.StatusOK, "b0", 1)
					outcomes := map[string]int{"Failure": 1}
					outcomes[tc.outcome]++
					if third {
						wantProse(t, a.whole(), "first-1")
						outcomes["Success"] = 1
						r.wantEnds(map[string]int{"Success": 1}, outcomes)
						return
					}
					wantCut(t, e, a.whole(), 3)
					r.wantEnds(map[string]int{"StreamError": 1}, outcomes)
					r.wantRecovered(map[string]int{})
				})
			}
		}
	}
}

// TestWhatIsNotResumed ends with an error event, and no other backend is asked.
func TestWhatIsNotResumed(t *testing.T) {
	all := gateway.FallbackClasses
	for _, tc := range []struct {
		name    string
		e       streamEndpoint
		body    string // empty: the endpoint's
		tune    func(*streamSetup)
		already string // what the first backend sends before its first piece
	}{
		{"no backend can", chatEndpoint, "", func(s *streamSetup) { s.Prefill = nil }, ""},
		{"no backend can", messagesEndpoint, "", func(s *streamSetup) { s.Prefill = nil }, ""},
		{"no recovery", chatEndpoint, "", func(s *streamSetup) { s.Recovery = gateway.RecoverNothing }, ""},
		{"no fallback on a broken stream", chatEndpoint, "", func(s *streamSetup) { s.Fallback = all &^ gateway.ClassSet(0).With(gateway.StreamError) }, ""},
		{"two choices", chatEndpoint, strings.Replace(chatEndpoint.body, `{`, `{"n":2,`, 1), nil, ""},
		{"a tool call", chatEndpoint, "", nil, "data: {\"id\":\"first-1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n"},
		{"reasoning", chatEndpoint, "", nil, "data: {\"id\":\"first-1\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Hm\"}}]}\n\n"},
		{"thinking", messagesEndpoint, "", nil, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}}\n\n"},
		{"a tool's arguments", messagesEndpoint, "", nil, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}\n\n"},
		{"more text than there is memory for", chatEndpoint, "", func(s *streamSetup) { s.Options.MaxBufferedBytes = 64 << 10 }, ": " + block(99) + "\n\n"},
	} {
		t.Run(tc.name+"/"+tc.e.name, func(t *testing.T) {
			t.Parallel()
			const some = 2
			w := chatWriter
			if tc.e.name == "messages" {
				w = messagesWriter
			}
			first := script(t, func(s scripted) {
				s.stream()
				s.send(w.opening("first-1") + tc.already)
				if strings.HasPrefix(tc.already, ":") {
					s.send(chunk(block(100 << 10)))
				}
				for i := range some {
					s.send(w.piece("first-1", string([]rune(prose)[i*pieceOf:(i+1)*pieceOf])))
				}
				panic(http.ErrAbortHandler)
			})
			second, secondURL := write(t, "second", nil)
			r := newStreamRig(t, func(s *streamSetup) {
				recovering(gateway.RecoverByResuming, false, true)(s)
				if tc.tune != nil {
					tc.tune(s)
				}
			}, first, secondURL)
			body := tc.body
			if body == "" {
				body = tc.e.body
			}
			got := r.open(tc.e.path, body).whole()
			wantCut(t, tc.e, strings.Replace(got, chunk(block(100<<10)), "", 1), some)
			if n := len(second.asked()); n != 0 {
				t.Errorf("the second backend was asked %d times", n)
			}
			r.wantEnd("StreamError", "Failure")
		})
	}
}

// TestResumeOfEndpointsThatCannotBe ends with an error event as well.
func TestResumeOfEndpointsThatCannotBe(t *testing.T) {
	for _, e := range []streamEndpoint{completionsEndpoint, responsesEndpoint} {
		t.Run(e.name, func(t *testing.T) {
			first, second := pair(t)
			first.SetFault(providersim.Fault{Kind: providersim.Cut, AfterTokens: 3})
			r := newStreamRig(t, recovering(gateway.RecoverByResuming, true, true), first.URL, second.URL)
			events := split(r.open(e.path, e.body).whole())
			last := len(events) - 1
			checkErrorEvent(t, e, events[last], "upstream_unavailable", last)
			if second.Count() != 0 {
				t.Errorf("the second backend was asked %d times", second.Count())
			}
			r.wantEnd("StreamError", "Failure")
		})
	}
}

// TestBeforeTheFirstOutputAnyBackendWillDo: there is nothing to go on with yet.
func TestBeforeTheFirstOutputAnyBackendWillDo(t *testing.T) {
	for _, e := range resumableEndpoints {
		_, first := write(t, "first", always(0))
		second, secondURL := write(t, "second", nil)
		r := newStreamRig(t, recovering(gateway.RecoverByResuming), first, secondURL)
		a := r.open(e.path, e.body)
		a.wantHeaders(http.StatusOK, "b1", 2)
		wantProse(t, a.whole(), "second-1")
		if got := second.asked(); len(got) != 1 || got[0] != asked(e.body) {
			t.Errorf("the second backend was asked %q", got)
		}
	}
}

// TestEveryBreakIsResumed, not a cut alone.
func TestEveryBreakIsResumed(t *testing.T) {
	for _, b := range breaks {
		for _, e := range resumableEndpoints {
			t.Run(b.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{Name: "first-sim"})
				whole := sim.Answer() + " and more."
				sim.SetFault(b.fault)
				a, second := write(t, "second", nil)
				a.text = whole
				r := newStreamRig(t, recovering(gateway.RecoverByResuming, false, true), sim.URL, second)
				h := hear(t, r.open(e.path, e.body).whole())
				if h.text != whole || h.starts != 1 || h.open != 0 || h.ends != 1 || h.errors != 0 || len(h.ids) != 1 {
					t.Errorf("the client heard %+v, want %q", h, whole)
				}
				r.wantEnds(map[string]int{"Success": 1}, map[string]int{"Failure": 1, "Success": 1})
				r.wantRecovered(map[string]int{"b1": 1})
			})
		}
	}
}

// TestTheBodyIsLetGoOnceNobodyCanGoOn: of an answer that turned out to be a tool
// call nothing is held, though it goes on.
func TestTheBodyIsLetGoOnceNobodyCanGoOn(t *testing.T) {
	tool, goOn := make(chan struct{}), make(chan struct{})
	r := newStreamRig(t, func(s *streamSetup) {
		recovering(gateway.RecoverByResuming, false, true)(s)
		s.Policy.Timeouts.StreamIdle = patiently
	}, script(t, func(s scripted) {
		s.stream()
		s.send(chunk("a"))
		s.wait(tool)
		s.send("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\"}}]}}]}\n\n")
		s.wait(goOn)
		s.send(chatFinish + chatDone)
	}))
	body := strings.Replace(chatEndpoint.body, "Hi", block(300<<10), 1)
	a := r.open(chatEndpoint.path, body)
	a.event()
	if held := r.held(); held < len(body) {
		t.Errorf("%d bytes are held of a request of %d that may have to be sent again", held, len(body))
	}
	close(tool)
	a.event()
	r.wantNothingHeld()
	close(goOn)
	if got := a.whole(); got != chatFinish+chatDone {
		t.Errorf("the answer ends with %q", got)
	}
	r.wantEnd("Success", "Success")
}

// TestAClientThatLeavesDuringTheResumption frees all that was taken for it.
func TestAClientThatLeavesDuringTheResumption(t *testing.T) {
	_, first := write(t, "first", always(3))
	second := providersim.Start(t, providersim.Options{})
	second.SetFault(providersim.Fault{Kind: providersim.Hang})
	r := newStreamRig(t, recovering(gateway.RecoverByResuming, false, true), first, second.URL)
	a := r.open(chatEndpoint.path, chatEndpoint.body)
	second.WaitRunning(1)
	begun := time.Now()
	a.leave()
	second.WaitRunning(0)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the call went on for %v", took)
	}
	r.wantEnds(map[string]int{"ClientGone": 1}, map[string]int{"Failure": 1, "Ignored": 1})
}
