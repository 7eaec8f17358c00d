package circuit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// seen is all that can be seen of a circuit at a time, in a form that compares.
type seen struct {
	Observation
	Last     string
	Deadline time.Duration
	Due      bool
}

// actor plays stories on the engine. Its unit of time may be stretched.
type actor struct {
	rig
	unit    time.Duration
	stretch time.Duration
	saved   Saved
	open    []*Permit
	spoken  map[*Permit]bool // had its first token
	slots   []Slot
	gone    context.Context // of callers who will not wait
}

func newActor(t *testing.T, stretch time.Duration) *actor {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	a := &actor{unit: second * stretch, stretch: stretch, gone: gone}
	a.t, a.s = t, openingScene(a.unit)
	a.restart()
	return a
}

func (a *actor) restart() {
	a.c = New(a.s, a.now, Options{Rand: dice(), OnEvent: func(tr Transition) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.told = append(a.told, tr)
	}})
	a.open, a.slots, a.spoken = nil, nil, map[*Permit]bool{}
}

// play does one deed and returns the answer that it got.
func (a *actor) play(s deed) string {
	switch s.do {
	case acquire:
		p, r, ok := a.c.Acquire(a.now)
		if ok {
			a.open = append(a.open, &p)
		}
		return a.answer(r, ok)
	case admits:
		r, ok := a.c.Admits(a.now)
		return a.answer(r, ok)
	case firstToken:
		if p := take(a.open, s.n); p != nil && !a.spoken[p] {
			a.spoken[p] = true
			p.FirstToken(a.now)
		}
	case end:
		if p := take(a.open, s.n); p != nil {
			a.open = slices.DeleteFunc(a.open, func(o *Permit) bool { return o == p })
			s.result.RetryAfter *= a.stretch
			p.End(s.result, a.now)
		}
	case advance:
		a.now += s.d * a.stretch
	case settle:
		a.c.Settle(a.now)
	case reconfigure:
		s.change(&a.s, a.now, a.unit)
		a.c.Reconfigure(a.s, a.now)
	case warn:
		a.c.Warn(a.now)
	case reset:
		a.c.Reset(a.now)
	case save:
		a.saved = a.c.Save(a.now)
	case restore:
		a.c.Restore(a.saved, a.now)
	case restart:
		a.saved = a.c.Save(a.now)
		a.transitions()
		a.restart()
		a.c.Restore(a.saved, a.now)
	case enter:
		slot, r, ok := a.c.Enter(a.gone, a.now)
		if ok {
			a.slots = append(a.slots, slot)
		}
		return a.answer(r, ok)
	case leave:
		if len(a.slots) > 0 {
			i := s.n % len(a.slots)
			a.slots[i].Leave()
			a.slots = slices.Delete(a.slots, i, i+1)
		}
	}
	return ""
}

// take returns the element of a list that a number names, or nil.
func take[T any](list []*T, n int) *T {
	if len(list) == 0 {
		return nil
	}
	return list[n%len(list)]
}

func (a *actor) answer(r Refusal, ok bool) string {
	return fmt.Sprintf("%v %v until %v", ok, r.Reason, r.At/a.stretch)
}

// see returns what is to be seen, all times as if unstretched.
func (a *actor) see() seen {
	out := seen{Observation: a.c.Observe(a.now)}
	out.Deadline, out.Due = a.c.Deadline(a.now)
	if !out.Due {
		out.Deadline = 0
	}
	if out.HasLast {
		out.Last = describe(out.Observation.Last, a.stretch)
	}
	out.Observation.Last = Transition{}
	if !out.HasFailure {
		out.LastFailureAt = 0
	}
	out.Totals.WaitSeconds = 0
	for _, d := range []*time.Duration{&out.Since, &out.OpenedAt, &out.NextProbeAt, &out.LastFailureAt, &out.Deadline} {
		*d /= a.stretch
	}
	return out
}

// describe writes a transition with its labels in an order that does not
// depend on when they were met first.
func describe(tr Transition, stretch time.Duration) string {
	labels := slices.Clone(tr.Counts.Labels)
	slices.SortFunc(labels, func(a, b LabelCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Label, b.Label))
	})
	c := tr.Counts
	return fmt.Sprintf("%v to %v for %s at %v until %v, level %d: %d in a row, %d failed and %d slow of %d in %v: %v",
		tr.From, tr.To, tr.Reason, tr.At/stretch, tr.Until/stretch, tr.BackoffLevel,
		c.Consecutive, c.Failures, c.Slow, c.Calls, c.Window/stretch, labels)
}

// story returns all that was told.
func (a *actor) story() []string {
	var out []string
	for _, tr := range a.transitions() {
		out = append(out, describe(tr, a.stretch))
	}
	return out
}
