package gateway

import (
	"context"
	"errors"
	"sync"
	"time"
)

// limit is a bound on how long a part of an exchange may take.
type limit uint8

const (
	// limitRoute is the route's timeout, until the answer is committed.
	limitRoute limit = iota
	// limitPhase is that of the phase which the call is in: connecting, waiting
	// for the answer, waiting for the next event.
	limitPhase
	// limitTotal is streamTotal.
	limitTotal

	numLimits
)

// exceeded is the cause with which a watchdog cancels its context.
type exceeded struct {
	limit limit
	name  string // of the field that set it
	after time.Duration
}

func (e *exceeded) Error() string { return e.name + " of " + e.after.String() + " exceeded" }

// watchdog cancels a context when a limit is exceeded. Its one timer is moved
// only when a limit comes closer; one that moves away costs no more than a
// store.
type watchdog struct {
	context.Context
	cancel context.CancelCauseFunc
	now    func() time.Duration

	mu    sync.Mutex
	at    [numLimits]time.Duration // guarded by mu; 0: no limit
	why   [numLimits]exceeded      // guarded by mu
	armed time.Duration            // guarded by mu; when the timer fires, 0: never
	timer *time.Timer              // guarded by mu

	stopped bool // guarded by mu
}

func newWatchdog(parent context.Context, now func() time.Duration) *watchdog {
	d := &watchdog{now: now}
	d.Context, d.cancel = context.WithCancelCause(parent)
	return d
}

// set puts a limit in force that ends so long after an instant. It is named
// after the field that it comes from.
func (d *watchdog) set(l limit, from, after time.Duration, name string) {
	d.put(exceeded{l, name, after}, from+after)
}

func (d *watchdog) put(why exceeded, at time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return
	}
	d.at[why.limit] = max(at, 1)
	d.why[why.limit] = why
	d.arm()
}

// lift takes a limit out of force.
func (d *watchdog) lift(l limit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at[l] = 0
}

// patience is how long the provider may let the gateway wait. Only waiting uses
// it up: what the client takes its time for is not the provider's.
type patience struct {
	name string // of the field that set it
	of   time.Duration
	left time.Duration
}

func newPatience(of time.Duration, name string) patience { return patience{name, of, of} }

// await reads from the provider with what is left of its patience as the limit
// of the phase.
func (d *watchdog) await(p *patience, read func() error) error {
	begun := d.now()
	d.put(exceeded{limitPhase, p.name, p.of}, begun+p.left)
	err := read()
	d.lift(limitPhase)
	p.left -= d.now() - begun
	return err
}

// arm makes sure that the timer fires no later than the first limit.
func (d *watchdog) arm() {
	first, ok := d.first()
	if !ok || d.armed != 0 && d.armed <= d.at[first] {
		return
	}
	d.armed = d.at[first]
	wait := d.armed - d.now()
	if d.timer == nil {
		d.timer = time.AfterFunc(wait, d.fire)
		return
	}
	d.timer.Reset(wait)
}

func (d *watchdog) first() (limit, bool) {
	var first limit
	found := false
	for l, at := range d.at {
		if at != 0 && (!found || at < d.at[first]) {
			first, found = limit(l), true
		}
	}
	return first, found
}

func (d *watchdog) fire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed = 0
	if first, ok := d.first(); ok && d.at[first] <= d.now() {
		why := d.why[first]
		d.cancel(&why)
		return
	}
	d.arm()
}

// exceeded tells which limit ended the context, if one did.
func (d *watchdog) exceeded() (*exceeded, bool) {
	var e *exceeded
	ok := errors.As(context.Cause(d.Context), &e)
	return e, ok
}

// stop releases the timer and ends the context.
func (d *watchdog) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.stopped = true
	d.at = [numLimits]time.Duration{}
	d.cancel(nil)
}
