package controller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

func writeTo(kind string, n int) WriteKey {
	return WriteKey{kind, types.NamespacedName{Namespace: "ns", Name: fmt.Sprint(n)}}
}

// startBudget runs a budget that writes down what it grants.
func startBudget(t *testing.T) (b *WriteBudget, granted func() []WriteKey) {
	t.Helper()
	b = NewWriteBudget()
	var mu sync.Mutex
	var keys []WriteKey
	b.OnGrant = func(k WriteKey) {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, k)
	}
	granted = func() []WriteKey {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(keys)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Start(ctx)
	}()
	t.Cleanup(func() { stop(); <-done })
	return b, granted
}

// spend empties the bucket.
func spend(t *testing.T, b *WriteBudget) {
	t.Helper()
	for i := range writesBurst {
		if !b.Ask(writeTo("burst", i), RouteCounters) {
			t.Fatalf("write %d of the burst was refused", i)
		}
	}
}

func TestWriteBudgetLetsABurstThroughThenItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, granted := startBudget(t)
		spend(t, b)
		for i := range 60 {
			if b.Ask(writeTo(policyKind, i), PolicyState) {
				t.Fatalf("write %d after the burst was let through", i)
			}
		}
		for s := 1; s <= 4; s++ {
			time.Sleep(time.Second + 10*time.Millisecond)
			synctest.Wait()
			// Each wake-up comes a millisecond late, so the count may lag by one.
			if n := len(granted()); n > writesPerSecond*s+1 || n < writesPerSecond*s-1 {
				t.Errorf("after %d s %d writes were granted, want %d", s, n, writesPerSecond*s)
			}
		}
	})
}

func TestWriteBudgetGrantsByClassThenByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, granted := startBudget(t)
		spend(t, b)
		classes := []WriteClass{RouteCounters, PolicyCounters, EventRecord, RouteState, PolicyState, RouteCounters, PolicyState}
		for i, class := range classes {
			if b.Ask(writeTo("w", i), class) {
				t.Fatalf("write %d was let through by an empty bucket", i)
			}
		}
		b.Ask(writeTo("w", 0), PolicyState) // what waits as a counter became a transition
		time.Sleep(time.Second)
		synctest.Wait()
		want := []int{0, 4, 6, 3, 2, 1, 5}
		if len(granted()) != len(want) {
			t.Fatalf("granted %v, want %d writes", granted(), len(want))
		}
		for i, n := range want {
			if granted()[i] != writeTo("w", n) {
				t.Errorf("grant %d went to %v, want write %d", i, granted()[i], n)
			}
		}
	})
}

func TestWriteBudgetGrantIsKeptForItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, granted := startBudget(t)
		spend(t, b)
		mine := writeTo("mine", 1)
		b.Ask(mine, RouteCounters)
		time.Sleep(70 * time.Millisecond) // one token
		synctest.Wait()
		if len(granted()) != 1 {
			t.Fatalf("granted %v, want one write", granted())
		}
		if b.Ask(writeTo("other", 1), PolicyState) {
			t.Error("another write took the token that was set aside")
		}
		if !b.Ask(mine, RouteCounters) {
			t.Error("the write was refused although it had been granted")
		}
		if b.Ask(mine, RouteCounters) {
			t.Error("one grant served twice")
		}
	})
}

func TestWriteBudgetDropGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, granted := startBudget(t)
		spend(t, b)
		gone, waits := writeTo("gone", 1), writeTo("waits", 1)
		b.Ask(gone, PolicyState)
		time.Sleep(70 * time.Millisecond)
		synctest.Wait()
		b.Ask(waits, RouteCounters)
		b.Drop(gone)
		synctest.Wait()
		if n := len(granted()); n != 2 || granted()[1] != waits {
			t.Errorf("granted %v, want the dropped token to have gone to the one that waits", granted())
		}
		left := writeTo("left", 1)
		b.Ask(left, PolicyState)
		b.Drop(left)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(granted()); n != 2 {
			t.Errorf("a write that was dropped while it waited was granted: %v", granted())
		}
	})
}

func TestWriteBudgetNeverFillsAboveItsBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := startBudget(t)
		time.Sleep(time.Hour)
		spend(t, b)
		if b.Ask(writeTo("more", 1), PolicyState) {
			t.Error("more than the burst was let through at once")
		}
	})
}
