package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

func TestFirstTokenLimitsAllBackendsButTheLast(t *testing.T) {
	const limit = 200 * time.Millisecond
	for _, tc := range []struct {
		name      string
		providers int
		fallback  gateway.ClassSet
		delay     time.Duration
		status    int
		backend   string
	}{
		{"the first of two, in time", 2, gateway.FallbackClasses, 0, http.StatusOK, "b0"},
		{"the first of two, late", 2, gateway.FallbackClasses, time.Minute, http.StatusOK, "b1"},
		{"the first of two, none of which stands in", 2, gateway.ClassSet(0), 3 * limit, http.StatusOK, "b0"},
		{"the only one, late", 1, gateway.FallbackClasses, 3 * limit, http.StatusOK, "b0"},
		{"the only one, too late for the route", 1, gateway.FallbackClasses, time.Minute, http.StatusGatewayTimeout, "b0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var urls []string
			var sims []*providersim.Server
			for range tc.providers {
				sims = append(sims, providersim.Start(t, providersim.Options{}))
				urls = append(urls, sims[len(sims)-1].URL)
			}
			sims[0].SetFault(providersim.Fault{FirstTokenDelay: tc.delay, KeepAlive: providersim.KeepAlivePing, KeepAliveEvery: 10 * time.Millisecond})
			r := newStreamRig(t, func(s *streamSetup) {
				s.Policy.Timeouts.FirstToken = limit
				s.Timeout = 10 * limit
				s.Fallback = tc.fallback
			}, urls...)
			a := r.open(messagesEndpoint.path, messagesEndpoint.body)
			body := a.whole()
			if a.resp.StatusCode != tc.status || a.resp.Header.Get("X-Switchgear-Backend") != tc.backend {
				t.Fatalf("status %d of %s, want %d of %s: %s", a.resp.StatusCode, a.resp.Header.Get("X-Switchgear-Backend"), tc.status, tc.backend, body)
			}
			if tc.status != http.StatusOK && !strings.Contains(body, "the route's timeout of 2s exceeded") {
				t.Errorf("the client is not told of the limit: %s", body)
			}
		})
	}
}

func TestStreamIdle(t *testing.T) {
	const limit = 300 * time.Millisecond
	for _, tc := range []struct {
		name      string
		keepAlive providersim.KeepAlive
		cut       bool
	}{
		{"silence", "", true},
		{"comments do not restore it", providersim.KeepAliveComment, true},
		{"pings do", providersim.KeepAlivePing, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{Tokens: 2})
			sim.SetFault(providersim.Fault{TokenDelay: 3 * limit, KeepAlive: tc.keepAlive, KeepAliveEvery: 20 * time.Millisecond})
			r := newStreamRig(t, func(s *streamSetup) { s.Policy.Timeouts.StreamIdle = limit }, sim.URL)
			got := r.open(messagesEndpoint.path, messagesEndpoint.body).whole()
			if !tc.cut {
				if !strings.HasSuffix(got, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n") {
					t.Errorf("not whole: %q", got)
				}
				r.wantEnd("Success", "Success")
				return
			}
			events := withoutComments(split(got))
			checkErrorEvent(t, messagesEndpoint, events[len(events)-1], "upstream_timeout", len(events)-1)
			if !strings.Contains(got, "timeouts.streamIdle of 300ms exceeded") {
				t.Errorf("the client is not told of the limit: %q", got)
			}
			r.wantEnd("StreamError", "Failure")
		})
	}
}

// TestASlowClientIsNotTheProvidersSilence: for longer than streamIdle, and after
// the finish for longer than the wait for the end, the client reads nothing.
func TestASlowClientIsNotTheProvidersSilence(t *testing.T) {
	const pause = 2500 * time.Millisecond
	large := "data: {\"choices\":[],\"usage\":{\"x\":\"" + block(900<<10) + "\"}}\n\n"
	for name, stream := range map[string]string{
		"in the middle":    chunk("a") + strings.Repeat(large, 20) + chatFinish + chatDone,
		"after the finish": chunk("a") + chatFinish + strings.Repeat(large, 20) + chatDone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newStreamRig(t, func(s *streamSetup) { s.Policy.Timeouts.StreamIdle = 500 * time.Millisecond },
				script(t, func(s scripted) {
					s.stream()
					s.send(stream)
				}))
			a := r.open(chatUsageEndpoint.path, chatUsageEndpoint.body)
			paused := time.NewTimer(pause)
			<-paused.C
			if got := a.whole(); got != stream {
				t.Errorf("%d bytes that end with %.400q, want %d", len(got), got[max(0, len(got)-400):], len(stream))
			}
			r.wantEnd("Success", "Success")
		})
	}
}

func TestStreamTotal(t *testing.T) {
	r := newStreamRig(t, func(s *streamSetup) { s.Policy.Timeouts.StreamTotal = 300 * time.Millisecond },
		script(t, func(s scripted) {
			s.stream()
			for s.r.Context().Err() == nil {
				s.send(chunk("a"))
				s.pause(20 * time.Millisecond)
			}
		}))
	events := split(r.open(chatEndpoint.path, chatEndpoint.body).whole())
	last := events[len(events)-1]
	if len(events) < 3 || !strings.Contains(last, "timeouts.streamTotal of 300ms exceeded") {
		t.Errorf("after %d events %q", len(events), last)
	}
	r.wantEnd("StreamError", "Failure")
}

func TestAStreamEndsSoonAfterItsFinish(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after func(s scripted)
		want  string
	}{
		{"silence", func(s scripted) { s.hang() }, chatFinish + chatDone},
		{"comments", func(s scripted) {
			for s.r.Context().Err() == nil {
				s.send(":\n\n")
				s.pause(50 * time.Millisecond)
			}
		}, chatFinish + chatDone},
		{"chunks that say nothing", func(s scripted) {
			for s.r.Context().Err() == nil {
				s.send("data: {\"choices\":[]}\n\n")
				s.pause(50 * time.Millisecond)
			}
		}, chatFinish + chatDone},
		{"usage, then silence", func(s scripted) {
			s.send("data: {\"choices\":[],\"usage\":{}}\n\n")
			s.hang()
		}, chatFinish + "data: {\"choices\":[],\"usage\":{}}\n\n" + chatDone},
		{"the end mark, then silence", func(s scripted) {
			s.send(chatDone)
			s.hang()
		}, chatFinish + chatDone},
		{"a cut", func(scripted) { panic(http.ErrAbortHandler) }, chatFinish + chatDone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newStreamRig(t, nil, script(t, func(s scripted) {
				s.stream()
				s.send(chunk("a") + chatFinish)
				tc.after(s)
			}))
			begun := time.Now()
			got := r.open(chatUsageEndpoint.path, chatUsageEndpoint.body).whole()
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			got = strings.ReplaceAll(strings.ReplaceAll(got, ":\n\n", ""), "data: {\"choices\":[]}\n\n", "")
			if got != chunk("a")+tc.want {
				t.Errorf("got %q, want %q", got, chunk("a")+tc.want)
			}
			r.wantEnd("Success", "Success")
		})
	}
}

// TestANewChoiceAfterTheFinishGoesOn: of several answers one may begin when
// another has ended.
func TestANewChoiceAfterTheFinishGoesOn(t *testing.T) {
	second := strings.ReplaceAll(chunk("b"), `"index":0`, `"index":1`)
	stream := chunk("a") + chatFinish
	rest := second + strings.ReplaceAll(chatFinish, `"index":0`, `"index":1`) + chatDone
	for name, body := range map[string]string{
		"/v1/chat/completions": strings.Replace(chatEndpoint.body, `{`, `{"n":2,`, 1),
		"/v1/completions":      `{"model":"gpt","stream":true,"prompt":["a","b"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newStreamRig(t, nil, script(t, func(s scripted) {
				s.stream()
				s.send(stream)
				s.pause(2500 * time.Millisecond)
				s.send(rest)
			}))
			if got := r.open(name, body).whole(); got != stream+rest {
				t.Errorf("got %q, want %q", got, stream+rest)
			}
			r.wantEnd("Success", "Success")
		})
	}
}

// probing makes a rig whose circuits open on the first failure and soon let a
// probe through.
func probing(s *streamSetup) {
	s.Policy.Circuit.FailureThreshold = 1
	s.Policy.Circuit.ResetTimeout = 50 * time.Millisecond
}

// state tells how the first backend of a route is.
func (r *streamRig) state(route string) circuit.State {
	r.t.Helper()
	s, ok := r.gw.ObserveRoute("default", route)
	if !ok {
		r.t.Fatalf("no route %s", route)
	}
	return s.Backends[0].State
}

func TestTheFirstTokenOfAProbeIsItsSuccess(t *testing.T) {
	for _, tc := range []struct {
		name, route, path, body string
		opening, output         string
	}{
		{"chat", "gpt", chatEndpoint.path, chatEndpoint.body, chatRole + ":\n\n", chunk("a")},
		{"path", "ext", "/ext/events", "", "", "data: anything\n\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fail := make(chan struct{})
			open, goOn := make(chan struct{}), make(chan struct{})
			r := newStreamRig(t, probing, script(t, func(s scripted) {
				select {
				case <-fail:
				default:
					close(fail)
					s.w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				s.stream()
				s.send(tc.opening)
				s.wait(open)
				s.send(tc.output)
				s.wait(goOn)
			}))
			r.open(tc.path, tc.body).whole()
			r.eventually("half-open", func() bool { return r.state(tc.route) == circuit.HalfOpen })
			got := make(chan *answer, 1)
			go func() {
				a, err := r.try(t.Context(), tc.path, tc.body)
				if err != nil {
					t.Errorf("the probe: %v", err)
				}
				got <- a
			}()
			r.eventually("the probe", func() bool { return r.running() == 1 })
			if s := r.state(tc.route); s != circuit.HalfOpen {
				t.Errorf("before the first token: %v", s)
			}
			close(open)
			a := <-got
			if a == nil {
				return
			}
			defer a.resp.Body.Close()
			if h := a.resp.Header.Get("X-Switchgear-Circuit"); h != "half-open" {
				t.Errorf("X-Switchgear-Circuit is %q", h)
			}
			r.eventually("closed", func() bool { return r.state(tc.route) == circuit.Closed })
			if r.running() != 1 {
				t.Error("the stream has ended")
			}
			close(goOn)
			_, _ = a.rest() // cut, or an error event
		})
	}
}

func TestAFailureInEventsIsNoProbesSuccess(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{})
	r := newStreamRig(t, probing, script(t, func(s scripted) {
		s.w.Header().Set("Content-Type", "text/event-stream")
		s.w.WriteHeader(http.StatusServiceUnavailable)
		s.send("data: busy\n\n")
		if s.r.URL.Query().Has("wait") {
			close(begun)
			s.wait(hold)
		}
	}))
	r.open("/ext/events", "").whole()
	r.eventually("half-open", func() bool { return r.state("ext") == circuit.HalfOpen })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.open("/ext/events?wait", "").whole()
	}()
	<-begun
	if s := r.state("ext"); s != circuit.HalfOpen {
		t.Errorf("the first byte of a failure made it %v", s)
	}
	close(hold)
	<-ended
	r.eventually("open again", func() bool { return r.state("ext") != circuit.Closed })
	r.wantEnds(map[string]int{"ServerError": 2}, map[string]int{"Failure": 2})
}

// TestEventsThroughAPathRoute are not judged, but passed on at once and limited
// as streams are.
func TestEventsThroughAPathRoute(t *testing.T) {
	const limit = 300 * time.Millisecond
	got := make(chan struct{}, 1) // it has room, so that no sign is lost on a script that does not wait yet
	for _, tc := range []struct {
		name string
		play func(s scripted)
		tune func(*gateway.Timeouts)
		want string
		cut  bool
	}{
		{"whole", func(s scripted) {
			for range 5 {
				s.send("data: x\n")
				s.wait(got)
			}
		}, func(*gateway.Timeouts) {}, strings.Repeat("data: x\n", 5), false},
		{"longer than an attempt", func(s scripted) {
			for range 5 {
				s.send("data: x\n")
				s.wait(got)
				s.pause(limit / 2)
			}
		}, func(l *gateway.Timeouts) { l.Attempt, l.StreamIdle = limit, 5*limit }, strings.Repeat("data: x\n", 5), false},
		{"silent", func(s scripted) {
			s.send("data: x\n")
			s.wait(got)
			s.hang()
		}, func(l *gateway.Timeouts) { l.StreamIdle = limit }, "data: x\n", true},
		{"too long", func(s scripted) {
			for s.r.Context().Err() == nil {
				s.send(":\n")
				s.pause(20 * time.Millisecond)
			}
		}, func(l *gateway.Timeouts) { l.StreamTotal = limit }, ":\n", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newStreamRig(t, func(s *streamSetup) {
				s.Timeout = limit
				tc.tune(&s.Policy.Timeouts)
			}, script(t, func(s scripted) {
				s.stream()
				tc.play(s)
			}))
			select {
			case <-got: // of the last one's end
			default:
			}
			a := r.open("/ext/events", "")
			var b strings.Builder
			var err error
			for err == nil {
				var line string
				line, err = a.reader.ReadString('\n')
				b.WriteString(line)
				select {
				case got <- struct{}{}:
				default:
				}
			}
			if cut := err.Error() != "EOF"; cut != tc.cut {
				t.Errorf("the stream ended with %v", err)
			}
			if tc.cut {
				if !strings.HasPrefix(b.String(), tc.want) {
					t.Errorf("got %q", b.String())
				}
				r.wantEnd("StreamError", "Failure")
				return
			}
			if b.String() != tc.want {
				t.Errorf("got %q, want %q", b.String(), tc.want)
			}
			r.wantEnd("Success", "Success")
		})
	}
}

func TestTheHeadersOfAPathStreamDoNotWaitForItsEvents(t *testing.T) {
	seen := make(chan struct{})
	r := newStreamRig(t, nil, script(t, func(s scripted) {
		s.stream()
		s.wait(seen)
		s.send("data: x\n\n")
	}))
	a := r.open("/ext/events", "")
	close(seen)
	if got := a.whole(); got != "data: x\n\n" {
		t.Errorf("got %q", got)
	}
}

// TestTheRouteTimeoutHoldsUntilTheCommit: a role, pings and comments commit
// nothing.
func TestTheRouteTimeoutHoldsUntilTheCommit(t *testing.T) {
	for _, e := range streamEndpoints {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			sim.SetFault(providersim.Fault{FirstTokenDelay: time.Minute, KeepAlive: providersim.KeepAlivePing, KeepAliveEvery: 20 * time.Millisecond})
			r := newStreamRig(t, func(s *streamSetup) { s.Timeout = 300 * time.Millisecond }, sim.URL)
			a := r.open(e.path, e.body)
			if body := a.whole(); a.resp.StatusCode != http.StatusGatewayTimeout || !strings.Contains(body, "route's timeout of 300ms") {
				t.Errorf("status %d: %s", a.resp.StatusCode, body)
			}
			r.wantEnd("Timeout", "Failure")
			sim.WaitRunning(0)
		})
	}
}
