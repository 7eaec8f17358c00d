package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/status"
)

// The reasons of the Events about a circuit.
const (
	eventCircuitOpened   = "CircuitOpened"
	eventCircuitHalfOpen = "CircuitHalfOpen"
	eventCircuitClosed   = "CircuitClosed"
)

// maxRoutesTold is how many routes an Event names.
const maxRoutesTold = 3

// Storyteller says in Events what has happened, in words that a person can act
// on.
type Storyteller struct {
	Client   client.Reader // the cache
	Store    *Store
	Observer status.Observer
	Events   *EventWriter
}

// Transition tells of a circuit: on its policy, or, where the built-in policy
// applies, on the routes that use it.
func (s *Storyteller) Transition(ctx context.Context, t gateway.Transition) {
	compiled := s.Store.Load()
	if compiled == nil {
		return
	}
	routes := compiled.usersOf(t.Namespace, t.Circuit)
	if t.Name == "" {
		for _, key := range routes {
			route := &v1alpha1.ProviderRoute{}
			if s.get(ctx, key, route) {
				s.Events.Tell(s.note(reference(routeKind, route), t, []types.NamespacedName{key}))
			}
		}
		return
	}
	policy := &v1alpha1.CircuitPolicy{}
	if s.get(ctx, types.NamespacedName{Namespace: t.Namespace, Name: t.Name}, policy) {
		s.Events.Tell(s.note(reference(policyKind, policy), t, routes))
	}
}

// get reads from the cache; what is not there any more is not told of.
func (s *Storyteller) get(ctx context.Context, key types.NamespacedName, o client.Object) bool {
	err := s.Client.Get(ctx, key, o)
	if client.IgnoreNotFound(err) != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Reading an object to tell of", "object", key)
	}
	return err == nil
}

func (s *Storyteller) note(about corev1.ObjectReference, t gateway.Transition, routes []types.NamespacedName) Note {
	n := Note{
		Regarding: about,
		Type:      corev1.EventTypeNormal,
		Time:      t.Time,
		// In seconds, as other replicas report it: the next leader tells it under the
		// same name.
		Identity: fmt.Sprintf("%s/%s/%s/%d", t.Circuit, t.From, t.To, t.Time.Unix()),
	}
	parts := []string{t.Message}
	switch t.To {
	case circuit.Open:
		n.Type, n.Reason, n.Action = corev1.EventTypeWarning, eventCircuitOpened, "RefuseCalls"
		parts[0] = fmt.Sprintf("Circuit %s opened: %s", t.Circuit, t.Message)
		if probe := s.nextProbe(t.Circuit); !probe.IsZero() {
			parts = append(parts, "first probe at "+probe.UTC().Format(time.RFC3339))
		}
		parts = append(parts, s.whereTo(routes)...)
	case circuit.HalfOpen:
		n.Reason, n.Action = eventCircuitHalfOpen, "ProbeBackend"
		parts[0] = fmt.Sprintf("Circuit %s is half-open: %s", t.Circuit, t.Message)
	default:
		n.Reason, n.Action = eventCircuitClosed, "AdmitCalls"
		parts[0] = fmt.Sprintf("Circuit %s closed: %s", t.Circuit, t.Message)
	}
	n.Message = strings.Join(parts, "; ")
	return n
}

func (s *Storyteller) nextProbe(key gateway.CircuitKey) time.Time {
	for _, c := range s.Observer.ObservePolicy(key.Policy).Circuits {
		if c.Key == key {
			return c.NextProbe
		}
	}
	return time.Time{}
}

// whereTo says where the traffic of the routes goes now.
func (s *Storyteller) whereTo(routes []types.NamespacedName) []string {
	var out []string
	for i, key := range routes {
		if i == maxRoutesTold {
			out = append(out, fmt.Sprintf("and %d more routes use it", len(routes)-i))
			break
		}
		observed, ok := s.Observer.ObserveRoute(key.Namespace, key.Name)
		switch {
		case !ok:
		case observed.ActiveBackend == "":
			out = append(out, fmt.Sprintf("no backend of route %s is left, its requests are refused", key.Name))
		default:
			out = append(out, fmt.Sprintf("traffic of route %s goes on to %s", key.Name, observed.ActiveBackend))
		}
	}
	return out
}

// policyWritten tells what is new in a status that has just been written.
func (s *Storyteller) policyWritten(ctx context.Context, p *v1alpha1.CircuitPolicy, now v1alpha1.CircuitPolicyStatus, last *gateway.Transition) {
	s.conditions(reference(policyKind, p), p.Status.Conditions, now.Conditions)
	// A transition while nobody led has been told by nobody, and one that was no
	// news is some when the replica that stood in its way has left.
	isNew := p.Status.State != now.State || !equality.Semantic.DeepEqual(p.Status.LastTransition, now.LastTransition)
	if last != nil && isNew {
		t := *last
		t.Namespace, t.Name = p.Namespace, p.Name
		s.Transition(ctx, t)
	}
}

func (s *Storyteller) routeWritten(r *v1alpha1.ProviderRoute, now v1alpha1.ProviderRouteStatus) {
	s.conditions(reference(routeKind, r), r.Status.Conditions, now.Conditions)
}

// conditions tells of acceptance problems that are new, and of their end. What
// status said already has been told.
func (s *Storyteller) conditions(about corev1.ObjectReference, before, now []metav1.Condition) {
	for _, c := range now {
		if c.Type != v1alpha1.ConditionAccepted && c.Type != v1alpha1.ConditionResolvedRefs {
			continue
		}
		old := meta.FindStatusCondition(before, c.Type)
		trouble := c.Status != metav1.ConditionTrue || c.Reason != c.Type
		switch {
		case old == nil && !trouble:
			continue // well from the start
		case old != nil && old.Status == c.Status && old.Reason == c.Reason && old.Message == c.Message:
			continue
		}
		n := Note{Regarding: about, Type: corev1.EventTypeNormal, Reason: c.Reason, Action: "CheckSpec", Message: c.Message}
		if trouble {
			n.Type = corev1.EventTypeWarning
		}
		s.Events.Tell(n)
	}
}
