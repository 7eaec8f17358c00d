package compile_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// many is a cluster of so many policies, each with a route that uses it.
func many(n int) compile.Input {
	var in compile.Input
	for i := range n {
		meta := func(kind string) metav1.ObjectMeta {
			return metav1.ObjectMeta{
				Namespace: defaultNamespace, Name: fmt.Sprintf("o-%d", i), UID: types.UID(fmt.Sprintf("%s-%d", kind, i)), Generation: 1,
				CreationTimestamp: metav1.NewTime(start.Add(time.Duration(i) * time.Second)),
			}
		}
		in.Policies = append(in.Policies, &v1alpha1.CircuitPolicy{ObjectMeta: meta("policy")})
		in.Routes = append(in.Routes, &v1alpha1.ProviderRoute{ObjectMeta: meta("route"), Spec: v1alpha1.ProviderRouteSpec{
			Models: []string{fmt.Sprintf("model-%d", i)},
			Backends: []v1alpha1.Backend{{
				Name: "b", Type: v1alpha1.BackendOpenAI, URL: "https://api.example.com/v1",
				CircuitPolicyRef: &v1alpha1.CircuitPolicyReference{Name: fmt.Sprintf("o-%d", i)},
			}},
		}})
	}
	return in
}

// TestAnEditLeavesTheOthersAlone: what has not changed, nor anything that it refers
// to, is the very same in the next snapshot. By that the gateway knows it again.
func TestAnEditLeavesTheOthersAlone(t *testing.T) {
	const n, edited = 50, 20
	for name, edit := range map[string]func(in *compile.Input){
		"of a route": func(in *compile.Input) {
			r := in.Routes[edited].DeepCopy()
			r.Generation, r.Spec.Timeout = 2, new(v1alpha1.Duration("1m"))
			in.Routes[edited] = r
		},
		"of a policy": func(in *compile.Input) {
			p := in.Policies[edited].DeepCopy()
			p.Generation, p.Spec.FailureThreshold = 2, new(int32(7))
			in.Policies[edited] = p
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := many(n)
			before := compile.Compile(in, nil, compile.Options{})
			edit(&in)
			after := compile.Compile(in, before.LastGood, compile.Options{})
			for i := range n {
				same := before.Snapshot.Routes[i] == after.Snapshot.Routes[i]
				if want := i != edited; same != want {
					t.Errorf("route %d is the very same: %t, want %t", i, same, want)
				}
			}
		})
	}
}

// TestAnEditMakesLittleGarbage: compiling again after one edit takes a fraction of
// what it took to compile all, in bytes and in allocations.
func TestAnEditMakesLittleGarbage(t *testing.T) {
	const n = 1000
	in := many(n)
	var last *compile.LastGood
	bytes, allocations := spent(func() { last = compile.Compile(in, nil, compile.Options{}).LastGood })
	in.Routes[n/2] = in.Routes[n/2].DeepCopy()
	in.Routes[n/2].Generation++
	bytesAgain, allocationsAgain := spent(func() { compile.Compile(in, last, compile.Options{}) })
	if bytesAgain > bytes/2 {
		t.Errorf("compiling again took %d bytes, compiling all %d", bytesAgain, bytes)
	}
	if allocationsAgain > allocations/10 {
		t.Errorf("compiling again took %d allocations, compiling all %d", allocationsAgain, allocations)
	}
	t.Logf("all: %d bytes, %d allocations; again: %d bytes, %d allocations", bytes, allocations, bytesAgain, allocationsAgain)
}

// spent is what a function allocates.
func spent(f func()) (bytes, allocations uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs
}
