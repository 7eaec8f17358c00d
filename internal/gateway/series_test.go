package gateway_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// labelled are the metrics that have a series with such a label.
func (r *streamRig) labelled(label, value string) []string {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatalf("gathering: %v", err)
	}
	names := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label && strings.Contains(l.GetValue(), value) {
					names[f.GetName()] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// TestSeriesFollowTraffic: what no call has touched has none.
func TestSeriesFollowTraffic(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	if n := len(r.labelled("namespace", "")); n != 0 {
		t.Errorf("%d metrics have series before the first call", n)
	}
	r.post(chatDoor)
	r.post(streamEndpoint{path: chatDoor.path, body: `{"model":"secret-project"}`})
	for _, e := range []string{"claude", "ext"} {
		if got := append(r.labelled("route", e), r.labelled("circuit", e)...); len(got) != 0 {
			t.Errorf("nobody called %s, which has %q", e, got)
		}
	}
	for label, value := range map[string]string{"route": "gpt", "circuit": "gpt"} {
		if len(r.labelled(label, value)) == 0 {
			t.Errorf("nothing has a series with %s %s", label, value)
		}
	}
	for _, label := range []string{"namespace", "route", "backend", "circuit", "policy", "code"} {
		if got := r.labelled(label, "secret-project"); len(got) != 0 {
			t.Errorf("a client's word is in %q", got)
		}
	}
}

// TestSeriesOfARemovedBackendGo, and those of the others stay.
func TestSeriesOfARemovedBackendGo(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	routes := doorRoutes(t, sim.URL, newPolicy(t))
	r := newRig(t, nil, routes...)
	r.post(chatDoor)
	r.post(messagesDoor)
	stays := r.labelled("route", "claude")
	r.apply(routes[1], routes[2])
	if got := append(r.labelled("route", "gpt"), r.labelled("circuit", "gpt")...); len(got) != 0 {
		t.Errorf("the removed backend still has %q", got)
	}
	if d := cmp.Diff(stays, r.labelled("route", "claude")); d != "" || len(stays) == 0 {
		t.Errorf("the backend that stays: %s", d)
	}
}

// TestSeriesOfARemovedBackendStayAway though calls of it end later, and are
// repeated, and exhaust its budget.
func TestSeriesOfARemovedBackendStayAway(t *testing.T) {
	t.Parallel()
	const calls = 5 // two more than the budget's least
	coming, released := make(chan struct{}, 2*calls), make(chan struct{})
	provider := script(t, func(s scripted) {
		coming <- struct{}{}
		s.wait(released)
		s.w.WriteHeader(http.StatusInternalServerError)
	})
	routes := doorRoutes(t, provider, newPolicy(t))
	routes[0].Retry = gateway.Retry{MaxAttempts: 2, InitialDelay: time.Millisecond, MaxDelay: time.Millisecond, Multiplier: 1}
	r := newRig(t, nil, routes...)
	var answers []<-chan reply
	for range calls {
		answers = append(answers, r.begin(t.Context(), chatDoor))
		<-coming
	}
	r.apply(routes[1], routes[2])
	close(released)
	for _, answer := range answers {
		r.await(answer)
	}
	if len(coming) == 0 {
		t.Error("no call was repeated")
	}
	if got := append(r.labelled("route", "gpt"), r.labelled("circuit", "gpt")...); len(got) != 0 {
		t.Errorf("the removed backend has %q", got)
	}
}

// TestCountsOutliveAnEdit of the backend that they are about.
func TestCountsOutliveAnEdit(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t))...)
	for n := 1; n <= 3; n++ {
		r.post(chatDoor)
		r.wantEnds(map[string]int{"Success": n}, map[string]int{"Success": n})
		r.apply(doorRoutes(t, sim.URL, newPolicy(t, func(p *gateway.Policy) { p.Circuit.FailureThreshold = n }))...)
	}
}

// TestSeriesOfARemovedBackendStayAwayFromItsFallback: a request that fell back
// from it is counted when another backend has answered, which may be later.
func TestSeriesOfARemovedBackendStayAwayFromItsFallback(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Hold})
	p := newPolicy(t)
	gone, stays := newBackend(t, gateway.OpenAI, "http://127.0.0.1:1/v1", p), newBackend(t, gateway.OpenAI, sim.URL+"/v1", p)
	gone.Name = "gone"
	route := func(backends ...*gateway.Backend) *gateway.Route {
		r := newRoute("gpt", backends...)
		r.Fallback = gateway.FallbackClasses
		return r
	}
	gone.Priority, stays.Priority = 0, 1
	r := newRig(t, nil, route(gone, stays))
	answer := r.begin(t.Context(), chatDoor)
	sim.WaitRunning(1)
	r.apply(route(stays))
	sim.Heal()
	if got := r.await(answer); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if got := append(r.labelled("backend", "gone"), r.labelled("from", "gone")...); len(got) != 0 {
		t.Errorf("the removed backend has %q", got)
	}
}
