package controller

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/status"
)

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create

const (
	eventKind       = "Event"
	eventController = "switchgear.dev/operator"
	// maxNote is the API server's limit, in bytes.
	maxNote = 1024
	// maxNamePart leaves room for the hash in an Event's name, in bytes.
	maxNamePart = 230
	// maxPendingEvents bounds what waits for the budget; beyond it the oldest go.
	maxPendingEvents = 2000
	// eventTries is how often an Event is tried while the API server fails.
	eventTries = 3
	eventRetry = 2 * time.Second
)

// Note is an Event to be.
type Note struct {
	Regarding corev1.ObjectReference
	Type      string // corev1.EventTypeNormal or corev1.EventTypeWarning
	Reason    string // what happened, in CamelCase
	Action    string // what the operator did about it, in CamelCase
	Message   string
	Time      time.Time // zero: now
	// Identity makes two notes one: of equal identities about one object only
	// the first becomes an Event. Empty: never.
	Identity string
}

// EventWriter writes Events within the write budget, in order. It does so
// itself, and not through the manager's recorder, because that one writes when
// it likes, folds what happens to one object in quick succession into one Event
// with the first one's text, and tells nobody whether it was written.
type EventWriter struct {
	client   client.Writer
	budget   *WriteBudget
	leading  func() bool
	instance string
	granted  chan struct{}
	wake     chan struct{}

	mu      sync.Mutex
	pending []*eventsv1.Event   // guarded by mu
	told    map[string]struct{} // guarded by mu; names that need no second Event
	recent  []string            // guarded by mu; the same, oldest first
}

// NewEventWriter returns a writer that writes while leading.
func NewEventWriter(c client.Writer, budget *WriteBudget, leading func() bool) *EventWriter {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	return &EventWriter{
		client:   c,
		budget:   budget,
		leading:  leading,
		instance: host[:min(len(host), 128)],
		granted:  make(chan struct{}, 1),
		wake:     make(chan struct{}, 1),
		told:     map[string]struct{}{},
	}
}

// Tell has an Event written. It never blocks.
func (w *EventWriter) Tell(n Note) {
	e := w.event(n)
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.Identity != "" {
		if _, ok := w.told[e.Name]; ok {
			return
		}
		w.told[e.Name] = struct{}{}
		w.recent = append(w.recent, e.Name)
		if len(w.recent) > 2*maxPendingEvents {
			delete(w.told, w.recent[0])
			w.recent = w.recent[1:]
		}
	}
	if len(w.pending) == maxPendingEvents {
		w.pending = w.pending[1:]
	}
	w.pending = append(w.pending, e)
	signal(w.wake)
}

func (w *EventWriter) event(n Note) *eventsv1.Event {
	at := n.Time
	if at.IsZero() {
		at = time.Now()
	}
	identity := cmp.Or(n.Identity, at.String()+n.Message)
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%s\x00%s\x00%s", n.Regarding.UID, n.Reason, identity) // a hash takes everything
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: n.Regarding.Namespace,
			Name:      fmt.Sprintf("%s.%016x", strings.TrimRight(status.Clip(n.Regarding.Name, maxNamePart), "-.…"), sum.Sum64()),
		},
		EventTime:           metav1.NewMicroTime(at),
		ReportingController: eventController,
		ReportingInstance:   w.instance,
		Action:              n.Action,
		Reason:              n.Reason,
		Regarding:           n.Regarding,
		Note:                status.Clip(n.Message, maxNote),
		Type:                n.Type,
	}
}

// Start writes until ctx ends.
func (w *EventWriter) Start(ctx context.Context) error {
	for ctx.Err() == nil {
		e := w.next()
		if e == nil {
			select {
			case <-ctx.Done():
				return nil
			case <-w.wake:
			}
			continue
		}
		written, err := w.write(ctx, e)
		if !written {
			w.forget(e.Name)
		}
		if err != nil && ctx.Err() == nil {
			ctrl.LoggerFrom(ctx).Error(err, "An event was not written", "namespace", e.Namespace,
				"object", e.Regarding.Name, "reason", e.Reason, "note", e.Note)
		}
	}
	return nil
}

// NeedLeaderElection has the manager start the writer on every replica; it
// writes only while leading.
func (*EventWriter) NeedLeaderElection() bool { return false }

func (w *EventWriter) next() *eventsv1.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) == 0 {
		return nil
	}
	e := w.pending[0]
	w.pending = w.pending[1:]
	return e
}

// forget has a note told anew when it comes again.
func (w *EventWriter) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.told, name)
}

// write writes one Event, after its turn in the budget has come. Without the
// lease it does nothing: what is worth telling is told by the next leader.
func (w *EventWriter) write(ctx context.Context, e *eventsv1.Event) (written bool, err error) {
	for range eventTries {
		if err != nil {
			select {
			case <-ctx.Done():
				return false, ctx.Err()
			case <-time.After(eventRetry):
			}
		}
		if !w.leading() {
			return false, nil
		}
		if !w.budget.Ask(eventKey, EventRecord) {
			select {
			case <-ctx.Done():
				return false, ctx.Err()
			case <-w.granted:
			}
			w.budget.Ask(eventKey, EventRecord) // takes what was granted
		}
		err = w.client.Create(ctx, e.DeepCopy())
		if err == nil || apierrors.IsAlreadyExists(err) {
			return true, nil
		}
		if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			break // the same again would meet the same
		}
	}
	return false, fmt.Errorf("writing an event: %w", err)
}

// eventKey is the writer's one place in the budget's queue: it writes one Event
// after the other.
var eventKey = WriteKey{Kind: eventKind}

// onGrant is told that the writer's turn has come.
func (w *EventWriter) onGrant() { signal(w.granted) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func reference(kind string, o client.Object) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: kind,
		Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(),
	}
}
