package gateway_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestAnIdleConnectionThatIsReset before any byte is no failure of the provider:
// the call is sent once more, at once, and counted nowhere. But only a connection
// that had been idle, and only if it breaks at once.
func TestAnIdleConnectionThatIsReset(t *testing.T) {
	closed := func(requests int, delay time.Duration) providersim.Fault {
		return providersim.Fault{Kind: providersim.Close, Requests: requests, HeaderDelay: delay}
	}
	for _, tc := range []struct {
		name     string
		cold     bool // there is no idle connection
		fault    providersim.Fault
		ways     []asking
		story    string
		attempts string
		failures int
	}{
		{"at once", false, closed(1, 0), anything, "b0@1s b0@1s", "1", 0},
		{"a moment later", false, closed(1, 900*time.Millisecond), anything, "b0@1s b0@1.9s", "1", 0},
		{"too late", false, closed(1, second), anything, "b0@1s b0@2.5s", "2", 1},
		{"and the next one too", false, closed(2, 0), anything, "b0@1s b0@1s b0@1.5s", "2", 1},
		{"that was new", true, closed(1, 0), anything, "b0@1s b0@1.5s", "2", 1},
		{"after the headers", false, providersim.Fault{Kind: providersim.Cut, Requests: 1}, anyModel, "b0@1s b0@1.5s", "2", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, way := range tc.ways {
				inBubble(t, nil, 1, func(r *bubbleRig) {
					successes := 1
					if !tc.cold {
						r.ask(way)
						r.sims[0].ClearRequests()
						successes++
					}
					time.Sleep(second)
					r.fault(0, tc.fault)
					a := r.ask(way)
					if !asWell(&a, "b0") || a.header.Get("X-Switchgear-Attempts") != tc.attempts {
						t.Errorf("%s: the client got %d %v", way.name, a.status, a.header)
					}
					r.wantStory(tc.story)
					want := fmt.Sprintf("b0 Success:%d", successes)
					if tc.failures > 0 {
						want = fmt.Sprintf("b0 Failure:%d b0 Success:%d", tc.failures, successes)
					}
					r.wantTally(want, "circuit_calls_total", "circuit", "outcome")
				})
			}
		})
	}
}

// TestARealResetOfAnIdleConnection is the same over TCP.
func TestARealResetOfAnIdleConnection(t *testing.T) {
	for _, e := range streamEndpoints {
		sim := providersim.Start(t, providersim.Options{})
		r := newStreamRig(t, nil, sim.URL)
		r.open(e.path, e.body).whole()
		sim.SetFault(providersim.Fault{Kind: providersim.Reset, Requests: 1})
		a := r.open(e.path, e.body)
		if a.whole(); a.resp.StatusCode != 200 || a.resp.Header.Get("X-Switchgear-Attempts") != "1" {
			t.Errorf("%s: the client got %d %v", e.name, a.resp.StatusCode, a.resp.Header)
		}
		if sim.Count() != 3 {
			t.Errorf("%s: the provider saw %d requests, want 3", e.name, sim.Count())
		}
		r.wantEnds(map[string]int{"Success": 2}, map[string]int{"Success": 2})
	}
}

// TestAnHTTP2ConnectionThatDies with many calls on it is one failure in a row,
// and as many in the window.
func TestAnHTTP2ConnectionThatDies(t *testing.T) {
	const calls = 20
	for _, tc := range []struct {
		name  string
		held  providersim.Fault // of all but the last call
		class string            // of the held calls
		rate  int
		want  circuit.State
	}{
		{"before the headers", providersim.Fault{Kind: providersim.Hold}, "ConnectionError", 0, circuit.Closed},
		{"amid the streams", providersim.Fault{Kind: providersim.Hold, AfterTokens: 2}, "StreamError", 0, circuit.Closed},
		{"with a rule on the rate", providersim.Fault{Kind: providersim.Hold}, "ConnectionError", 50, circuit.Open},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{HTTP2: true})
			r := newStreamRig(t, func(s *streamSetup) {
				s.CA = string(sim.CAPEM)
				s.Policy.Circuit.FailureThreshold = 5
				s.Policy.Circuit.FailureRate = circuit.RateRule{Percent: tc.rate, MinimumRequests: calls}
			}, sim.URL)
			held := tc.held
			held.Requests = calls - 1
			sim.SetFault(held, providersim.Fault{Kind: providersim.Reset})
			begun, ended := make(chan struct{}, calls), make(chan error, calls)
			ask := func() {
				a, err := r.try(t.Context(), chatEndpoint.path, chatEndpoint.body)
				if err == nil {
					begun <- struct{}{}
					_, err = a.rest()
					_ = a.resp.Body.Close()
				}
				ended <- err
			}
			// One is first, so that the others find its connection, and do not find it idle.
			go ask()
			sim.WaitRunning(1)
			for range calls - 2 {
				go ask()
			}
			sim.WaitRunning(calls - 1)
			if tc.class == "StreamError" {
				for range calls - 1 {
					<-begun
				}
			}
			go ask() // breaks the connection
			for range calls {
				if err := <-ended; err != nil {
					t.Errorf("a client got no whole answer: %v", err)
				}
			}
			peers := map[string]bool{}
			for _, req := range sim.Requests() {
				peers[req.RemoteAddr] = true
			}
			if sim.Count() != calls || len(peers) != 1 {
				t.Errorf("%d calls over %d connections, want %d over one", sim.Count(), len(peers), calls)
			}
			classes := map[string]int{tc.class: calls - 1}
			classes["ConnectionError"]++
			r.wantEnds(classes, map[string]int{"Failure": calls})
			s := r.gw.ObservePolicy("p")[0]
			for _, c := range r.gw.ObservePolicy("p") {
				if c.FailureCount > 0 {
					s = c
				}
			}
			if s.State != tc.want || s.FailureCount != 1 {
				t.Errorf("the circuit is %v with %d consecutive failures, want %v with 1", s.State, s.FailureCount, tc.want)
			}
		})
	}
}

// TestManyConnectionsThatDieAreManyFailures: each of HTTP/1 has one call, and two
// deaths of HTTP/2 connections are two.
func TestManyConnectionsThatDieAreManyFailures(t *testing.T) {
	inBubble(t, opensAfter(5), 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Kind: providersim.Close, HeaderDelay: second})
		r.burst(4, chatWhole)
		if s := r.state("gpt"); s != circuit.Closed {
			t.Errorf("after 4 the circuit is %v", s)
		}
		r.burst(1, chatWhole)
		if s := r.state("gpt"); s != circuit.Open {
			t.Errorf("after 5 the circuit is %v", s)
		}
	})
	sim := providersim.Start(t, providersim.Options{HTTP2: true})
	r := newStreamRig(t, func(s *streamSetup) {
		s.CA = string(sim.CAPEM)
		s.Policy.Circuit.FailureThreshold = 3
	}, sim.URL)
	sim.SetFault(providersim.Fault{Kind: providersim.Reset})
	for i, want := range []circuit.State{circuit.Closed, circuit.Closed, circuit.Open} {
		r.open(chatEndpoint.path, chatEndpoint.body).whole()
		if s := r.state("gpt"); s != want {
			t.Errorf("after %d deaths the circuit is %v, want %v", i+1, s, want)
		}
	}
}

// opensAfter makes circuits open after so many failures, without repeats.
func opensAfter(failures int) func(*streamSetup) {
	return func(s *streamSetup) {
		s.Policy.Circuit.FailureThreshold = failures
		s.Retry = gateway.Retry{MaxAttempts: 1}
	}
}

// TestManyIdleConnectionsThatAreReset: one of them is made good for, not all.
func TestManyIdleConnectionsThatAreReset(t *testing.T) {
	const idle = 20
	for _, way := range anything {
		inBubble(t, nil, 1, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{Kind: providersim.Hold})
			answers := make(chan told)
			for range idle {
				go func() { answers <- r.ask(way) }()
			}
			synctest.Wait()
			r.sims[0].Heal()
			for range idle {
				<-answers
			}
			r.sims[0].ClearRequests()
			r.fault(0, providersim.Fault{Kind: providersim.Close})
			if a := r.ask(way); a.status != 502 || a.header.Get("X-Switchgear-Attempts") != "3" {
				t.Errorf("%s: the client got %d %v", way.name, a.status, a.header)
			}
			r.wantStory("b0@0s b0@0s b0@500ms b0@500ms b0@1.5s b0@1.5s")
			r.wantTally("b0 Failure:3 b0 Success:20", "circuit_calls_total", "circuit", "outcome")
		})
	}
}
