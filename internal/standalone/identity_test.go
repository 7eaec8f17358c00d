package standalone

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/configmetrics"
)

func newTestSource(t *testing.T, g Gateway) *Source {
	t.Helper()
	s, err := New(Options{Paths: []string{"."}, LookupEnv: environment, Gateway: g, Metrics: configmetrics.New()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestThePolicyStaysTheSame, and so do its circuits, for as long as no applied
// configuration has been without it.
func TestThePolicyStaysTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		edits []map[string]string
		anew  bool
	}{
		"its spec is edited":         {edits: []map[string]string{{"p.yaml": policyHead + "p}\nspec: {failureThreshold: 7}\n"}}},
		"another is added":           {edits: []map[string]string{{"q.yaml": policyHead + "q}\n"}, {"q.yaml": ""}}},
		"its file is broken":         {edits: []map[string]string{{"p.yaml": "{"}, {"p.yaml": policyHead + "p}\n"}}},
		"it is lost in a breakage":   {edits: []map[string]string{{"p.yaml": policyHead + "Q}\n"}, {"p.yaml": policyHead + "p}\n"}}},
		"it moves to another file":   {edits: []map[string]string{{"p.yaml": "", "q.yaml": policyHead + "p}\n"}}},
		"it moves the careful way":   {edits: []map[string]string{{"q.yaml": policyHead + "p}\n"}, {"p.yaml": "", "r.yaml": "# nothing\n"}}},
		"it is gone for a while":     {edits: []map[string]string{{"p.yaml": ""}, {"p.yaml": policyHead + "p}\n"}}, anew: true},
		"it has had another name":    {edits: []map[string]string{{"p.yaml": policyHead + "q}\n"}, {"p.yaml": policyHead + "p}\n"}}, anew: true},
		"it has been elsewhere":      {edits: []map[string]string{{"p.yaml": policyHead + "p, namespace: other}\n"}, {"p.yaml": policyHead + "p}\n"}}, anew: true},
		"it stays beside one so":     {edits: []map[string]string{{"q.yaml": policyHead + "p, namespace: other}\n"}, {"q.yaml": ""}}},
		"the namespace is spelt out": {edits: []map[string]string{{"p.yaml": policyHead + "p, namespace: default}\n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, map[string]string{"p.yaml": policyHead + "p}\n", "a.yaml": goodRoute})
			before := r.gateway.policyID("p")
			for _, edit := range c.edits {
				r.edit(edit)
			}
			after := r.gateway.policyID("p")
			if after == "" || (before != after) != c.anew {
				t.Errorf("the policy was %q and is %q; another one: want %v", before, after, c.anew)
			}
		})
	}
}

// numbers are what a cluster would have given an object.
type numbers struct {
	UID             types.UID
	Generation      int64
	ResourceVersion string
	Birth           int // how many came before
}

func TestNumbers(t *testing.T) {
	story := func(t *testing.T) []numbers {
		var out []numbers
		var births []time.Time
		see := func(r *rig) {
			var p *v1alpha1.CircuitPolicy
			for _, p = range r.Current().Policies {
				if p.Name == "p" {
					born := p.CreationTimestamp.Time
					if n := len(births); n == 0 || born.After(births[n-1]) {
						births = append(births, born)
					}
					out = append(out, numbers{p.UID, p.Generation, p.ResourceVersion, slices.Index(births, born)})
				}
			}
		}
		// What a file says of them counts for nothing.
		r := start(t, map[string]string{"p.yaml": policyHead + "p, uid: u, generation: 9, creationTimestamp: \"2026-11-01T00:00:00Z\"}\n", "a.yaml": goodRoute})
		see(r)
		for _, spec := range []string{"{}", "{window: 20s}", "{window: 20s} # the same", "{}"} {
			r.edit(map[string]string{"p.yaml": policyHead + "p}\nspec: " + spec + "\n"})
			see(r)
		}
		r.edit(map[string]string{"p.yaml": ""})
		r.edit(map[string]string{"p.yaml": policyHead + "p}\n"})
		see(r)
		return out
	}
	want := []numbers{
		{"CircuitPolicy/default/p/1", 1, "1", 0},
		{"CircuitPolicy/default/p/1", 1, "1", 0},
		{"CircuitPolicy/default/p/1", 2, "2", 0},
		{"CircuitPolicy/default/p/1", 2, "2", 0},
		{"CircuitPolicy/default/p/1", 3, "3", 0},
		{"CircuitPolicy/default/p/7", 1, "1", 1},
	}
	for _, run := range []string{"first", "second"} {
		t.Run(run, func(t *testing.T) {
			if diff := cmp.Diff(want, story(t)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecretsGetTheirValues(t *testing.T) {
	secret := func(data string) string { return secretHead + data + "\n" }
	route := aRoute("a", "m", "    credentials: {secretRef: {name: s, key: k}}\n")
	r := start(t, map[string]string{"a.yaml": route, "s.yaml": secret("stringData: {k: plain}")})
	for _, c := range []struct{ data, want string }{
		{"stringData: {k: plain}", "plain"},
		{"data: {k: Yj02NA==}", "b=64"},
		{"stringData: {k: \"Key ${KEY}$${\"}", "Key sk-1${"},
		{"stringData: {k: \"${NOPE:-other}\"}", "other"},
		{"data: {k: \"${NOPE:-Yj02NA==}\"}", "b=64"},
		{"data: {k: Yj02NA==}\nstringData: {k: wins}", "wins"},
	} {
		r.edit(map[string]string{"s.yaml": secret(c.data)})
		if got := r.gateway.route("a").Backends[0].Credential.Key; string(got) != c.want {
			t.Errorf("%s gives %q, want %q", c.data, string(got), c.want)
		}
	}
}

func TestDefaultsAreTheSchemas(t *testing.T) {
	r := start(t, map[string]string{"a.yaml": goodRoute, "p.yaml": policyHead + "p}\n"})
	route, policy := r.Current().Routes[0].Spec, r.Current().Policies[0].Spec
	if policy.Mode != v1alpha1.ModeEnforce || policy.Profile != v1alpha1.ProfileBalanced || len(policy.FailureStatusCodes) != 2 {
		t.Errorf("the policy is %+v", policy)
	}
	if route.Timeout == nil || *route.Timeout != "5m" || route.Backends[0].Weight == nil || *route.Backends[0].Weight != 100 {
		t.Errorf("the route is %+v", route)
	}
}

func TestResetByAnnotation(t *testing.T) {
	policy := func(value string) string {
		return policyHead + "p, annotations: {switchgear.dev/reset-requested-at: \"" + value + "\"}}\n"
	}
	r := start(t, map[string]string{"a.yaml": goodRoute, "p.yaml": policy("1")})
	for _, c := range []struct {
		text string
		want int
	}{
		{policy("1") + "spec: {window: 20s}\n", 0},
		{policy("2"), 1},
		{policy("2") + "spec: {window: 20s}\n", 1},
		{policyHead + "p}\n", 1},
		{policy("2"), 2},
	} {
		r.edit(map[string]string{"p.yaml": c.text})
		if got := len(r.gateway.resets); got != c.want {
			t.Errorf("after %q there were %d resets, want %d", c.text, got, c.want)
		}
	}
	if id := r.gateway.policyID("p"); len(r.gateway.resets) > 0 && r.gateway.resets[0] != id {
		t.Errorf("%q was reset, want %q", r.gateway.resets[0], id)
	}
}
