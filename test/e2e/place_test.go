package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
)

// patience is how long anything may take to be seen on a busy machine.
const patience = 30 * time.Second

// place is a namespace, in which a test does what a user would.
type place struct {
	t  *testing.T
	ns string
	op *operator
}

// newPlace makes a namespace whose policies and routes are gone at the test's
// end.
func newPlace(t *testing.T, op *operator) *place {
	t.Helper()
	ns := makeNamespace(t, metav1.ObjectMeta{GenerateName: "team-"})
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, o := range []client.Object{&v1alpha1.ProviderRoute{}, &v1alpha1.CircuitPolicy{}} {
			if err := admin.DeleteAllOf(ctx, o, client.InNamespace(ns)); err != nil {
				t.Error(err)
			}
		}
	})
	return &place{t: t, ns: ns, op: op}
}

func makeNamespace(t *testing.T, meta metav1.ObjectMeta) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: meta}
	if err := admin.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

func (p *place) kubectl(args ...string) string {
	p.t.Helper()
	out, err := cluster.Kubectl(p.t.Context(), append([]string{"-n", p.ns}, args...)...)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// apply is `kubectl apply -f -`.
func (p *place) apply(manifests ...string) {
	p.t.Helper()
	_, err := cluster.KubectlInput(p.t.Context(), []byte(strings.Join(manifests, "\n---\n")),
		"-n", p.ns, "apply", "--server-side", "--force-conflicts", "-f", "-")
	if err != nil {
		p.t.Fatal(err)
	}
}

// policy is a CircuitPolicy with that spec, in YAML's flow style.
func policy(name, spec string) string {
	return fmt.Sprintf("apiVersion: switchgear.dev/v1alpha1\nkind: CircuitPolicy\nmetadata: {name: %s}\nspec: {%s}\n", name, spec)
}

// stuck is a spec by which a circuit opens at the first failure and stays open.
const stuck = `failureThreshold: 1, resetTimeout: 1h, resetBackoff: {max: 1h}`

// route is a ProviderRoute for one model to OpenAI-style backends, each the
// fallback of the one before.
func route(name, model string, backends ...string) string {
	out := fmt.Sprintf("apiVersion: switchgear.dev/v1alpha1\nkind: ProviderRoute\nmetadata: {name: %s}\nspec:\n  models: [%s]\n  backends:\n", name, model)
	for i, b := range backends {
		out += fmt.Sprintf("  - {type: OpenAI, priority: %d, %s}\n", i, b)
	}
	return out
}

// backend is one for route; more are further fields.
func backend(name string, s *providersim.Server, more ...string) string {
	return strings.Join(append([]string{"name: " + name, "url: " + s.URL + "/v1"}, more...), ", ")
}

// withPolicy is a field of a backend.
func withPolicy(name string) string { return "circuitPolicyRef: {name: " + name + "}" }

// get reads a policy or a route.
func get[T any, P interface {
	*T
	client.Object
}](p *place, name string) P {
	p.t.Helper()
	o := P(new(T))
	if err := admin.Get(p.t.Context(), client.ObjectKey{Namespace: p.ns, Name: name}, o); err != nil {
		p.t.Fatal(err)
	}
	return o
}

func (p *place) policy(name string) *v1alpha1.CircuitPolicy {
	return get[v1alpha1.CircuitPolicy](p, name)
}
func (p *place) route(name string) *v1alpha1.ProviderRoute {
	return get[v1alpha1.ProviderRoute](p, name)
}

// waitReady waits until these policies and routes are Ready at their present
// generation.
func (p *place) waitReady(names ...string) {
	p.t.Helper()
	for _, name := range names {
		kind, name, _ := strings.Cut(name, "/")
		p.eventually(kind+" "+name+" is Ready", func() error {
			if kind == "policy" {
				o := p.policy(name)
				return condition(o.Generation, o.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
			}
			o := p.route(name)
			return condition(o.Generation, o.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
		})
	}
}

func (p *place) waitState(name string, want v1alpha1.CircuitState) *v1alpha1.CircuitPolicy {
	p.t.Helper()
	var o *v1alpha1.CircuitPolicy
	p.eventually(fmt.Sprintf("policy %s is %s", name, want), func() error {
		if o = p.policy(name); o.Status.State != want {
			return fmt.Errorf("it is %q", o.Status.State)
		}
		return nil
	})
	return o
}

// waitCondition waits for a condition of a route at its present generation, and
// returns its message.
func (p *place) waitCondition(name, kind string, status metav1.ConditionStatus, reason string) string {
	p.t.Helper()
	var o *v1alpha1.ProviderRoute
	p.eventually("route "+name+" says "+reason, func() error {
		o = p.route(name)
		return condition(o.Generation, o.Status.Conditions, kind, status, reason)
	})
	return meta.FindStatusCondition(o.Status.Conditions, kind).Message
}

// event waits for the Event about an object with that reason.
func (p *place) event(object, reason string) *eventsv1.Event {
	p.t.Helper()
	var found *eventsv1.Event
	p.eventually("the Event "+reason, func() error {
		var list eventsv1.EventList
		if err := admin.List(p.t.Context(), &list, client.InNamespace(p.ns)); err != nil {
			return err
		}
		for i, e := range list.Items {
			if e.Regarding.Name == object && e.Reason == reason {
				found = &list.Items[i]
				return nil
			}
		}
		return fmt.Errorf("there are %d others", len(list.Items))
	})
	return found
}

// condition says what is wrong with a condition; nil if it is as wanted.
func condition(generation int64, list []metav1.Condition, kind string, status metav1.ConditionStatus, reason string) error {
	c := meta.FindStatusCondition(list, kind)
	if c == nil {
		return fmt.Errorf("there is no condition %s", kind)
	}
	if c.Status != status || c.Reason != reason || c.ObservedGeneration != generation {
		return fmt.Errorf("%s is %s (%s) at generation %d: %s; want %s (%s) at %d",
			kind, c.Status, c.Reason, c.ObservedGeneration, c.Message, status, reason, generation)
	}
	return nil
}

// eventually polls until check is content.
func (p *place) eventually(what string, check func() error) {
	p.t.Helper()
	eventually(p.t, what, check)
}

// eventuallyWithin is eventually for what takes long by design.
func (p *place) eventuallyWithin(limit time.Duration, what string, check func() error) {
	p.t.Helper()
	eventuallyWithin(p.t, limit, what, check)
}

func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	eventuallyWithin(t, patience, what, check)
}

func eventuallyWithin(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waited too long until %s: %v", what, err)
		case <-tick.C:
		}
	}
}

var errNotYet = errors.New("not yet")

// equal says what is wrong with a value.
func equal[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("it is %v, want %v", got, want)
	}
	return nil
}
