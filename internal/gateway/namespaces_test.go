package gateway_test

import (
	"net/http"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestNamespaces: each has its own routes, and nobody reaches another's. All
// tenants have the same model and the same path; their providers tell them apart.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	var routes []*gateway.Route
	sims := map[string]*providersim.Server{}
	for _, namespace := range []string{"default", "team-a", "team-b"} {
		sim := providersim.Start(t, providersim.Options{Name: namespace})
		p := newPolicy(t, func(p *gateway.Policy) { p.ID = namespace })
		for _, route := range doorRoutes(t, sim.URL, p) {
			route.Namespace = namespace
			routes = append(routes, route)
		}
		sims[namespace] = sim
	}
	only := newRoute("only-b", newBackend(t, gateway.OpenAI, sims["team-b"].URL+"/v1", newPolicy(t)))
	only.Namespace = "team-b"
	r := newRig(t, nil, append(routes, only)...)

	for _, tc := range []struct {
		name, prefix string
		want         string // whose provider answers; empty: no route is found
	}{
		{"the default", "", "default"},
		{"the default by name", "/ns/default", "default"},
		{"a tenant", "/ns/team-a", "team-a"},
		{"another tenant", "/ns/team-b", "team-b"},
		{"nobody", "/ns/team-c", ""},
		{"an empty name", "/ns/", ""},
		{"a part of a name", "/ns/team", ""},
		{"in capitals", "/ns/Team-A", ""},
		{"escaped", "/ns/team%2Da", ""},
		{"a tenant within a tenant", "/ns/team-a/ns/team-b", ""},
		{"up and down", "/ns/team-a/../team-b", ""},
		{"up and down, escaped", "/ns/team-a/%2e%2e/team-b", ""},
		{"with an escaped slash", "/ns/team-a%2F..%2Fteam-b", ""},
		{"with two slashes", "/ns//team-a", ""},
	} {
		for _, e := range doors {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				for _, sim := range sims {
					sim.ClearRequests()
				}
				got := r.send(http.MethodPost, tc.prefix+e.path, e.body)
				status := http.StatusOK
				if tc.want == "" {
					status = http.StatusNotFound
				}
				if got.status != status {
					t.Errorf("status %d, want %d: %s", got.status, status, got.body)
				}
				for name, sim := range sims {
					asked := 0
					if name == tc.want {
						asked = 1
					}
					if sim.Count() != asked {
						t.Errorf("%s was asked %d times, want %d", name, sim.Count(), asked)
					}
				}
			})
		}
	}

	other := streamEndpoint{"OpenAI", "/ns/team-a" + chatDoor.path, `{"model":"only-b"}`}
	r.post(other).wantOwn(t, chatDoor, http.StatusNotFound, "model_not_found")
}

// TestWithoutADefaultNamespace plain paths lead nowhere.
func TestWithoutADefaultNamespace(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, func(o *gateway.Options) { o.DefaultNamespace = "" }, doorRoutes(t, sim.URL, newPolicy(t))...)
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusNotFound, "model_not_found")
	r.post(pathDoor).wantOwn(t, pathDoor, http.StatusNotFound, "no_route")
	if got := r.send(http.MethodPost, "/ns/default"+chatDoor.path, chatDoor.body); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}
