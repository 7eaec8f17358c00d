package gateway

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// newTestWatchdog returns a watchdog on a clock that begins now.
func newTestWatchdog(t *testing.T, parent context.Context) (d *watchdog, now func() time.Duration) {
	t.Helper()
	base := time.Now()
	now = func() time.Duration { return time.Since(base) }
	d = newWatchdog(parent, now)
	t.Cleanup(d.stop)
	return d, now
}

// endsAfter waits for the watchdog to end its context and checks when it does
// and what it names; an empty name is no limit at all.
func endsAfter(t *testing.T, d *watchdog, now func() time.Duration, want time.Duration, name string) {
	t.Helper()
	<-d.Done()
	if got := now(); got != want {
		t.Errorf("the context ended after %v, want %v", got, want)
	}
	e, ok := d.exceeded()
	switch {
	case name == "" && ok:
		t.Errorf("exceeded: %v, want nothing", e)
	case name != "" && (!ok || e.name != name):
		t.Errorf("exceeded: %v, want %s", e, name)
	}
}

func TestWatchdog(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		name string
		play func(d *watchdog, now func() time.Duration)
		want time.Duration
		why  string
	}{
		{"one limit", func(d *watchdog, now func() time.Duration) {
			d.set(limitRoute, now(), 3*s, "route")
		}, 3 * s, "route"},
		{"from an instant that is past", func(d *watchdog, _ func() time.Duration) {
			time.Sleep(2 * s)
			d.set(limitTotal, 1*s, 4*s, "total")
		}, 5 * s, "total"},
		{"over before it is set", func(d *watchdog, _ func() time.Duration) {
			time.Sleep(4 * s)
			d.set(limitTotal, 0, 3*s, "total")
		}, 4 * s, "total"},
		{"over at the beginning of the clock", func(d *watchdog, _ func() time.Duration) {
			d.set(limitTotal, -5*s, 3*s, "total")
		}, 1, "total"},
		{"the first of several", func(d *watchdog, now func() time.Duration) {
			d.set(limitRoute, now(), 5*s, "route")
			d.set(limitPhase, now(), 3*s, "phase")
			d.set(limitTotal, now(), 4*s, "total")
		}, 3 * s, "phase"},
		{"a limit that comes closer", func(d *watchdog, now func() time.Duration) {
			d.set(limitPhase, now(), 5*s, "far")
			d.set(limitPhase, now(), 2*s, "close")
		}, 2 * s, "close"},
		{"a limit that moves away", func(d *watchdog, now func() time.Duration) {
			d.set(limitPhase, now(), 2*s, "close")
			time.Sleep(s)
			d.set(limitPhase, now(), 5*s, "far")
		}, 6 * s, "far"},
		{"a limit that moves away many times", func(d *watchdog, now func() time.Duration) {
			for range 100 {
				d.set(limitPhase, now(), 2*s, "phase")
				time.Sleep(s)
			}
		}, 101 * s, "phase"},
		{"away and closer again", func(d *watchdog, now func() time.Duration) {
			d.set(limitPhase, now(), 2*s, "close")
			d.set(limitPhase, now(), 9*s, "far")
			time.Sleep(5 * s)
			d.set(limitPhase, now(), 1*s, "close again")
		}, 6 * s, "close again"},
		{"a lifted one leaves the next", func(d *watchdog, now func() time.Duration) {
			d.set(limitPhase, now(), 2*s, "phase")
			d.set(limitTotal, now(), 7*s, "total")
			d.lift(limitPhase)
		}, 7 * s, "total"},
		{"lifted and set again", func(d *watchdog, now func() time.Duration) {
			d.set(limitPhase, now(), 2*s, "first")
			d.lift(limitPhase)
			time.Sleep(9 * s)
			d.set(limitPhase, now(), 2*s, "second")
		}, 11 * s, "second"},
		{"lifting what was never set", func(d *watchdog, now func() time.Duration) {
			d.lift(limitTotal)
			d.set(limitPhase, now(), s, "phase")
		}, s, "phase"},
		{"stopped", func(d *watchdog, now func() time.Duration) {
			d.set(limitPhase, now(), 2*s, "phase")
			time.Sleep(s)
			d.stop()
		}, s, ""},
		{"set after it was stopped", func(d *watchdog, now func() time.Duration) {
			d.stop()
			d.set(limitPhase, now(), 2*s, "phase")
			time.Sleep(5 * s)
		}, 5 * s, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, now := newTestWatchdog(t, t.Context())
				tc.play(d, now)
				endsAfter(t, d, now, tc.want, tc.why)
			})
		})
	}
}

func TestWatchdogWithoutALimitNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, now := newTestWatchdog(t, t.Context())
		for l := range numLimits {
			d.set(l, now(), time.Second, "limit")
			d.lift(l)
		}
		time.Sleep(24 * time.Hour)
		if err := d.Err(); err != nil {
			t.Fatalf("ended: %v", err)
		}
	})
}

func TestWatchdogEndsWithItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		d, now := newTestWatchdog(t, parent)
		d.set(limitPhase, now(), time.Hour, "phase")
		time.AfterFunc(time.Second, cancel)
		endsAfter(t, d, now, time.Second, "")
	})
}

func TestPatienceIsUsedUpByWaitingAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, now := newTestWatchdog(t, t.Context())
		p := newPatience(10*time.Second, "patience")
		read := func(takes time.Duration) error {
			return d.await(&p, func() error {
				select {
				case <-time.After(takes):
					return nil
				case <-d.Done():
					return d.Err()
				}
			})
		}
		for range 3 {
			if err := read(3 * time.Second); err != nil {
				t.Fatalf("after %v: %v", now(), err)
			}
			time.Sleep(time.Hour) // spent on something else
		}
		if p.left != time.Second {
			t.Errorf("%v left, want 1s", p.left)
		}
		begun := now()
		if err := read(3 * time.Second); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want the end of the context", err)
		}
		endsAfter(t, d, now, begun+time.Second, "patience")
		if e, _ := d.exceeded(); e.Error() != "patience of 10s exceeded" {
			t.Errorf("%v: want the limit itself, not what was left of it", e)
		}
	})
}

func TestPatiencePassesTheReadersErrorOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := newTestWatchdog(t, t.Context())
		p := newPatience(time.Second, "patience")
		if err := d.await(&p, func() error { return io.EOF }); !errors.Is(err, io.EOF) {
			t.Errorf("error %v, want EOF", err)
		}
		time.Sleep(time.Hour)
		if err := d.Err(); err != nil {
			t.Errorf("the limit outlived the wait: %v", err)
		}
	})
}

// TestWatchdogRaces lifts and sets limits at the very moment at which they
// fire: whatever wins, the context ends only by a limit that is in force, and
// stopping leaves nothing behind (a timer or goroutine that was left would keep
// the bubble from ending).
func TestWatchdogRaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			d, now := newTestWatchdog(t, t.Context())
			var wg sync.WaitGroup
			for l := range numLimits {
				d.set(l, now(), time.Millisecond, "limit")
				wg.Go(func() {
					time.Sleep(time.Millisecond)
					d.lift(l)
					d.set(l, now(), time.Millisecond, "again")
					d.lift(l)
				})
			}
			wg.Wait()
			synctest.Wait()
			ended := d.Err() != nil
			time.Sleep(time.Hour)
			if e, ok := d.exceeded(); ok != ended {
				t.Fatalf("%v long after every limit was lifted", e)
			}
			d.stop()
			if d.timer != nil && d.timer.Stop() {
				t.Fatal("the timer runs on after the stop")
			}
		}
	})
}

func TestWatchdogFreshTimerOnlyWhenALimitComesCloser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, now := newTestWatchdog(t, t.Context())
		d.set(limitTotal, now(), time.Hour, "total")
		p := newPatience(time.Minute, "patience")
		nothing := func() error { return nil }
		if err := d.await(&p, nothing); err != nil {
			t.Fatal(err)
		}
		armed := d.armed
		for range 10 {
			time.Sleep(time.Second)
			if err := d.await(&p, nothing); err != nil {
				t.Fatal(err)
			}
		}
		if d.armed != armed {
			t.Errorf("the timer was moved from %v to %v", armed, d.armed)
		}
		if allocs := testing.AllocsPerRun(100, func() { _ = d.await(&p, nothing) }); allocs != 0 {
			t.Errorf("%v allocations a wait, want none", allocs)
		}
	})
}
