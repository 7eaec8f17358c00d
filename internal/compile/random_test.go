package compile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/compile"
)

// random writes objects by chance into a cluster, out of so few names, models and
// hosts that they meet: in conflicts, shared circuits, references that lead
// nowhere. Some are invalid, some are of the same age.
type random struct {
	*cluster
	*rand.Rand
}

func newRandom(t *testing.T, seed uint64) *random {
	r := &random{newCluster(t, compile.Options{}), rand.New(rand.NewPCG(seed, 1))}
	r.options.AllowPlaintextCredentials = r.chance(2)
	return r
}

// chance is true once in n times.
func (r *random) chance(n int) bool { return r.IntN(n) == 0 }

func (r *random) meta(names ...string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: oneOf(r, "team-a", "team-b"),
		Name:      oneOf(r, names...),
		// Where it is new; ages are few, so that many are the same.
		CreationTimestamp: metav1.NewTime(start.Add(time.Duration(r.IntN(4)) * time.Hour)),
	}
}

// write makes, changes or deletes one object.
func (r *random) write() {
	switch r.IntN(10) {
	case 0:
		r.in.Policies = dropOne(r, r.in.Policies)
	case 1:
		r.in.Routes = dropOne(r, r.in.Routes)
	case 2:
		r.in.Secrets = dropOne(r, r.in.Secrets)
	case 3, 4:
		r.in.Policies = put(r.cluster, "CircuitPolicy", r.in.Policies, r.policy())
	case 5, 6:
		r.in.Secrets = put(r.cluster, "Secret", r.in.Secrets, r.secret())
	default:
		r.in.Routes = put(r.cluster, "ProviderRoute", r.in.Routes, r.route())
	}
}

func (r *random) policy() *v1alpha1.CircuitPolicy {
	p := &v1alpha1.CircuitPolicy{ObjectMeta: r.meta("default", "p", "q")}
	p.Spec.Scope = oneOf(r, "", v1alpha1.ScopeModel, v1alpha1.ScopeProvider, v1alpha1.ScopePolicy)
	p.Spec.Profile = oneOf(r, "", v1alpha1.ProfileBalanced, v1alpha1.ProfileAggressive)
	p.Spec.FailureThreshold = new(r.Int32N(10))
	if r.chance(2) {
		p.Spec.Bulkhead = &v1alpha1.Bulkhead{}
	}
	if r.chance(4) {
		p.Spec.FailureThreshold = new(int32(-1))
	}
	return p
}

func (r *random) secret() *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: r.meta("s", "t"), Data: map[string][]byte{}}
	if !r.chance(5) {
		s.Labels = map[string]string{v1alpha1.CredentialsLabel: v1alpha1.CredentialsLabelValue}
	}
	for _, key := range []string{"k", "l"} {
		if !r.chance(4) {
			s.Data[key] = fmt.Appendf(nil, oneOf(r, "sk-%d\n", "sk-%d", "two\nlines%d"), r.IntN(5))
		}
	}
	return s
}

func (r *random) route() *v1alpha1.ProviderRoute {
	route := &v1alpha1.ProviderRoute{ObjectMeta: r.meta("a", "b", "c", "d")}
	s := &route.Spec
	kind := v1alpha1.BackendOpenAI
	if r.chance(5) {
		s.PathPrefix, kind = oneOf(r, "/x", "/x/y"), v1alpha1.BackendHTTP
	} else {
		models := []string{"m", "n", "m-*", "*", "not a model"}
		r.Shuffle(4, func(i, j int) { models[i], models[j] = models[j], models[i] })
		s.Models = models[:1+r.IntN(3)]
		if r.chance(6) {
			s.Models = models[3:]
		}
	}
	if r.chance(3) {
		s.Headers = []v1alpha1.HeaderMatch{{Name: oneOf(r, "x-h", "X-H"), Value: "1"}, {Name: "x-i", Value: oneOf(r, "1", "2")}}
		r.Shuffle(2, func(i, j int) { s.Headers[i], s.Headers[j] = s.Headers[j], s.Headers[i] })
	}
	for i := range 1 + r.IntN(3) {
		s.Backends = append(s.Backends, r.backend(fmt.Sprintf("b%d", i), kind))
	}
	return route
}

func (r *random) backend(name string, kind v1alpha1.BackendType) v1alpha1.Backend {
	b := v1alpha1.Backend{Name: name, Type: kind, Priority: r.Int32N(2)}
	b.URL = oneOf(r, "https://a.example.com", "https://A.example.com:443/v1", "https://b.example.com", "http://c.example.com", "http://127.0.0.1", "https://user@a.example.com")
	if kind != v1alpha1.BackendHTTP && r.chance(3) {
		b.Model = "m"
	}
	switch r.IntN(4) {
	case 0:
		b.Credentials = &v1alpha1.Credentials{Passthrough: &v1alpha1.PassthroughCredentials{}}
	case 1, 2:
		b.Credentials = &v1alpha1.Credentials{SecretRef: &v1alpha1.SecretKeyReference{Name: oneOf(r, "s", "t", "u"), Key: oneOf(r, "k", "l")}}
	}
	if r.chance(2) {
		b.CircuitPolicyRef = &v1alpha1.CircuitPolicyReference{Name: oneOf(r, "p", "q", "r")}
	}
	return b
}

func oneOf[T any](r *random, values ...T) T { return values[r.IntN(len(values))] }

func dropOne[T any](r *random, all []T) []T {
	if len(all) == 0 {
		return all
	}
	i := r.IntN(len(all))
	out := make([]T, 0, len(all))
	return append(append(out, all[:i]...), all[i+1:]...)
}

// shuffled is the same input in another order.
func (r *random) shuffled() compile.Input {
	return compile.Input{Policies: shuffle(r, r.in.Policies), Routes: shuffle(r, r.in.Routes), Secrets: shuffle(r, r.in.Secrets)}
}

func shuffle[T any](r *random, all []T) []T {
	out := make([]T, len(all))
	for i, j := range r.Perm(len(all)) {
		out[i] = all[j]
	}
	return out
}
