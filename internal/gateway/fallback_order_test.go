package gateway_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// place is where a backend stands in its route.
type place struct{ priority, weight int }

// places puts the backends there, with chances that are the same each time.
func places(at ...place) func(*streamSetup) {
	return func(s *streamSetup) {
		s.Backend = func(n int, b *gateway.Backend) { b.Priority, b.Weight = at[n].priority, at[n].weight }
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(5, 6))
		s.Options.Rand = func() float64 {
			mu.Lock()
			defer mu.Unlock()
			return random.Float64()
		}
	}
}

// forceOpen keeps the circuits of some of the backends open.
func forceOpen(backends ...int) func(*streamSetup) {
	return func(s *streamSetup) {
		before := s.Backend
		s.Backend = func(n int, b *gateway.Backend) {
			if before != nil {
				before(n, b)
			}
			for _, i := range backends {
				if p := *b.Policy; i == n {
					p.Circuit.Override.Kind = circuit.ForceOpen
					b.Policy = &p
				}
			}
		}
	}
}

// TestSharesOfEquals: backends of one priority share the requests by weight, and
// a circuit that is open leaves its share to its equals at once, whatever
// fallback.classes says.
func TestSharesOfEquals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		places []place
		open   []int
		on     gateway.ClassSet
		shares []float64
	}{
		{"three to one", []place{{0, 75}, {0, 25}}, nil, gateway.FallbackClasses, []float64{.75, .25}},
		{"one of equals alone", []place{{0, 1}, {1, 1}}, nil, gateway.FallbackClasses, []float64{1, 0}},
		{"no weight", []place{{0, 0}, {0, 10}}, nil, gateway.FallbackClasses, []float64{0, 1}},
		{"no weights at all", []place{{0, 0}, {0, 0}}, nil, gateway.FallbackClasses, []float64{1, 0}},
		{"the order is that of the priorities", []place{{7, 1}, {-1, 1}, {3, 1}}, nil, gateway.FallbackClasses, []float64{0, 1, 0}},
		{"one is open", []place{{0, 20}, {0, 60}, {0, 20}, {1, 1}}, []int{0}, gateway.FallbackClasses, []float64{0, .75, .25, 0}},
		{"one is open, with CircuitOpen not in fallback.classes", []place{{0, 20}, {0, 60}, {0, 20}, {1, 1}}, []int{0}, without("CircuitOpen"), []float64{0, .75, .25, 0}},
		{"one is open, with nothing in fallback.classes", []place{{0, 20}, {0, 60}, {0, 20}, {1, 1}}, []int{1}, 0, []float64{.5, 0, .5, 0}},
		{"one is open, and only one without weight is left", []place{{0, 1}, {0, 0}, {1, 1}}, []int{0}, 0, []float64{0, 1, 0}},
		{"all are open", []place{{0, 20}, {0, 60}, {1, 30}, {1, 10}}, []int{0, 1}, gateway.FallbackClasses, []float64{0, 0, .75, .25}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const requests = 200
			tune := func(s *streamSetup) {
				places(tc.places...)(s)
				forceOpen(tc.open...)(s)
				s.Fallback = tc.on
			}
			inBubble(t, tune, len(tc.places), func(r *bubbleRig) {
				for range requests {
					if a := r.ask(chatWhole); a.status != 200 {
						t.Fatalf("the client got %d %s", a.status, a.body)
					}
				}
				for i, share := range tc.shares {
					got := float64(r.sims[i].Count()) / requests
					if math.Abs(got-share) > .08 || (share == 0 || share == 1) && got != share {
						t.Errorf("b%d had %v of the requests, want %v", i, got, share)
					}
				}
			})
		})
	}
}

// TestAllEqualsOpenWithoutCircuitOpen in fallback.classes: the next priority is for
// fallback only.
func TestAllEqualsOpenWithoutCircuitOpen(t *testing.T) {
	tune := func(s *streamSetup) {
		places(place{0, 1}, place{0, 1}, place{1, 1})(s)
		forceOpen(0, 1)(s)
		s.Fallback = without("CircuitOpen")
	}
	inBubble(t, tune, 3, func(r *bubbleRig) {
		if a := r.ask(chatWhole); a.code() != "circuit_open" {
			t.Errorf("the client got %d %s", a.status, a.body)
		}
		r.wantStory("")
	})
}

// TestACircuitShiftsItsShareTheMomentItOpens and takes it back when it closes.
func TestACircuitShiftsItsShareTheMomentItOpens(t *testing.T) {
	const requests = 60
	tune := func(s *streamSetup) {
		places(place{0, 1}, place{0, 1})(s)
		opens(s)
		s.Fallback = without("CircuitOpen")
	}
	inBubble(t, tune, 2, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500})
		for range requests {
			if a := r.ask(chatStream); !asWell(&a, "b1") {
				t.Errorf("the client got %d %s", a.status, a.body)
			}
		}
		if n := r.sims[0].Count(); n != 1 {
			t.Errorf("b0 saw %d calls, want the one that opened its circuit", n)
		}
		r.sims[0].Heal()
		r.sims[0].ClearRequests()
		time.Sleep(30 * second)
		for range requests {
			if a := r.ask(chatStream); a.status != 200 {
				t.Errorf("the client got %d %s", a.status, a.body)
			}
		}
		if n := r.sims[0].Count(); n < requests/4 || n > requests*3/4 {
			t.Errorf("b0 saw %d calls of %d, want about half", n, requests)
		}
	})
}

// TestTheNextPriorityInItsTurn: each is asked once the one before has failed.
func TestTheNextPriorityInItsTurn(t *testing.T) {
	inBubble(t, opens, 4, func(r *bubbleRig) {
		for i := range 3 {
			r.fault(i, providersim.Fault{Status: 500})
		}
		a := r.ask(chatWhole)
		if !asWell(&a, "b3") || a.header.Get("X-Switchgear-Attempts") != "4" {
			t.Errorf("the client got %d %v", a.status, a.header)
		}
		r.wantStory("b0@0s b1@0s b2@0s b3@0s")
		r.wantTally("b0 b1 ServerError:1 b1 b2 ServerError:1 b2 b3 ServerError:1", "fallbacks_total", "from", "to", "class")
		a = r.ask(chatWhole)
		if !asWell(&a, "b3") || a.header.Get("X-Switchgear-Attempts") != "1" {
			t.Errorf("then the client got %d %v", a.status, a.header)
		}
	})
}

// TestQueuedCallersFallBackWhenTheCircuitOpens, at that moment.
func TestQueuedCallersFallBackWhenTheCircuitOpens(t *testing.T) {
	tune := func(s *streamSetup) {
		opens(s)
		s.Backend = func(n int, b *gateway.Backend) {
			if p := *b.Policy; n == 0 {
				p.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 10, QueueTimeout: minute}
				b.Policy = &p
			}
		}
	}
	inBubble(t, tune, 2, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500, HeaderDelay: 3 * second})
		answers := make(chan told)
		for range 5 {
			go func() { answers <- r.ask(chatStream) }()
			synctest.Wait()
		}
		r.wantTally("b0:4", "bulkhead_queued", "circuit")
		for range 5 {
			if a := <-answers; !asWell(&a, "b1") || a.after != 3*second {
				t.Errorf("the client got %d after %v", a.status, a.after)
			}
		}
		r.wantStory("b0@0s b1@3s b1@3s b1@3s b1@3s b1@3s")
		r.wantTally("b0 b1 CircuitOpen:4 b0 b1 ServerError:1", "fallbacks_total", "from", "to", "class")
	})
}

// TestObservedRoutesAgreeWithTraffic: the active backend in a route's status is
// where the next request goes.
func TestObservedRoutesAgreeWithTraffic(t *testing.T) {
	for open, want := range []string{"b0", "b1", "b2", ""} {
		var all []int
		for i := range open {
			all = append(all, i)
		}
		inBubble(t, forceOpen(all...), 3, func(r *bubbleRig) {
			s, ok := r.gw.ObserveRoute("default", "gpt")
			a := r.ask(chatWhole)
			if got := a.header.Get("X-Switchgear-Backend"); !ok || s.ActiveBackend != want || a.status == 200 && got != want {
				t.Errorf("with %s open the status says %q, the answer is of %q, want %q", fmt.Sprint(all), s.ActiveBackend, got, want)
			}
		})
	}
}
