package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/switchgear/switchgear/test/testenv"
)

const (
	// singleTrips are made one after the other, every tripEvery: with the half-open
	// states that follow, eight circuits change in a second.
	singleTrips = 120
	tripEvery   = 250 * time.Millisecond
	// flapFor is how long all circuits flap, and flapEvery how often each meets a
	// probe that fails.
	flapFor   = time.Minute
	flapEvery = 5 * time.Second
)

// trip opens single circuits and returns how long it took each time from the
// request that failed until kubectl's view showed it.
func (s *stage) trip(ctx context.Context, v *view, op *testenv.Operator, from, n int) ([]time.Duration, error) {
	v.reset()
	begun := make([]time.Time, n)
	tick := time.NewTicker(tripEvery)
	defer tick.Stop()
	for i := range n {
		begun[i] = time.Now()
		if _, _, err := s.ask(ctx, op, from+i, true); err != nil {
			return nil, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	out := make([]time.Duration, n)
	_, err := s.until(ctx, "single trips to be visible", func() (bool, error) {
		seen := v.seenOpen()
		for i := range n {
			at, ok := seen[nameOf(from+i)]
			if !ok {
				return false, nil
			}
			out[i] = at.Sub(begun[i])
		}
		return true, nil
	})
	return out, err
}

// tripAll opens every circuit on one replica and returns how long it took until
// kubectl's view showed the last.
func (s *stage) tripAll(ctx context.Context, v *view, op *testenv.Operator) (time.Duration, error) {
	v.reset()
	begun := time.Now()
	err := s.each(ctx, func(ctx context.Context, i int) error {
		_, _, err := s.ask(ctx, op, i, true)
		return err
	})
	if err != nil {
		return 0, err
	}
	_, err = s.until(ctx, "all trips to be visible", func() (bool, error) { return len(v.seenOpen()) == s.objects, nil })
	return time.Since(begun), err
}

// flap has every circuit of every replica open, half-open and open again.
func (s *stage) flap(ctx context.Context) error {
	tick := time.NewTicker(flapEvery)
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < flapFor; {
		err := s.everywhere(ctx, func(ctx context.Context, op *testenv.Operator, i int) error {
			_, _, err := s.ask(ctx, op, i, true)
			return err
		})
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// heal closes every circuit of every replica, and waits until kubectl's view shows
// it. It returns how long that took from when the last had closed.
func (s *stage) heal(ctx context.Context, v *view) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.everywhere(ctx, func(ctx context.Context, op *testenv.Operator, i int) error {
		for {
			status, _, err := s.ask(ctx, op, i, false)
			if err != nil {
				return err
			}
			if status == http.StatusOK {
				return nil
			}
			if err := pause(ctx, 200*time.Millisecond); err != nil {
				return fmt.Errorf("a circuit did not close: %w", err)
			}
		}
	})
	if err != nil {
		return 0, err
	}
	return s.until(ctx, "all statuses to be closed", func() (bool, error) { return v.all(closed), nil })
}

// everywhere does something for every object on every operator.
func (s *stage) everywhere(ctx context.Context, do func(ctx context.Context, op *testenv.Operator, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, op := range s.operators {
		group.Go(func() error {
			return s.each(ctx, func(ctx context.Context, i int) error { return do(ctx, op, i) })
		})
	}
	return group.Wait()
}
