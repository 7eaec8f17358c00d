package gateway_test

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// seeded draws the same numbers in every run.
func seeded(o *gateway.Options) {
	var mu sync.Mutex
	source := rand.New(rand.NewPCG(7, 11))
	o.Rand = func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return source.Float64()
	}
}

// choice is a backend that may be chosen.
type choice struct {
	name             string
	priority, weight int
	open             bool // its circuit is
	gone             bool // it lacks what it needs
}

// shares sends calls to a route with these backends and counts who answers.
func shares(t *testing.T, calls int, choices ...choice) (map[string]int, *streamRig) {
	t.Helper()
	sim := providersim.Start(t, providersim.Options{Tokens: 1})
	var backends []*gateway.Backend
	for _, c := range choices {
		p := newPolicy(t, func(p *gateway.Policy) {
			p.ID, p.Name = c.name, c.name
			if c.open {
				p.Circuit.Override.Kind = circuit.ForceOpen
			}
		})
		b := newBackend(t, gateway.OpenAI, sim.URL+"/v1", p)
		b.Name, b.Priority, b.Weight = c.name, c.priority, c.weight
		if c.gone {
			b.Unavailable = "a Secret is missing"
		}
		backends = append(backends, b)
	}
	route := newRoute("gpt", backends...)
	route.Fallback = gateway.ClassSet(0).With(gateway.CircuitOpen) // a refusal is no failing call
	r := newRig(t, seeded, route)
	got := map[string]int{}
	for range calls {
		reply := r.post(chatDoor)
		if reply.status != http.StatusOK {
			t.Fatalf("status %d: %s", reply.status, reply.body)
		}
		reply.wantHeaders(t, map[string]string{"X-Switchgear-Attempts": "1"})
		got[reply.header.Get("X-Switchgear-Backend")]++
	}
	return got, r
}

// TestWeights: equals share the calls in proportion to their weights. The
// tolerance is 3 standard deviations.
func TestWeights(t *testing.T) {
	t.Parallel()
	const calls = 200
	for _, tc := range []struct {
		name    string
		choices []choice
		want    map[string]float64 // shares
	}{
		{"equal", []choice{{name: "a", weight: 100}, {name: "b", weight: 100}}, map[string]float64{"a": .5, "b": .5}},
		{"three to one", []choice{{name: "a", weight: 3}, {name: "b", weight: 1}}, map[string]float64{"a": .75, "b": .25}},
		{"the last the heaviest", []choice{{name: "a", weight: 10}, {name: "b", weight: 20}, {name: "c", weight: 70}}, map[string]float64{"a": .1, "b": .2, "c": .7}},
		{"one whose circuit is open", []choice{{name: "a", weight: 50, open: true}, {name: "b", weight: 30}, {name: "c", weight: 20}}, map[string]float64{"b": .6, "c": .4}},
		{"one that lacks something", []choice{{name: "a", weight: 50, gone: true}, {name: "b", weight: 30}, {name: "c", weight: 20}}, map[string]float64{"b": .6, "c": .4}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, _ := shares(t, calls, tc.choices...)
			for name, share := range tc.want {
				expected := share * calls
				if off := float64(got[name]) - expected; off*off > 9*expected*(1-share) {
					t.Errorf("%s got %d of %d calls, want about %.0f", name, got[name], calls, expected)
				}
				delete(got, name)
			}
			if len(got) != 0 {
				t.Errorf("others got %v", got)
			}
		})
	}
}

// TestPriorities: the lower number comes first, and a weight of 0 comes last
// among equals.
func TestPriorities(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		choices []choice
		want    string // who gets all calls
	}{
		{"in order", []choice{{name: "a", priority: 0, weight: 1}, {name: "b", priority: 1, weight: 1000}}, "a"},
		{"against the order", []choice{{name: "a", priority: 7, weight: 1000}, {name: "b", priority: 3, weight: 1}}, "b"},
		{"the first is open", []choice{{name: "a", priority: 0, weight: 1, open: true}, {name: "b", priority: 1, weight: 1}, {name: "c", priority: 2, weight: 1}}, "b"},
		{"the first lacks something", []choice{{name: "a", priority: 0, weight: 1, gone: true}, {name: "b", priority: 1, weight: 1}}, "b"},
		{"all of a priority are open", []choice{{name: "a", weight: 1, open: true}, {name: "b", weight: 1, open: true}, {name: "c", priority: 1, weight: 1}}, "c"},
		{"a weight of 0", []choice{{name: "a", weight: 0}, {name: "b", weight: 1}}, "b"},
		{"a weight of 0, the others open", []choice{{name: "a", weight: 0}, {name: "b", weight: 9, open: true}, {name: "c", priority: 1, weight: 1}}, "a"},
		{"weights of 0 alone, in order", []choice{{name: "a", weight: 0}, {name: "b", weight: 0}}, "a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			const calls = 30
			got, r := shares(t, calls, tc.choices...)
			if d := cmp.Diff(map[string]int{tc.want: calls}, got); d != "" {
				t.Error(d)
			}
			if status, ok := r.gw.ObserveRoute("default", "gpt"); !ok || status.ActiveBackend != tc.want {
				t.Errorf("the active backend is %q", status.ActiveBackend)
			}
		})
	}
}
