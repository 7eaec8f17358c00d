package circuit

import (
	"math"
	"slices"
	"time"
)

// duty is something that time alone brings.
type duty uint8

const (
	nothing duty = iota
	openEnds
	leaseEnds
	overrideEnds
)

// due returns what time alone brings next, and when.
func (c *Circuit) due() (duty, time.Duration) {
	what, at := nothing, time.Duration(math.MaxInt64)
	switch {
	case c.state == Open:
		what, at = openEnds, c.opening.until
	case c.state == HalfOpen && len(c.leases) > 0:
		what, at = leaseEnds, c.firstLeaseEnd()
	}
	if until := c.settings.Override.Until; c.forced != NoOverride && until != 0 && until < at {
		what, at = overrideEnds, until
	}
	return what, at
}

// settle performs what is due, one after the other, each as if at its time:
// however late and however often it is called, the story is the same.
func (c *Circuit) settle(now time.Duration) {
	for c.state != Closed || c.forced != NoOverride {
		what, at := c.due()
		if what == nothing || now < at {
			return
		}
		switch what {
		case openEnds:
			c.enterState(HalfOpen)
			c.tell(at, ResetTimeoutElapsed, Counts{})
		case leaseEnds:
			c.failedAt(at)
			c.open(at, ProbeTimedOut, Result{}, Counts{})
		case overrideEnds:
			c.forced = NoOverride
			c.tell(at, OverrideEnded, Counts{})
		}
	}
}

// deadline is when settle has something to do, as far as is known now: the
// lease of a probe that is not out yet can end no sooner than a lease from now.
func (c *Circuit) deadline(now time.Duration) (time.Duration, bool) {
	what, at := c.due()
	if lease := c.settings.ProbeLease; c.state == HalfOpen && len(c.leases) == 0 && lease > 0 {
		return min(at, now+lease), true
	}
	return at, what != nothing
}

// lease is a probe's place.
type lease struct {
	seq uint64 // of the permit
	end time.Duration
}

func (c *Circuit) firstLeaseEnd() time.Duration {
	end := c.leases[0].end
	for _, l := range c.leases[1:] {
		end = min(end, l.end)
	}
	return end
}

func (c *Circuit) freeLease(seq uint64) {
	c.leases = slices.DeleteFunc(c.leases, func(l lease) bool { return l.seq == seq })
}
