package gateway_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestRoutesThatHaveNotChanged: of two routes that share a circuit one changes, and
// the circuit goes on for both, whichever of them comes first or stays.
func TestRoutesThatHaveNotChanged(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Status: 500})
	strict := func(p *gateway.Policy) { p.Circuit.FailureThreshold = 2 }
	p := newPolicy(t, strict)
	shared := func(pattern string, p *gateway.Policy) *gateway.Route {
		r := newRoute(pattern, newBackend(t, gateway.OpenAI, sim.URL+"/v1", p))
		r.Matches[0].Circuits[0].Model = "shared"
		return r
	}
	same := shared("gpt", p)
	other := streamEndpoint{"other", chatDoor.path, `{"model":"other","messages":[{"role":"user","content":"Hi"}]}`}
	r := newRig(t, nil, same, shared("other", p))
	r.post(chatDoor)

	r.apply(shared("other", p), same)
	r.post(other) // the second failure
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
	r.post(other).wantOwn(t, other, http.StatusServiceUnavailable, "circuit_open")

	r.apply(same)
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
	if got := r.gw.ObservePolicy(p.ID); len(got) != 1 || got[0].State != circuit.Open || got[0].Opens != 1 {
		t.Errorf("the policy's circuits are %+v", got)
	}

	r.apply()
	r.apply(same) // a new circuit: nobody had the old one any more
	if got := r.post(chatDoor); got.status != http.StatusInternalServerError {
		t.Errorf("status %d after the circuit had gone: %s", got.status, got.body)
	}
	sim.Heal()
}

// TestAnEditOfOneAmongMany: what an edit costs is for the maps of all that is live,
// and not for making every route anew.
func TestAnEditOfOneAmongMany(t *testing.T) {
	const routes = 1000
	p := newPolicy(t)
	s := &gateway.Snapshot{Policies: []*gateway.Policy{p}}
	route := func(i int) *gateway.Route {
		return newRoute(fmt.Sprintf("model-%d", i), newBackend(t, gateway.OpenAI, "https://api.example.com/v1", p))
	}
	for i := range routes {
		s.Routes = append(s.Routes, route(i))
	}
	gw := gateway.New(gateway.Options{})
	t.Cleanup(gw.Close)
	gw.Apply(s)
	allocations := testing.AllocsPerRun(10, func() {
		next := *s
		next.Routes = append([]*gateway.Route(nil), s.Routes...)
		next.Routes[routes/2] = route(routes / 2)
		next.Routes[routes/2].Timeout = time.Minute
		gw.Apply(&next)
	})
	// An index entry for each model is among them.
	if limit := 2.0 * routes; allocations > limit {
		t.Errorf("an edit of one among %d routes makes %v allocations, want at most %v", routes, allocations, limit)
	}
}
