package gateway_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// outage has the first provider broken for a minute, with a request every four
// seconds, until it has long recovered. It returns what each client got.
func (r *bubbleRig) outage(way asking, fault providersim.Fault) []*told {
	return r.outageOf(minute, way, fault)
}

func (r *bubbleRig) outageOf(length time.Duration, way asking, fault providersim.Fault) []*told {
	const every = 4 * second
	var answers []*told
	var clients sync.WaitGroup
	r.fault(0, fault)
	for at := time.Duration(0); at < length+3*minute; at += every {
		if at == length {
			r.sims[0].Heal()
		}
		a := &told{}
		answers = append(answers, a)
		clients.Go(func() { *a = r.ask(way) })
		time.Sleep(every)
	}
	clients.Wait()
	return answers
}

// seen counts the calls of the first provider up to a moment, and finds the first
// from then on.
func (r *bubbleRig) seen(until time.Duration) (calls int, next time.Duration) {
	for _, req := range r.sims[0].Requests() {
		at := req.Time.Sub(r.began)
		if at >= until {
			return calls, at
		}
		calls++
	}
	return calls, 0
}

// luck are the extremes of chance, and its middle.
var luck = map[string]float64{"least": 0, "middle": .5, "most": .999}

// TestAProviderThatFailsAtOnceForAMinute is hardly noticed by clients, nor does it
// notice much of them: with defaults it sees at most 8 attempts, every request is
// answered by the fallback, and it is in use again within 30 s of its recovery.
func TestAProviderThatFailsAtOnceForAMinute(t *testing.T) {
	for name, random := range luck {
		for _, way := range anyModel {
			t.Run(way.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(s *streamSetup) { s.Options.Rand = func() float64 { return random } }, 2, func(r *bubbleRig) {
					for i, a := range r.outage(way, providersim.Fault{Status: 500}) {
						if a.status != 200 || i < 15 && !asWell(a, "b1") || a.after > 3*second {
							t.Errorf("request %d got %d after %v: %s", i, a.status, a.after, a.body)
						}
					}
					calls, back := r.seen(minute)
					if calls > 8 || calls < 5 {
						t.Errorf("it saw %d attempts, want at most 8, and as many as open its circuit", calls)
					}
					if back == 0 || back > minute+30*second {
						t.Errorf("it was in use again at %v, want within 30 s of its recovery", back)
					}
					if s := r.state(way.route()); s != circuit.Closed {
						t.Errorf("in the end its circuit is %v", s)
					}
				})
			})
		}
	}
}

// TestAProviderThatHangsForAMinute sees at most maxConcurrent + 2 calls, and
// every streamed request is answered by the fallback.
func TestAProviderThatHangsForAMinute(t *testing.T) {
	const concurrent = 10
	for name, random := range luck {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tune := func(s *streamSetup) {
				s.Options.Rand = func() float64 { return random }
				s.Policy.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: concurrent, MaxQueued: 50, QueueTimeout: 5 * second}
			}
			inBubble(t, tune, 2, func(r *bubbleRig) {
				// The fifteenth is queued until the first slot is free, after the minute.
				for i, a := range r.outage(chatStream, providersim.Fault{Kind: providersim.Hang}) {
					if a.status != 200 || i < 14 && !asWell(a, "b1") || a.after > minute+5*second {
						t.Errorf("request %d got %d after %v: %.200s", i, a.status, a.after, a.body)
					}
				}
				calls, back := r.seen(minute)
				if calls > concurrent+2 {
					t.Errorf("it saw %d calls, want at most %d", calls, concurrent+2)
				}
				if back == 0 || back > minute+30*second {
					t.Errorf("it was in use again at %v, want within 30 s of its recovery", back)
				}
			})
		})
	}
}

// TestAProviderThatHangsForLong: every failure but the one that opens its circuit
// has freed a slot for one more call, so that it sees maxConcurrent and
// failureThreshold - 1 calls until then, and afterwards one probe at a time. Every
// request is answered by the fallback.
func TestAProviderThatHangsForLong(t *testing.T) {
	const concurrent, length = 10, 20 * minute
	for threshold, want := range map[int]int{1: concurrent, 3: concurrent + 2, 5: concurrent + 4} {
		t.Run(fmt.Sprint("failureThreshold ", threshold), func(t *testing.T) {
			t.Parallel()
			opened := make(chan time.Time, 100)
			tune := func(s *streamSetup) {
				s.Policy.Circuit.FailureThreshold = threshold
				s.Policy.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: concurrent, MaxQueued: 50, QueueTimeout: 5 * second}
				s.Options.OnTransition = func(tr gateway.Transition) {
					if tr.To == circuit.Open {
						opened <- tr.Time
					}
				}
			}
			inBubble(t, tune, 2, func(r *bubbleRig) {
				for i, a := range r.outageOf(length, chatStream, providersim.Fault{Kind: providersim.Hang}) {
					if a.status != 200 || a.after > minute+5*second {
						t.Errorf("request %d got %d after %v: %.200s", i, a.status, a.after, a.body)
					}
				}
				first := (<-opened).Sub(r.began)
				calls, probe := r.seen(first)
				if calls != want {
					t.Errorf("it saw %d calls in the %v until its circuit opened, want %d", calls, first, want)
				}
				// A probe hangs until firstToken, and the next waits for resetTimeout.
				for probes := calls + 1; probe != 0 && probe < length; probes++ {
					n, next := r.seen(probe + minute + 27*second)
					if n != probes {
						t.Errorf("it saw %d calls up to %v, want %d", n, probe+minute+27*second, probes)
					}
					probe = next
				}
			})
		})
	}
}

// TestAProviderThatHangsAndClientsThatGiveUp: though no limit of ours is reached,
// it sees no more.
func TestAProviderThatHangsAndClientsThatGiveUp(t *testing.T) {
	for _, way := range []asking{chatWhole, chatStream} {
		inBubble(t, nil, 1, func(r *bubbleRig) {
			r.fault(0, providersim.Fault{Kind: providersim.Hang})
			var clients sync.WaitGroup
			for range 15 {
				clients.Go(func() { r.askFor(31*second, way) })
				time.Sleep(4 * second)
			}
			clients.Wait()
			synctest.Wait()
			// The fifth gives up at 47 s, when twelve have called.
			if calls, _ := r.seen(time.Hour); calls != 12 {
				t.Errorf("%s: it saw %d calls, want 12", way.name, calls)
			}
			if s := r.state(way.route()); s != circuit.Open {
				t.Errorf("%s: its circuit is %v", way.name, s)
			}
		})
	}
}
