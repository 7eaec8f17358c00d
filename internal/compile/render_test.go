package compile_test

import (
	"fmt"
	"net/url"
	"reflect"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// render writes a result as YAML for people to read and judge. It walks the
// values as they are, so that a new field shows without a change here. What is
// zero is left out and, of policies, what is as the built-in one has it.
func render(t *testing.T, r *compile.Result) string {
	t.Helper()
	policies, routes := map[string]any{}, map[string]any{}
	for key, p := range r.Policies {
		out := renderObject(&p.ObjectResult)
		if p.Effective != nil {
			out["effective"] = differing(renderEffective(t, p.Effective), renderEffective(t, builtIn().effective))
		}
		policies[key.String()] = out
	}
	for key, route := range r.Routes {
		out := renderObject(&route.ObjectResult)
		out["resolvedRefs"] = route.ResolvedRefs
		if len(route.Secrets) > 0 {
			out["secrets"] = route.Secrets
		}
		var names []string
		for _, p := range route.Policies {
			names = append(names, p.String())
		}
		if names != nil {
			out["policies"] = names
		}
		routes[key.String()] = out
	}
	snapshotPolicies := []any{}
	for _, p := range r.Snapshot.Policies {
		snapshotPolicies = append(snapshotPolicies, differing(tree(reflect.ValueOf(*p)), tree(reflect.ValueOf(*builtIn().policy))))
	}
	text, err := yaml.Marshal(map[string]any{
		"policies": policies,
		"routes":   routes,
		"snapshot": map[string]any{"policies": snapshotPolicies, "routes": tree(reflect.ValueOf(r.Snapshot.Routes))},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func renderObject(r *compile.ObjectResult) map[string]any {
	out := map[string]any{"accepted": r.Accepted, "liveGeneration": r.LiveGeneration}
	if lines := problemLines(r.Problems); lines != nil {
		out["problems"] = lines
	}
	return out
}

// problemLines writes a problem as "Condition/Reason: message".
func problemLines(problems []compile.Problem) []string {
	var out []string
	for _, p := range problems {
		warning := ""
		if p.Warning {
			warning = " (warning)"
		}
		out = append(out, fmt.Sprintf("%s/%s%s: %s", p.Condition, p.Reason, warning, p.Message))
	}
	return out
}

func renderEffective(t *testing.T, e *v1alpha1.EffectivePolicy) any {
	t.Helper()
	text, err := yaml.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := yaml.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// tree makes maps and lists of a value of the snapshot.
func tree(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case gateway.Secret:
		if x == "" {
			return "" // whether there is one may be seen
		}
		return x.String()
	case *gateway.Policy:
		return x.ID
	case gateway.CircuitKey:
		return x.Policy + " " + x.String()
	case gateway.CredentialKind:
		return [...]string{"None", "Secret", "Passthrough"}[x]
	case gateway.RateLimitAction:
		return [...]string{"Failure", "Cooldown", "Ignore"}[x]
	case circuit.OverrideKind:
		return [...]string{"None", "Open", "Closed"}[x]
	case gateway.StatusSet:
		return statusRanges(&x)
	case *url.URL:
		return x.String()
	case time.Time:
		if x.IsZero() {
			return ""
		}
		return x.UTC().Format(time.RFC3339)
	case fmt.Stringer: // time.Duration too
		return x.String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		return tree(v.Elem())
	case reflect.Struct:
		out := map[string]any{}
		for _, f := range reflect.VisibleFields(v.Type()) {
			out[f.Name] = tree(v.FieldByIndex(f.Index))
		}
		return out
	case reflect.Slice:
		var out []any
		for i := range v.Len() {
			out = append(out, differing(tree(v.Index(i)), zeroTree(v.Index(i))))
		}
		return out
	}
	return v.Interface()
}

// zeroTree is the tree of the zero value of a struct, or of what points to one.
func zeroTree(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	out := map[string]any{}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.Type.Kind() != reflect.Pointer {
			out[f.Name] = tree(reflect.Zero(f.Type))
		}
	}
	return out
}

// differing leaves out of a tree what is the same in another.
func differing(v, base any) any {
	values, ok := v.(map[string]any)
	bases, same := base.(map[string]any)
	if !ok || !same {
		return v
	}
	out := map[string]any{}
	for name, value := range values {
		was, known := bases[name]
		if !known || !reflect.DeepEqual(value, was) {
			out[name] = differing(value, was)
		}
	}
	for name := range bases {
		if _, still := values[name]; !still {
			out[name] = nil
		}
	}
	return out
}

// statusRanges writes a set of statuses as ranges such as "500-599".
func statusRanges(s *gateway.StatusSet) []any {
	var out []any
	for code := 100; code < 600; code++ {
		if !s.Contains(code) {
			continue
		}
		first := code
		for s.Contains(code + 1) {
			code++
		}
		if first == code {
			out = append(out, first)
			continue
		}
		out = append(out, fmt.Sprintf("%d-%d", first, code))
	}
	return out
}

// builtInPolicy is what a backend without a policy has in an empty namespace,
// and the effective values of a policy that says nothing: the same.
type builtInPolicy struct {
	policy    *gateway.Policy
	effective *v1alpha1.EffectivePolicy
}

var builtIn = sync.OnceValue(func() builtInPolicy {
	silent := &v1alpha1.CircuitPolicy{}
	silent.Name = "silent"
	route := &v1alpha1.ProviderRoute{}
	route.Name = "route"
	route.Spec.Models = []string{"m"}
	route.Spec.Backends = []v1alpha1.Backend{{Name: "b", Type: v1alpha1.BackendOpenAI, URL: "https://example.com"}}
	r := compile.Compile(compile.Input{
		Policies: []*v1alpha1.CircuitPolicy{silent},
		Routes:   []*v1alpha1.ProviderRoute{route},
	}, nil, compile.Options{})
	return builtInPolicy{r.Snapshot.Routes[0].Backends[0].Policy, r.Policies[types.NamespacedName{Name: "silent"}].Effective}
})
