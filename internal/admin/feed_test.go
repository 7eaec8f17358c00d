package admin

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
)

func refusal(n int) gateway.Refusal { return gateway.Refusal{RequestID: fmt.Sprint(n)} }

// takeAll takes what is there.
func takeAll(l *listener) (missed uint64, ids []string) {
	for {
		m, events := l.take(make([]event, 0, eventBatch))
		if m == 0 && len(events) == 0 {
			return missed, ids
		}
		missed += m
		for _, e := range events {
			ids = append(ids, e.refusal.RequestID)
		}
	}
}

func hear(t *testing.T, f *Feed) *listener {
	t.Helper()
	l, err := f.listen()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestListenerHearsWhatHappensAfterItCame(t *testing.T) {
	f := NewFeed()
	f.OnRefusal(refusal(1)) // before anybody listens
	first := hear(t, f)
	f.OnRefusal(refusal(2))
	second := hear(t, f)
	f.OnRefusal(refusal(3))
	if missed, got := takeAll(first); missed != 0 || fmt.Sprint(got) != "[2 3]" {
		t.Errorf("the first heard %v and missed %d, want 2 and 3", got, missed)
	}
	if missed, got := takeAll(second); missed != 0 || fmt.Sprint(got) != "[3]" {
		t.Errorf("the second heard %v and missed %d, want 3", got, missed)
	}
}

func TestSlowListenerIsToldHowManyItMissed(t *testing.T) {
	f := NewFeed()
	slow, quick := hear(t, f), hear(t, f)
	const more = 10
	var heard []string
	for i := range ringSize + more {
		f.OnRefusal(refusal(i))
		_, ids := takeAll(quick)
		heard = append(heard, ids...)
	}
	missed, got := takeAll(slow)
	if missed != more || len(got) != ringSize || got[0] != fmt.Sprint(more) || got[ringSize-1] != fmt.Sprint(ringSize+more-1) {
		t.Errorf("the slow one missed %d and heard %d from %s on, want %d missed and %d heard", missed, len(got), got[0], more, ringSize)
	}
	if len(heard) != ringSize+more || heard[0] != "0" {
		t.Errorf("the quick one heard %d, want all %d", len(heard), ringSize+more)
	}
	f.OnRefusal(refusal(-1))
	if missed, got := takeAll(slow); missed != 0 || len(got) != 1 {
		t.Errorf("after it had caught up it missed %d and heard %v", missed, got)
	}
}

func TestListenersAreBounded(t *testing.T) {
	f := NewFeed()
	var all []*listener
	for range maxListeners {
		all = append(all, hear(t, f))
	}
	if _, err := f.listen(); !errors.Is(err, errTooManyListeners) {
		t.Errorf("one too many was let in: %v", err)
	}
	all[0].leave()
	hear(t, f)
}

func TestFeedKeepsNothingWhenTheLastHasLeft(t *testing.T) {
	f := NewFeed()
	one, other := hear(t, f), hear(t, f)
	one.leave()
	f.OnRefusal(refusal(1))
	if _, got := takeAll(other); len(got) != 1 {
		t.Errorf("the one that stayed heard %v", got)
	}
	other.leave()
	if f.ring != nil || f.listening.Load() != 0 {
		t.Error("the ring is kept though nobody listens")
	}
	late := hear(t, f)
	if missed, got := takeAll(late); missed != 0 || got != nil {
		t.Errorf("one that comes later heard %v and missed %d", got, missed)
	}
}

func TestNobodyListeningCostsNothing(t *testing.T) {
	f := NewFeed()
	r, tr := refusal(1), gateway.Transition{Message: "m"}
	if allocs := testing.AllocsPerRun(100, func() {
		f.OnRefusal(r)
		f.OnTransition(tr)
	}); allocs != 0 {
		t.Errorf("%g allocations, want none", allocs)
	}
}

func TestEventsOfManyKeepTheOrderOfEach(t *testing.T) {
	const tellers, each = 8, 200
	f := NewFeed()
	l := hear(t, f)
	var wg sync.WaitGroup
	for n := range tellers {
		wg.Go(func() {
			for i := range each {
				f.OnRefusal(gateway.Refusal{Route: fmt.Sprint(n), RequestID: fmt.Sprint(i)})
				runtime.Gosched()
			}
		})
	}
	next := map[string]int{}
	for heard := 0; heard < tellers*each; {
		<-l.wake
		for _, events := l.take(make([]event, 0, eventBatch)); len(events) > 0; _, events = l.take(events[:0]) {
			for _, e := range events {
				if want := fmt.Sprint(next[e.refusal.Route]); e.refusal.RequestID != want {
					t.Fatalf("teller %s: heard %s, want %s", e.refusal.Route, e.refusal.RequestID, want)
				}
				next[e.refusal.Route]++
				heard++
			}
		}
	}
	wg.Wait()
}
