package circuit

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stories calls f with stories of many kinds.
func stories(t *testing.T, f func(t *testing.T, story []deed)) {
	for seed := range uint64(25) {
		f(t, tell(randomBytes(5000+seed, 900)))
	}
}

// sameStory fails if two actors told different transitions.
func sameStory(t *testing.T, what string, a, b *actor) {
	t.Helper()
	if diff := cmp.Diff(a.story(), b.story()); diff != "" {
		t.Fatalf("%s (-plain +changed)\n%s", what, diff)
	}
}

func TestANoOpReconfigureIsTheIdentity(t *testing.T) {
	stories(t, func(t *testing.T, story []deed) {
		plain, changed := newActor(t, 1), newActor(t, 1)
		for i, d := range story {
			changed.c.Reconfigure(changed.s, changed.now)
			if a, b := plain.play(d), changed.play(d); a != b {
				t.Fatalf("deed %d, %+v: %q, reconfigured to the same %q", i, d, a, b)
			}
			if a, b := plain.see(), changed.see(); !reflect.DeepEqual(a, b) {
				t.Fatalf("deed %d, %+v (-plain +reconfigured to the same)\n%s", i, d, cmp.Diff(a, b))
			}
		}
		sameStory(t, "reconfigured to the same", plain, changed)
	})
}

// TestScalingEveryTimeGivesTheSameTrace: the engine knows no time of its own.
// The health score is left out, for its recovery steps are in minutes.
func TestScalingEveryTimeGivesTheSameTrace(t *testing.T) {
	for _, k := range []time.Duration{2, 7, 1000} {
		stories(t, func(t *testing.T, story []deed) {
			plain, scaled := newActor(t, 1), newActor(t, k)
			for i, d := range story {
				if a, b := plain.play(d), scaled.play(d); a != b {
					t.Fatalf("deed %d, %+v: %q, scaled by %d %q", i, d, a, k, b)
				}
				a, b := plain.see(), scaled.see()
				a.HealthScore, a.AtRest, b.HealthScore, b.AtRest = 0, false, 0, false
				if !reflect.DeepEqual(a, b) {
					t.Fatalf("deed %d, %+v (-plain +scaled by %d)\n%s", i, d, k, cmp.Diff(a, b))
				}
			}
			sameStory(t, "scaled", plain, scaled)
		})
	}
}

// TestOneAdvanceSplitIntoManyGivesTheSameTrace: however often one looks in
// between, settles or asks, nothing happens that would not have happened.
func TestOneAdvanceSplitIntoManyGivesTheSameTrace(t *testing.T) {
	stories(t, func(t *testing.T, story []deed) {
		rnd := rand.New(rand.NewPCG(uint64(len(story)), 3))
		plain, split := newActor(t, 1), newActor(t, 1)
		for i, d := range story {
			if d.do != advance {
				if a, b := plain.play(d), split.play(d); a != b {
					t.Fatalf("deed %d, %+v: %q, with time split %q", i, d, a, b)
				}
				continue
			}
			plain.play(d)
			for left := d.d; left > 0; {
				part := min(left, time.Duration(1+rnd.Int64N(int64(d.d))))
				left -= part
				split.now += part
				look(split, rnd.IntN(6))
			}
			plain.c.Settle(plain.now)
			split.c.Settle(split.now)
			if a, b := plain.see(), split.see(); !reflect.DeepEqual(a, b) {
				t.Fatalf("deed %d, %+v (-plain +split)\n%s", i, d, cmp.Diff(a, b))
			}
		}
		sameStory(t, "split", plain, split)
	})
}

func look(a *actor, how int) {
	switch how {
	case 0:
		a.c.Settle(a.now)
	case 1:
		a.c.Observe(a.now)
	case 2:
		a.c.Admits(a.now)
	case 3:
		a.c.Deadline(a.now)
	case 4:
		a.c.Save(a.now)
	}
}

// TestSettlingAtEveryDeadlineIsEnough: a timer that is set by Deadline alone
// misses nothing, and has no more to do than there is.
func TestSettlingAtEveryDeadlineIsEnough(t *testing.T) {
	stories(t, func(t *testing.T, story []deed) {
		plain, timed := newActor(t, 1), newActor(t, 1)
		for i, d := range story {
			if d.do != advance {
				if a, b := plain.play(d), timed.play(d); a != b {
					t.Fatalf("deed %d, %+v: %q, with a timer %q", i, d, a, b)
				}
				continue
			}
			plain.play(d)
			end := timed.now + d.d
			for fired := 0; ; fired++ {
				at, ok := timed.c.Deadline(timed.now)
				if !ok || at > end {
					break
				}
				if fired > 2000 {
					t.Fatalf("deed %d, %+v: the timer spins at %v", i, d, timed.now)
				}
				timed.now = max(timed.now, at)
				timed.c.Settle(timed.now)
			}
			timed.now = end
			if a, b := plain.see().State, timed.see().State; a != b {
				plain.c.Settle(plain.now)
				if a := plain.see().State; a != b {
					t.Fatalf("deed %d, %+v: settled late %v, by the timer %v", i, d, a, b)
				}
			}
		}
		sameStory(t, "timed", plain, timed)
	})
}
