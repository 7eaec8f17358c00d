package main

import (
	"context"
	"fmt"
	"time"

	"github.com/switchgear/switchgear/test/testenv"
)

// restFor is how long writes at rest are counted.
const restFor = 30 * time.Second

// fleet measures a fleet: at rest, while single circuits trip, when all of them trip
// at once, and while all of them flap.
func (s *stage) fleet(ctx context.Context) error {
	if err := s.startOperators(ctx, fleetReplicas); err != nil {
		return err
	}
	v, err := s.newView(ctx)
	if err != nil {
		return err
	}
	defer v.stop()
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	_, err = s.until(ctx, "every status to count the replicas", func() (bool, error) { return v.all(onReplicas(fleetReplicas)), nil })
	if err != nil {
		return err
	}
	if err := s.rest(ctx); err != nil {
		return err
	}
	f := &fleetRun{stage: s, view: v, leader: leader}
	for _, part := range []func(context.Context) error{f.atRest, f.single, f.storm, f.flapping} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	f.tell()
	return s.stopOperators(ctx)
}

// fleetRun is what comes of fleet.
type fleetRun struct {
	*stage
	view   *view
	leader *testenv.Operator

	resting, singly, storming, flapped counted
	byLeader, byOther                  []time.Duration // from a trip there until it is visible
	all, healed                        time.Duration
	ages                               []time.Duration
}

func (f *fleetRun) atRest(ctx context.Context) (err error) {
	f.resting, err = f.counting(ctx, func(ctx context.Context) error { return pause(ctx, restFor) })
	return err
}

func (f *fleetRun) single(ctx context.Context) (err error) {
	other := f.operators[0]
	if other == f.leader {
		other = f.operators[1]
	}
	f.singly, err = f.counting(ctx, func(ctx context.Context) (err error) {
		if f.byLeader, err = f.trip(ctx, f.view, f.leader, 0, singleTrips); err != nil {
			return err
		}
		f.byOther, err = f.trip(ctx, f.view, other, singleTrips, singleTrips)
		return err
	})
	if err != nil {
		return err
	}
	return f.recover(ctx)
}

func (f *fleetRun) storm(ctx context.Context) (err error) {
	f.storming, err = f.counting(ctx, func(ctx context.Context) (err error) {
		f.all, err = f.tripAll(ctx, f.view, f.leader)
		return err
	})
	if err != nil {
		return err
	}
	return f.recover(ctx)
}

// flapping begins with a full bucket; what flows from it once that is empty is
// counted by itself.
func (f *fleetRun) flapping(ctx context.Context) (err error) {
	f.view.reset()
	f.flapped, err = f.counting(ctx, f.flap)
	if err != nil {
		return err
	}
	f.ages = f.view.agesSeen()
	f.healed, err = f.heal(ctx, f.view)
	return err
}

// recover waits until nothing is left of what was done.
func (f *fleetRun) recover(ctx context.Context) error {
	if _, err := f.heal(ctx, f.view); err != nil {
		return err
	}
	return f.rest(ctx)
}

func (f *fleetRun) tell() {
	t := newTable(fmt.Sprintf("A change of a circuit until a watch of the policies shows it: %d replicas, %d circuits each", fleetReplicas, fleetObjects),
		"what", "p50", "p99", "the last")
	ms := func(d time.Duration) string { return d.Round(time.Millisecond).String() }
	for _, one := range []struct {
		what  string
		times []time.Duration
	}{
		{"a trip on the leader, 8 circuits changing a second", f.byLeader},
		{"a trip on another replica, the same", f.byOther},
		{"age of what a status tells, all circuits flapping", f.ages},
	} {
		t.row(one.what, ms(percentile(one.times, 50)), ms(percentile(one.times, 99)), ms(percentile(one.times, 100)))
	}
	t.row("all circuits trip at once", "", "", ms(f.all))
	t.row("all have closed, after they flapped", "", "", ms(f.healed))
	target("trip → visible, p99", float64(percentile(append(f.byLeader, f.byOther...), 99))/1e6, 1000, "ms")
	target("trip → visible, 1,000 at once", f.all.Seconds(), 90, "s")

	t = writesTable()
	f.resting.tell(t, fmt.Sprintf("%d replicas at rest", fleetReplicas))
	f.singly.tell(t, "8 circuits change a second")
	f.storming.tell(t, fmt.Sprintf("%d circuits trip at once", fleetObjects))
	f.flapped.tell(t, fmt.Sprintf("%d circuits flap on each", fleetObjects))
	target("writes of policies, routes and Events, at rest", f.resting.statusWrites(), 0, "")
	target("writes, 1,000 circuits flapping", f.flapped.total()/f.flapped.took.Seconds(), 20, "a second")
}
