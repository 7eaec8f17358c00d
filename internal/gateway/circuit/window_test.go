package circuit

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestWindowForgetsOneBucketAtATime(t *testing.T) {
	const length = 10 * time.Second
	w := newWindow(length, 0)
	for i := range 10 {
		w.record(time.Duration(i)*time.Second, i%2 == 0, i == 9, 0)
	}
	for i := range 11 {
		now := 9*time.Second + time.Duration(i)*time.Second
		if got := w.total(now).calls; got != 10-i {
			t.Errorf("%v later the window has %d calls, want %d", now-9*time.Second, got, 10-i)
		}
	}
}

func TestWindowIdleForItsLengthIsEmpty(t *testing.T) {
	for _, start := range []time.Duration{0, 999 * time.Millisecond, time.Second, 12345 * time.Millisecond} {
		w := newWindow(10*time.Second, start)
		w.record(start, true, true, 3)
		if got := w.total(start + 10*time.Second); got != (tally{}) {
			t.Errorf("begun at %v: still %+v after its length", start, got)
		}
		if got := w.total(start + 8*time.Second); got.calls != 1 {
			t.Errorf("begun at %v: forgot a call within its length: %+v", start, got)
		}
	}
}

// TestWindowAgreesWithAList holds the ring against the plainest thing that
// could work: all calls in a list.
func TestWindowAgreesWithAList(t *testing.T) {
	type call struct {
		at           time.Duration
		failed, slow bool
		label        int
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		const width = 100 * time.Millisecond
		w := newWindow(buckets*width, 0)
		var calls []call
		now := time.Duration(0)
		for range 300 {
			now += time.Duration(r.Int64N(int64(3*width))) * time.Duration(r.IntN(6)/5*8+1)
			c := call{now, r.IntN(2) == 0, r.IntN(3) == 0, r.IntN(maxLabels)}
			calls = append(calls, c)
			w.record(now, c.failed, c.slow, c.label)
			later := now + time.Duration(r.Int64N(int64(12*width)))
			var want tally
			for _, c := range calls {
				if later/width-c.at/width >= buckets {
					continue
				}
				want.calls++
				if c.slow {
					want.slow++
				}
				if c.failed {
					want.failures++
					want.labels[c.label]++
				}
			}
			if got := w.total(later); got != want {
				t.Fatalf("at %v: got %+v, want %+v", later, got, want)
			}
		}
	}
}

func TestResizedWindow(t *testing.T) {
	w := newWindow(10*time.Second, 0)
	for i := range 10 {
		w.record(time.Duration(i)*time.Second, true, false, 1)
	}
	now := 9500 * time.Millisecond
	longer := w.resized(60*time.Second, now)
	if got := longer.total(now); got.calls != 10 || got.labels[1] != 10 {
		t.Errorf("a longer window knows %+v, want all 10 calls", got)
	}
	if got := longer.total(now + 40*time.Second).calls; got != 10 {
		t.Errorf("a longer window knows %d calls 40s later, want 10", got)
	}
	shorter := w.resized(2*time.Second, now)
	if got := shorter.total(now).calls; got != 2 && got != 3 {
		t.Errorf("a shorter window knows %d calls, want those of the last 2s", got)
	}
	if got := shorter.total(now + 2*time.Second).calls; got != 0 {
		t.Errorf("a shorter window knows %d calls after its length, want none", got)
	}
}

func TestLabelsBeyondTheLimitAreOneLabel(t *testing.T) {
	var l labels
	for i := range 30 {
		name := string(rune('a' + i))
		n := l.number(name)
		if again := l.number(name); again != n {
			t.Fatalf("label %q is number %d, then %d", name, n, again)
		}
		want := name
		if i >= maxLabels-1 {
			want = otherLabel
		}
		if got := l.name(n); got != want {
			t.Fatalf("label %q is told as %q, want %q", name, got, want)
		}
	}
}
