package compile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// wide makes a route with so many models, each with one circuit of the policy at
// each host.
func (c *cluster) wide(name, policy string, models int, hosts ...string) {
	c.t.Helper()
	var y strings.Builder
	fmt.Fprintf(&y, "kind: ProviderRoute\nmetadata: {name: %s}\nspec:\n  models:\n", name)
	for i := range models {
		fmt.Fprintf(&y, "  - %s-%d\n", name, i)
	}
	y.WriteString("  backends:\n")
	for _, h := range hosts {
		ref := ""
		if policy != "" {
			ref = fmt.Sprintf(", circuitPolicyRef: {name: %s}", policy)
		}
		fmt.Fprintf(&y, "  - {name: %s, type: OpenAI, url: \"https://%s.example.com\"%s}\n", h, h, ref)
	}
	c.apply(y.String())
}

// circuits are the circuits of a route, in the order of its matches.
func circuits(t *testing.T, r *compile.Result, name string) []gateway.CircuitKey {
	t.Helper()
	var out []gateway.CircuitKey
	for _, m := range liveRoute(t, r, name).Matches {
		out = append(out, m.Circuits...)
	}
	return out
}

func liveRoute(t *testing.T, r *compile.Result, name string) *gateway.Route {
	t.Helper()
	i := slices.IndexFunc(r.Snapshot.Routes, func(route *gateway.Route) bool {
		return route.Namespace == defaultNamespace && route.Name == name
	})
	if i < 0 {
		t.Fatalf("the route %s is not live", name)
	}
	return r.Snapshot.Routes[i]
}

func apart(keys []gateway.CircuitKey) int {
	seen := map[gateway.CircuitKey]bool{}
	for _, k := range keys {
		seen[k] = true
	}
	return len(seen)
}

// TestCircuitsBeyondTheLimitShareOne fills a policy with 1,000 circuits and adds
// more: the oldest routes keep theirs.
func TestCircuitsBeyondTheLimitShareOne(t *testing.T) {
	c := newCluster(t, compile.Options{})
	c.apply("{kind: CircuitPolicy, metadata: {name: wide}}")
	c.apply("{kind: CircuitPolicy, metadata: {name: other}}")
	for i := range 15 {
		c.wide(fmt.Sprintf("r%02d", i), "wide", 64, "a")
	}
	c.wide("fills", "wide", 40, "a")
	r := c.compile()
	if p := r.Policies[key("wide")]; len(p.Problems) > 0 {
		t.Errorf("with 1,000 circuits: %v", problemLines(p.Problems))
	}

	c.wide("exceeds", "wide", 2, "a", "b")
	c.wide("other", "other", 2, "a")
	before := r
	r = c.compile()
	overflow := gateway.CircuitKey{Policy: string(c.in.Policies[0].UID), Overflow: true}
	if got := circuits(t, r, "exceeds"); !slices.Equal(got, []gateway.CircuitKey{overflow, overflow, overflow, overflow}) {
		t.Errorf("the circuits beyond the limit are %v", got)
	}
	if got := overflow.String(); got != "(overflow)" {
		t.Errorf("the circuit that they share is named %q", got)
	}
	for _, name := range []string{"r00", "r14", "fills"} {
		if diff := cmp.Diff(circuits(t, before, name), circuits(t, r, name)); diff != "" {
			t.Errorf("%s has other circuits (-before +after):\n%s", name, diff)
		}
	}
	if n := apart(circuits(t, r, "other")); n != 2 {
		t.Errorf("the other policy has %d circuits, want 2", n)
	}
	const tooMany = "Accepted/TooManyCircuits (warning): the policy has 1004 circuits, of which 1000 are kept apart and all others share one: use a wider scope, or several policies"
	p := r.Policies[key("wide")]
	if diff := cmp.Diff([]string{tooMany}, problemLines(p.Problems)); diff != "" || !p.Accepted {
		t.Errorf("accepted %t, problems (-want +got):\n%s", p.Accepted, diff)
	}
	// Two backends that stand in for one another share a circuit now.
	want := []string{`Accepted/SharedCircuit (warning): spec.backends: "a" shares the circuit (overflow) with "b", so that the fallback would be refused together with the first: give them CircuitPolicies of their own, or a narrower scope`}
	if diff := cmp.Diff(want, problemLines(r.Routes[key("exceeds")].Problems)); diff != "" {
		t.Errorf("of the route (-want +got):\n%s", diff)
	}

	// Those that shared one of their own are not told twice.
	c.apply(`
kind: ProviderRoute
metadata: {name: twins}
spec:
  models: [twins]
  backends:
  - {name: a, type: OpenAI, url: "https://twins.example.com", circuitPolicyRef: {name: wide}}
  - {name: b, type: OpenAI, url: "https://twins.example.com", circuitPolicyRef: {name: wide}}`)
	if diff := cmp.Diff(want, problemLines(c.compile().Routes[key("twins")].Problems)); diff != "" {
		t.Errorf("of backends that shared a circuit before (-want +got):\n%s", diff)
	}
	c.delete("ProviderRoute", "twins")
	// What is wrong with the policy's spec is told beside it.
	c.apply("{kind: CircuitPolicy, metadata: {name: wide}, spec: {window: 1ms}}")
	want = append([]string{`Accepted/Invalid: spec.window is "1ms": must be a duration from 100ms to 24h, such as 30s, 1h30m or 500ms`}, tooMany)
	if diff := cmp.Diff(want, problemLines(c.compile().Policies[key("wide")].Problems)); diff != "" {
		t.Errorf("of a policy edited to be invalid (-want +got):\n%s", diff)
	}
	c.apply("{kind: CircuitPolicy, metadata: {name: wide}}")

	c.delete("ProviderRoute", "r00")
	r = c.compile()
	if got := circuits(t, r, "exceeds"); apart(got) != 4 || slices.Contains(got, overflow) {
		t.Errorf("with room again the circuits are %v", got)
	}
	if p := r.Policies[key("wide")]; len(p.Problems) > 0 || len(r.Routes[key("exceeds")].Problems) > 0 {
		t.Errorf("with room again: %v, %v", problemLines(p.Problems), problemLines(r.Routes[key("exceeds")].Problems))
	}
}

// TestOneCircuitCountsOnce has two routes with the same circuits, and scopes that
// make one of many.
func TestOneCircuitCountsOnce(t *testing.T) {
	c := newCluster(t, compile.Options{})
	c.apply("{kind: CircuitPolicy, metadata: {name: model}}")
	c.apply("{kind: CircuitPolicy, metadata: {name: provider}, spec: {scope: Provider}}")
	c.apply("{kind: CircuitPolicy, metadata: {name: named}, spec: {scope: Policy}}")
	for i := range 20 {
		for _, p := range []string{"provider", "named"} {
			c.wide(fmt.Sprintf("%s-%d", p, i), p, 64, "a")
		}
		c.apply(fmt.Sprintf(`
kind: ProviderRoute
metadata: {name: model-%d}
spec:
  models: [m1, m2]
  headers: [{name: x-client, value: "%d"}]
  backends: [{name: b, type: OpenAI, url: "https://a.example.com", circuitPolicyRef: {name: model}}]`, i, i))
	}
	r := c.compile()
	for policy, want := range map[string]int{"model": 2, "provider": 1, "named": 1} {
		var all []gateway.CircuitKey
		for i := range 20 {
			all = append(all, circuits(t, r, fmt.Sprintf("%s-%d", policy, i))...)
		}
		if n := apart(all); n != want || len(r.Policies[key(policy)].Problems) > 0 {
			t.Errorf("policy %s: %d circuits, want %d; problems %v", policy, n, want, problemLines(r.Policies[key(policy)].Problems))
		}
	}
}

// TestBuiltInPolicyHasTheLimitToo tells it on the routes: there is no policy to
// tell it on.
func TestBuiltInPolicyHasTheLimitToo(t *testing.T) {
	c := newCluster(t, compile.Options{})
	for i := range 16 {
		c.wide(fmt.Sprintf("r%02d", i), "", 64, "a")
	}
	r := c.compile()
	if p := r.Routes[key("r14")].Problems; len(p) > 0 {
		t.Errorf("within the limit: %v", problemLines(p))
	}
	want := []string{"Accepted/TooManyCircuits (warning): the built-in defaults have 1024 circuits, of which 1000 are kept apart and all others share one: use a wider scope, or several policies"}
	last := r.Routes[key("r15")]
	if diff := cmp.Diff(want, problemLines(last.Problems)); diff != "" || !last.Accepted {
		t.Errorf("accepted %t, problems (-want +got):\n%s", last.Accepted, diff)
	}
	if n := apart(circuits(t, r, "r15")); n != 41 {
		t.Errorf("the last route has %d circuits, want 40 and the shared one", n)
	}
}
