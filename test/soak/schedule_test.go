package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
)

// fault is one thing that goes wrong for a while.
type fault struct {
	what  string
	after time.Duration // since the lane's fault before has ended
	lasts time.Duration
	begin func(context.Context, *stage) error
	end   func(context.Context, *stage) error // nil: there is nothing to undo
}

// lane is what goes wrong in one place, one thing after the other.
type lane struct {
	where  string
	faults []fault
}

// roundLength is how long faults come before all must be well again; replicas
// that start may take longer.
const roundLength = 15 * time.Second

// schedule is what goes wrong in a round. It depends on the two numbers alone.
// Each lane deals its kinds of faults like cards, so that all have been out
// before one comes again.
func schedule(seed, round uint64) []lane {
	var lanes []lane
	add := func(where string, perRound int, deck []maker) {
		number := uint64(len(lanes))
		order := rand.New(rand.NewPCG(seed, number)).Perm(len(deck))
		rng := rand.New(rand.NewPCG(seed, (round+1)<<8|number))
		l := lane{where: where}
		left := roundLength
		for i := range perRound {
			f := deck[order[(int(round)*perRound+i)%len(deck)]](rng)
			f.after = between(rng, 200*time.Millisecond, 2*time.Second)
			if left -= f.after + f.lasts; left < 0 {
				break
			}
			l.faults = append(l.faults, f)
		}
		lanes = append(lanes, l)
	}
	for _, name := range []string{"first", "second", "third"} {
		add("provider "+name, 4, providerFaults(name))
	}
	add("API server", 1, apiServerFaults())
	add("replicas", 2, replicaFaults())
	add("edits", 4, edits())
	return lanes
}

// maker makes a fault of one kind.
type maker func(*rand.Rand) fault

func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	return (low + time.Duration(rng.Int64N(int64(high-low)))).Round(time.Millisecond)
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// lines are a schedule for people.
func lines(lanes []lane) []string {
	var out []string
	for _, l := range lanes {
		for _, f := range l.faults {
			out = append(out, fmt.Sprintf("%s +%s %s for %s", l.where, f.after, f.what, f.lasts))
		}
	}
	return out
}

// TestScheduleFollowsTheSeed: the same seed gives the same faults, another gives
// others.
func TestScheduleFollowsTheSeed(t *testing.T) {
	t.Parallel()
	for round := range uint64(5) {
		first, again, other := lines(schedule(7, round)), lines(schedule(7, round)), lines(schedule(8, round))
		if !slices.Equal(first, again) {
			t.Errorf("round %d is %q, and then %q", round, first, again)
		}
		if slices.Equal(first, other) {
			t.Errorf("round %d is the same with another seed", round)
		}
	}
}

// TestScheduleHasEveryFault within few rounds, whatever the seed.
func TestScheduleHasEveryFault(t *testing.T) {
	t.Parallel()
	want := []string{"SIGKILL", "SIGTERM", "SIGSTOP", "restart", "gone from all", "gone from one", "the Secret's key", "a route"}
	for _, k := range providersim.Kinds() {
		want = append(want, "/"+string(k))
	}
	for seed := range uint64(20) {
		missing := slices.Clone(want)
		for round := range uint64(10) {
			for _, what := range lines(schedule(seed, round)) {
				missing = slices.DeleteFunc(missing, func(w string) bool { return strings.Contains(what, w) })
			}
		}
		if len(missing) > 0 {
			t.Errorf("seed %d has none of %q in 10 rounds", seed, missing)
		}
	}
}
