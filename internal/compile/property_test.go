package compile_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// lives runs a check, each time a new one, on many random clusters, after every
// few writes to each.
func lives(t *testing.T, seeds uint64, newCheck func() func(t *testing.T, r *random)) {
	for seed := range seeds {
		r, check := newRandom(t, seed), newCheck()
		for look := range 20 {
			for range 1 + r.IntN(4) {
				r.write()
			}
			check(t, r)
			if t.Failed() {
				t.Fatalf("with seed %d, at look %d", seed, look)
			}
		}
	}
}

// same compares two results in everything, LastGood included.
func same(t *testing.T, what string, want, got *compile.Result) {
	t.Helper()
	if reflect.DeepEqual(want, got) {
		return
	}
	diff := cmp.Diff(render(t, want), render(t, got))
	if diff == "" {
		diff = "in what is not rendered: the order within the result, credentials, version or LastGood"
	}
	t.Errorf("%s gives another result:\n%s", what, diff)
}

func TestOrderOfInputsMeansNothing(t *testing.T) {
	lives(t, 100, func() func(*testing.T, *random) {
		return func(t *testing.T, r *random) {
			want := compile.Compile(r.in, r.last, r.options)
			for range 3 {
				same(t, "another order", want, compile.Compile(r.shuffled(), r.last, r.options))
			}
			r.last = want.LastGood
		}
	})
}

// TestCompileMutatesNothing looks at the input after it was compiled, and at the
// last result after parts of it were used for the next.
func TestCompileMutatesNothing(t *testing.T) {
	lives(t, 20, func() func(*testing.T, *random) {
		var last *compile.Result
		var lastText string
		return func(t *testing.T, r *random) {
			before := deepCopy(r.in)
			now := r.compile()
			if !reflect.DeepEqual(before, r.in) {
				t.Errorf("the input was changed (-before +after):\n%s", cmp.Diff(before, r.in))
			}
			if last != nil && lastText != dump(t, last) {
				t.Errorf("the last result was changed (-before +after):\n%s", cmp.Diff(lastText, dump(t, last)))
			}
			last, lastText = now, dump(t, now)
		}
	})
}

// dump writes a result faster than render, for programs to compare.
func dump(t *testing.T, r *compile.Result) string {
	t.Helper()
	policies, routes := map[string]any{}, map[string]any{}
	for k, p := range r.Policies {
		policies[k.String()] = p
	}
	for k, p := range r.Routes {
		routes[k.String()] = p
	}
	text, err := json.MarshalIndent([]any{policies, routes, r.Snapshot}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func deepCopy(in compile.Input) compile.Input {
	out := compile.Input{Policies: slices.Clone(in.Policies), Routes: slices.Clone(in.Routes), Secrets: slices.Clone(in.Secrets)}
	for i, p := range in.Policies {
		out.Policies[i] = p.DeepCopy()
	}
	for i, r := range in.Routes {
		out.Routes[i] = r.DeepCopy()
	}
	for i, s := range in.Secrets {
		out.Secrets[i] = s.DeepCopy()
	}
	return out
}

// TestCompilingAgainIsAFixedPoint compiles the same input with its own LastGood.
// And of all configurations of one process, equal versions mean equal snapshots.
func TestCompilingAgainIsAFixedPoint(t *testing.T) {
	lives(t, 100, func() func(*testing.T, *random) {
		versions := map[string]*compile.Result{}
		return func(t *testing.T, r *random) {
			first := r.compile()
			same(t, "compiling again", first, r.compile())
			v := first.Snapshot.Version
			if known := versions[v]; known != nil && !reflect.DeepEqual(known.Snapshot, first.Snapshot) {
				t.Errorf("two snapshots have the version %s:\n%s", v, cmp.Diff(render(t, known), render(t, first)))
			}
			versions[v] = first
		}
	})
}

// TestInvalidObjectHurtsNoOther adds objects that are invalid, older than all
// others and after the same matches.
func TestInvalidObjectHurtsNoOther(t *testing.T) {
	lives(t, 100, func() func(*testing.T, *random) {
		return func(t *testing.T, r *random) {
			want := compile.Compile(r.in, r.last, r.options)
			meta := metav1.ObjectMeta{Namespace: defaultNamespace, Name: "invalid", UID: "invalid", Generation: 1,
				CreationTimestamp: metav1.NewTime(start.Add(-time.Hour))}
			policy := &v1alpha1.CircuitPolicy{ObjectMeta: meta}
			policy.Spec.Mode = "Sometimes"
			if want.Policies[key("default")] == nil {
				policy.Name = "default"
			}
			route := &v1alpha1.ProviderRoute{ObjectMeta: meta}
			route.Spec.Models = []string{"m", "n", "m-*", "*", "not a model"}
			route.Spec.Backends = []v1alpha1.Backend{{Name: "b", Type: v1alpha1.BackendOpenAI, URL: "https://a.example.com"}}
			in := r.shuffled()
			in.Policies = append(in.Policies, policy)
			in.Routes = append(in.Routes, route)
			got := compile.Compile(in, r.last, r.options)
			if p := got.Policies[keyOf(policy)]; p.Accepted || p.LiveGeneration != 0 {
				t.Errorf("the invalid policy is accepted %t, live generation %d", p.Accepted, p.LiveGeneration)
			}
			if p := got.Routes[keyOf(route)]; p.Accepted || p.LiveGeneration != 0 {
				t.Errorf("the invalid route is accepted %t, live generation %d", p.Accepted, p.LiveGeneration)
			}
			delete(got.Policies, keyOf(policy))
			delete(got.Routes, keyOf(route))
			got.Snapshot.Version, got.LastGood = want.Snapshot.Version, want.LastGood // these know of it
			same(t, "an invalid object", want, got)
			r.last = want.LastGood
		}
	})
}

// TestServingIsTheLastValidSpecs compares what a process serves that has seen
// every edit with what a new one would serve that is given, in place of each
// invalid object, its last valid version. So LastGood keeps specs and nothing
// else, and that parts of the last result are used again never shows.
func TestServingIsTheLastValidSpecs(t *testing.T) {
	lives(t, 100, func() func(*testing.T, *random) {
		policies, routes := map[types.UID]*v1alpha1.CircuitPolicy{}, map[types.UID]*v1alpha1.ProviderRoute{}
		return func(t *testing.T, r *random) {
			// What each object is by itself, to a process that has just begun.
			alone := newResult()
			for _, p := range r.in.Policies {
				maps.Copy(alone.Policies, compile.Compile(compile.Input{Policies: []*v1alpha1.CircuitPolicy{p}}, nil, r.options).Policies)
			}
			for _, p := range r.in.Routes {
				maps.Copy(alone.Routes, compile.Compile(compile.Input{Routes: []*v1alpha1.ProviderRoute{p}}, nil, r.options).Routes)
			}
			in := compile.Input{Secrets: r.in.Secrets}
			in.Policies, policies = lastValid(r.in.Policies, policies, func(k types.NamespacedName) bool { return alone.Policies[k].LiveGeneration != 0 })
			in.Routes, routes = lastValid(r.in.Routes, routes, func(k types.NamespacedName) bool { return alone.Routes[k].LiveGeneration != 0 })

			want := compile.Compile(in, nil, r.options)
			got := withoutEdits(r.compile(), alone)
			got.LastGood = want.LastGood // of other objects
			same(t, "having seen every edit", want, got)
		}
	})
}

func newResult() *compile.Result {
	return &compile.Result{Policies: map[types.NamespacedName]*compile.PolicyResult{}, Routes: map[types.NamespacedName]*compile.RouteResult{}}
}

// lastValid replaces invalid objects by their last valid version, if there was
// one. It returns those versions, of the objects that are still there.
func lastValid[T metav1.Object](all []T, known map[types.UID]T, valid func(types.NamespacedName) bool) ([]T, map[types.UID]T) {
	out, next := slices.Clone(all), map[types.UID]T{}
	for i, o := range all {
		last, ok := known[o.GetUID()]
		if valid(keyOf(o)) {
			last, ok = o, true
		}
		if ok {
			out[i], next[o.GetUID()] = last, last
		}
	}
	return out, next
}

// withoutEdits is a result without what it says of edits that are invalid, having
// seen that it says so first.
func withoutEdits(r, alone *compile.Result) *compile.Result {
	out := newResult()
	out.Snapshot = r.Snapshot
	for k, p := range r.Policies {
		without := *p
		without.ObjectResult = withoutEdit(p.ObjectResult, alone.Policies[k].ObjectResult)
		out.Policies[k] = &without
	}
	for k, p := range r.Routes {
		without := *p
		without.ObjectResult = withoutEdit(p.ObjectResult, alone.Routes[k].ObjectResult)
		out.Routes[k] = &without
	}
	return out
}

func withoutEdit(r, alone compile.ObjectResult) compile.ObjectResult {
	if alone.LiveGeneration != 0 || r.LiveGeneration == 0 && len(r.Problems) == len(alone.Problems) {
		return r // the edit is valid, or there is no older version
	}
	n := len(alone.Problems)
	if r.Accepted || len(r.Problems) < n || !slices.Equal(r.Problems[:n], alone.Problems) {
		r.Problems = append(slices.Clone(r.Problems), compile.Problem{Message: "the invalid edit is not told"})
		return r
	}
	r.Problems = r.Problems[n:]
	if len(r.Problems) == 0 {
		r.Problems = nil
	}
	r.Accepted = !slices.ContainsFunc(r.Problems, func(p compile.Problem) bool {
		return p.Condition == v1alpha1.ConditionAccepted && !p.Warning
	})
	return r
}
