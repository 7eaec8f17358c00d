package standalone

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// ledger gives objects what an API server would have given them: a UID that
// stays for as long as the object does, a generation that rises with its spec,
// and an age. All but the age follow from the configurations that were applied,
// in their order, and from nothing else.
type ledger struct {
	applied int // configurations
	entries map[identity]entry
	births  []time.Time // by configuration: when it was first looked at
}

// entry is what is known of an object of the configuration that was applied last.
type entry struct {
	born       int // the configuration in which it appeared
	generation int64
	content    any
}

// number returns a copy of the object's value with its numbers. One that the
// last configuration did not have is a new object.
func (l *ledger) number(o *object) resource {
	value := o.value.DeepCopyObject().(resource) // a copy has the type of its original
	e := l.entry(o)
	value.SetUID(types.UID(fmt.Sprintf("%s/%s/%s/%d", o.kind, o.Namespace, o.Name, e.born)))
	value.SetGeneration(e.generation)
	value.SetResourceVersion(strconv.FormatInt(e.generation, 10))
	value.SetCreationTimestamp(metav1.NewTime(l.birth(e.born)))
	return value
}

func (l *ledger) entry(o *object) entry {
	e, known := l.entries[o.identity]
	now := contentOf(o.value)
	switch {
	case !known:
		return entry{l.applied + 1, 1, now}
	case !reflect.DeepEqual(e.content, now):
		return entry{e.born, e.generation + 1, now}
	}
	return e
}

// birth is when the objects of a configuration came to be: the later, the
// younger, whatever the clock does.
func (l *ledger) birth(born int) time.Time {
	for len(l.births) < born {
		now := time.Now()
		if n := len(l.births); n > 0 && !now.After(l.births[n-1]) {
			now = l.births[n-1].Add(time.Nanosecond)
		}
		l.births = append(l.births, now)
	}
	return l.births[born-1]
}

// apply takes note that a configuration of these objects has been applied.
func (l *ledger) apply(a *assembly) {
	next := make(map[identity]entry, len(a.order))
	for _, o := range a.order {
		if o.value != nil {
			next[o.identity] = l.entry(o)
		}
	}
	l.entries = next
	l.applied++
}

// contentOf is what makes a new generation when it changes.
func contentOf(value resource) any {
	switch v := value.(type) {
	case *v1alpha1.CircuitPolicy:
		return v.Spec
	case *v1alpha1.ProviderRoute:
		return v.Spec
	case *corev1.Secret:
		return []any{v.Labels, v.Data}
	}
	return nil
}
