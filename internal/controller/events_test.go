package controller

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/status"
)

func TestEventTellsWhatHappenedAndWhatNow(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	at := op.open(p, "5 consecutive failures: 3 × HTTP 503, 2 × timeout")
	var e eventsv1.Event
	waitFor(t, "the event", func() error {
		list := op.events(t, "openai")
		if len(list) != 1 {
			return fmt.Errorf("%d events", len(list))
		}
		e = list[0]
		return nil
	})
	want := "Circuit api.example.com/m opened: 5 consecutive failures: 3 × HTTP 503, 2 × timeout; first probe at " +
		at.Add(30*time.Second).UTC().Format(time.RFC3339)
	if e.Note != want {
		t.Errorf("note is %q, want %q", e.Note, want)
	}
	if e.Type != corev1.EventTypeWarning || e.Reason != eventCircuitOpened || e.Regarding.Kind != policyKind || e.Regarding.UID != p.UID {
		t.Errorf("event is %+v", e)
	}
	op.relay.OnTransition(*op.gateway.ObservePolicy(string(p.UID))[0].Last) // told twice
	op.closed(p)
	waitFor(t, "the event of closing", func() error {
		if n := len(op.events(t, "openai")); n < 2 {
			return fmt.Errorf("%d events", n)
		}
		return nil
	})
	stays(t, tickPeriod, func() error {
		if n := len(op.events(t, "openai")); n != 2 {
			return fmt.Errorf("%d events, want 2", n)
		}
		return nil
	})
}

func TestStoryOfConditions(t *testing.T) {
	condition := func(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
	}
	well := condition(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted, "The policy is valid.")
	invalid := condition(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid, "spec.x: 3: want 1 or 2")
	warning := condition(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonTooManyCircuits, "too many")
	notReady := condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInvalid, "not ready")
	for name, c := range map[string]struct {
		before, now []metav1.Condition
		want        string // type and reason
	}{
		"new and well":              {nil, []metav1.Condition{well}, ""},
		"new and invalid":           {nil, []metav1.Condition{invalid}, "Warning Invalid"},
		"still invalid":             {[]metav1.Condition{invalid}, []metav1.Condition{invalid}, ""},
		"well again":                {[]metav1.Condition{invalid}, []metav1.Condition{well}, "Normal Accepted"},
		"accepted with a warning":   {[]metav1.Condition{well}, []metav1.Condition{warning}, "Warning TooManyCircuits"},
		"only acceptance is told":   {nil, []metav1.Condition{well, notReady}, ""},
		"invalid for a new reason":  {[]metav1.Condition{invalid}, []metav1.Condition{condition(v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonInvalid, "spec.y: 3")}, "Warning Invalid"},
		"an unresolved reference":   {nil, []metav1.Condition{condition(v1alpha1.ConditionResolvedRefs, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound, "no Secret")}, "Warning SecretNotFound"},
		"nothing at all is nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewEventWriter(nil, NewWriteBudget(), func() bool { return true })
			s := &Storyteller{Events: w}
			s.conditions(corev1.ObjectReference{Namespace: "ns", Name: "o", UID: "u"}, c.before, c.now)
			var got []string
			for e := w.next(); e != nil; e = w.next() {
				got = append(got, e.Type+" "+e.Reason)
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

func TestStoryOfATransition(t *testing.T) {
	gw := newFakeGateway()
	gw.setRoute("chat", gateway.RouteStatus{ActiveBackend: "azure"})
	gw.setRoute("batch", gateway.RouteStatus{})
	key := resting("id").Key
	about := corev1.ObjectReference{Namespace: "ns", Name: "p"}
	s := &Storyteller{Observer: status.ObserveLocal(gw)}
	for name, c := range map[string]struct {
		to     circuit.State
		routes []string
		typ    string
		want   string
	}{
		"opened, a fallback is left": {circuit.Open, []string{"chat"}, "Warning", "Circuit api.example.com/m opened: why; traffic of route chat goes on to azure"},
		"opened, nothing is left":    {circuit.Open, []string{"batch"}, "Warning", "Circuit api.example.com/m opened: why; no backend of route batch is left, its requests are refused"},
		"opened, many routes": {circuit.Open, []string{"chat", "chat", "chat", "chat", "chat"}, "Warning",
			"Circuit api.example.com/m opened: why" + strings.Repeat("; traffic of route chat goes on to azure", 3) + "; and 2 more routes use it"},
		"half-open": {circuit.HalfOpen, []string{"chat"}, "Normal", "Circuit api.example.com/m is half-open: why"},
		"closed":    {circuit.Closed, []string{"chat"}, "Normal", "Circuit api.example.com/m closed: why"},
	} {
		t.Run(name, func(t *testing.T) {
			n := s.note(about, gateway.Transition{Circuit: key, To: c.to, Message: "why"}, keys("ns", c.routes...))
			if n.Type != c.typ || n.Message != c.want {
				t.Errorf("told %s %q, want %s %q", n.Type, n.Message, c.typ, c.want)
			}
		})
	}
}

func TestEventFitsTheLimits(t *testing.T) {
	w := NewEventWriter(nil, NewWriteBudget(), nil)
	e := w.event(Note{
		Regarding: corev1.ObjectReference{Namespace: "ns", Name: strings.Repeat("a.", 126) + "b"},
		Message:   strings.Repeat("×", 1000),
	})
	if len(e.Note) > maxNote || !strings.HasSuffix(e.Note, "…") || strings.ContainsRune(e.Note, '�') {
		t.Errorf("the note has %d bytes and ends in %q", len(e.Note), e.Note[len(e.Note)-6:])
	}
	if len(e.Name) > 253 || strings.Contains(e.Name, "..") {
		t.Errorf("the name is %q", e.Name)
	}
}

func TestPendingEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewEventWriter(nil, NewWriteBudget(), nil)
		for i := range maxPendingEvents + 10 {
			w.Tell(Note{Message: fmt.Sprint(i)})
		}
		if first := w.next(); first.Note != "10" {
			t.Errorf("the first that waits is %q, want the oldest ten gone", first.Note)
		}
	})
}
