package compile_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
)

// chat makes or changes the route that the tests here are about. Its URL says
// which version of it serves.
func (c *cluster) chat(version int, more string) {
	c.t.Helper()
	c.apply(fmt.Sprintf(`
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: [gpt-4o]
  backends:
  - name: b
    type: OpenAI
    url: https://v%d.example.com
    %s`, version, more))
}

// invalidChat makes it invalid.
func (c *cluster) invalidChat(version int) { c.t.Helper(); c.chat(version, "priority: -1") }

// served is the version of the route that serves; 0: none.
func served(r *compile.Result) (version int) {
	for _, route := range r.Snapshot.Routes {
		if route.Name == "chat" {
			host, _, _ := strings.Cut(route.Backends[0].URL.Host, ".")
			version, _ = strconv.Atoi(strings.TrimPrefix(host, "v"))
		}
	}
	return version
}

// TestInvalidRouteKeepsTheLastGoodServing follows a route through its life.
func TestInvalidRouteKeepsTheLastGoodServing(t *testing.T) {
	c := newCluster(t, compile.Options{})
	step := func(what string, accepted bool, generation int64, version int) {
		t.Helper()
		r := c.compile()
		got := r.Routes[key("chat")]
		if got.Accepted != accepted || got.LiveGeneration != generation || served(r) != version {
			t.Errorf("%s: accepted %t, live generation %d, serving version %d, want %t, %d, %d: %v", what,
				got.Accepted, got.LiveGeneration, served(r), accepted, generation, version, problemLines(got.Problems))
		}
	}
	c.invalidChat(1)
	step("made invalid", false, 0, 0)
	c.chat(2, "")
	step("first valid", true, 2, 2)
	c.invalidChat(3)
	step("edited to be invalid", false, 2, 2)
	step("compiled again", false, 2, 2)
	c.invalidChat(4)
	step("otherwise invalid", false, 2, 2)
	c.chat(5, "")
	step("mended", true, 5, 5)
	c.invalidChat(6)
	step("invalid again", false, 5, 5)

	c.delete("ProviderRoute", "chat")
	if r := c.compile(); served(r) != 0 || r.Routes[key("chat")] != nil {
		t.Errorf("deleted: version %d serves", served(r))
	}
	c.invalidChat(7)
	step("made anew, invalid", false, 0, 0)
	c.chat(8, "")
	step("made anew, valid", true, 2, 8)

	// Deleted and made anew between two looks: what served was another object's.
	c.delete("ProviderRoute", "chat")
	c.invalidChat(9)
	step("made anew unseen, invalid", false, 0, 0)

	// A process that has just begun knows no better version.
	c.chat(10, "")
	step("valid", true, 2, 10)
	c.invalidChat(11)
	c.last = nil
	step("invalid in a new process", false, 0, 0)
}

// TestRouteThatCouldCallNobodyKeepsTheLastGoodServing edits a route's only URL to
// what this process never calls.
func TestRouteThatCouldCallNobodyKeepsTheLastGoodServing(t *testing.T) {
	for url, reason := range map[string]string{
		"http://a.example.com":   "PlaintextCredentials",
		"https://127.0.0.1:8443": "AddressNotAllowed",
	} {
		c := newCluster(t, compile.Options{})
		c.chat(1, "")
		c.compile()
		c.apply(fmt.Sprintf(`
kind: ProviderRoute
metadata: {name: chat}
spec:
  models: [gpt-4o]
  backends: [{name: b, type: OpenAI, url: %q, credentials: {passthrough: {}}}]`, url))
		r := c.compile()
		got := r.Routes[key("chat")]
		if got.Accepted || got.LiveGeneration != 1 || served(r) != 1 || len(got.Problems) != 1 || got.Problems[0].Reason != reason {
			t.Errorf("%s: accepted %t, live generation %d, serving version %d, want false, 1, 1 and %s: %v", url,
				got.Accepted, got.LiveGeneration, served(r), reason, problemLines(got.Problems))
		}
	}
}

// TestLastGoodRouteKeepsItsMatches lets no younger route take what an invalid
// edit seems to give up.
func TestLastGoodRouteKeepsItsMatches(t *testing.T) {
	c := newCluster(t, compile.Options{})
	c.chat(1, "")
	c.apply(`
kind: ProviderRoute
metadata: {name: younger}
spec:
  models: [gpt-4o]
  backends: [{name: b, type: OpenAI, url: "https://a.example.com"}]`)
	c.compile()
	c.invalidChat(2)
	r := c.compile()
	if younger := r.Routes[key("younger")]; younger.Accepted || younger.LiveGeneration != 0 || served(r) != 1 {
		t.Errorf("younger route accepted %t, serving version %d, want false, 1", younger.Accepted, served(r))
	}
	c.delete("ProviderRoute", "chat")
	r = c.compile()
	if younger := r.Routes[key("younger")]; !younger.Accepted || younger.LiveGeneration != 1 {
		t.Errorf("with the older one gone, it is accepted %t, live generation %d: %v",
			younger.Accepted, younger.LiveGeneration, problemLines(younger.Problems))
	}
}

// TestInvalidPolicyKeepsTheLastGoodInForce follows a policy through its life.
func TestInvalidPolicyKeepsTheLastGoodInForce(t *testing.T) {
	c := newCluster(t, compile.Options{})
	c.chat(1, "circuitPolicyRef: {name: p}")
	policy := func(threshold int) {
		t.Helper()
		c.apply(fmt.Sprintf("{kind: CircuitPolicy, metadata: {name: p}, spec: {failureThreshold: %d}}", threshold))
	}
	const builtIn = 5
	// step compares the threshold that is in force, and whether it is shown as the
	// policy's own.
	step := func(what string, accepted bool, generation int64, threshold int) gateway.CircuitKey {
		t.Helper()
		r := c.compile()
		route := liveRoute(t, r, "chat")
		if got := route.Backends[0].Policy.Circuit.FailureThreshold; got != threshold {
			t.Errorf("%s: the threshold in force is %d, want %d", what, got, threshold)
		}
		p := r.Policies[key("p")]
		if p == nil {
			return route.Matches[0].Circuits[0]
		}
		if p.Accepted != accepted || p.LiveGeneration != generation || (p.Effective != nil) != (generation > 0) {
			t.Errorf("%s: accepted %t, live generation %d, effective %v, want %t, %d: %v", what,
				p.Accepted, p.LiveGeneration, p.Effective, accepted, generation, problemLines(p.Problems))
		}
		if p.Effective != nil && p.Effective.FailureThreshold != int32(threshold) {
			t.Errorf("%s: the effective threshold is %d, want %d", what, p.Effective.FailureThreshold, threshold)
		}
		if resolved := r.Routes[key("chat")].ResolvedRefs; resolved != (generation > 0) {
			t.Errorf("%s: references resolved: %t", what, resolved)
		}
		return route.Matches[0].Circuits[0]
	}
	policy(-1)
	step("made invalid", false, 0, builtIn)
	policy(7)
	first := step("first valid", true, 2, 7)
	policy(5000)
	step("edited to be invalid", false, 2, 7)
	step("compiled again", false, 2, 7)
	policy(8)
	if got := step("mended", true, 4, 8); got != first {
		t.Errorf("an edit made another circuit: %v, not %v", got, first)
	}

	c.delete("CircuitPolicy", "p")
	step("deleted", false, 0, builtIn)
	want := []string{`ResolvedRefs/PolicyNotFound: spec.backends[0].circuitPolicyRef: there is no CircuitPolicy "p" in the namespace: the built-in defaults are in force`}
	r := c.compile()
	if diff := cmp.Diff(want, problemLines(r.Routes[key("chat")].Problems)); diff != "" || !r.Routes[key("chat")].Accepted {
		t.Errorf("with the policy deleted (-want +got):\n%s", diff)
	}
	policy(-1)
	step("made anew, invalid", false, 0, builtIn)
	want = []string{`ResolvedRefs/PolicyNotFound: spec.backends[0].circuitPolicyRef: the CircuitPolicy "p" has never been valid (see its condition Accepted): the built-in defaults are in force`}
	if diff := cmp.Diff(want, problemLines(c.compile().Routes[key("chat")].Problems)); diff != "" {
		t.Errorf("with a policy that was never valid (-want +got):\n%s", diff)
	}
	policy(9)
	if got := step("made anew, valid", true, 2, 9); got == first {
		t.Errorf("a policy made anew has the circuits of the one before it: %v", got)
	}
}
