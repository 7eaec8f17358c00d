package soak

import (
	"context"
	"flag"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	minutes = flag.Float64("minutes", 2, "for how long faults come")
	seed    = flag.Uint64("seed", 1, "which faults come, and when")
	// A machine that is busy with other tests takes longer to do what is right.
	within = flag.Duration("within", 2*time.Minute, "how soon all must be well after the last fault")
)

const numReplicas = 3

var names = [numReplicas]string{"first replica", "second replica", "third replica"}

// TestSoak is the soak.
func TestSoak(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := newRecord(t, cancel)
	r.tell("seed %d, %v minutes", *seed, *minutes)
	s, err := setStage(ctx, r)
	defer s.strike(cancel)
	if err == nil {
		err = s.startReplicas(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := newClients(s)
	c.resume(ctx)
	defer c.pause()
	s.running.Go(func() { s.watch(ctx) })

	// Before the first fault all must be well too.
	s.settle(ctx, c)
	last := time.Now().Add(time.Duration(*minutes * float64(time.Minute)))
	for round := uint64(0); ctx.Err() == nil && time.Now().Before(last); round++ {
		r.tell("round %d", round)
		s.play(ctx, schedule(*seed, round))
		s.settle(ctx, c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, outcome := range slices.Sorted(maps.Keys(r.outcomes)) {
		t.Logf("%7d requests: %s", r.outcomes[outcome], outcome)
	}
}

// play has the faults of a round happen, and returns when all have ended.
func (s *stage) play(ctx context.Context, lanes []lane) {
	var running sync.WaitGroup
	for _, l := range lanes {
		running.Go(func() {
			for _, f := range l.faults {
				s.pause(ctx, f.after)
				if ctx.Err() != nil {
					return
				}
				s.happen(ctx, l.where, f)
			}
		})
	}
	running.Wait()
}

// happen has one fault begin and end. It ends even where the soak does.
func (s *stage) happen(ctx context.Context, where string, f fault) {
	s.record.tell("  %s: %s, for %s", where, f.what, f.lasts)
	if err := f.begin(ctx, s); err != nil && ctx.Err() == nil {
		s.record.violate("%s: %s: %v", where, f.what, err)
		return
	}
	s.pause(ctx, f.lasts)
	if f.end == nil {
		return
	}
	if err := f.end(ctx, s); err != nil && ctx.Err() == nil {
		s.record.violate("%s: the end of %s: %v", where, f.what, err)
		return
	}
	s.record.note("  %s: %s has ended", where, strings.SplitN(f.what, ",", 2)[0])
}

func (s *stage) startReplicas(ctx context.Context) error {
	for _, name := range names {
		r, err := newReplica(s, name)
		if err != nil {
			return err
		}
		s.replicas = append(s.replicas, r)
		if err := r.start(ctx, ""); err != nil {
			return err
		}
	}
	return nil
}

// strike ends everything that was started.
func (s *stage) strike(cancel context.CancelFunc) {
	cancel()
	s.running.Wait()
	for _, r := range s.replicas {
		if p := r.now(); p != nil {
			s.finish(r, p)
		}
		r.wire.Close()
	}
	for _, p := range s.providers {
		if err := p.leave(); err != nil {
			s.record.t.Error(err)
		}
	}
}

// finish ends a replica's last process, which may have been frozen or killed by
// the fault that was on when the soak ended.
func (s *stage) finish(r *replica, p *process) {
	select {
	case <-p.Done():
		return
	default:
	}
	if err := r.thaw(); err != nil {
		s.record.t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		s.record.t.Errorf("%s: %v; its log ends with:\n%s", r.name, err, p.log.Tail())
	}
	if err := p.log.Check(); err != nil {
		s.record.t.Errorf("%s: %v", r.name, err)
	}
}
