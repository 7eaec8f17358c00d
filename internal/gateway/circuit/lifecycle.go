package circuit

import (
	"math"
	"time"
)

// opening is how long the circuit stays open, kept in a form that can be
// computed afresh under other settings.
type opening struct {
	at         time.Duration
	until      time.Duration
	level      int     // reopenings without a healthy spell between
	jitter     float64 // -1..1, drawn once
	retryAfter time.Duration
	throttled  bool // the provider's word replaces the computed wait
}

// enterState changes the state: results of permits from before count no more.
func (c *Circuit) enterState(s State) {
	c.state = s
	c.gen++
	c.leases = c.leases[:0]
	c.successes = 0
	c.warned = false
}

// open opens the circuit, or opens it again after a probe.
func (c *Circuit) open(now time.Duration, reason Reason, r Result, counts Counts) {
	level := c.opening.level + 1
	if c.state == Closed {
		c.window.advance(now)
		c.tripped = c.window.sum
		if !c.wasClosed || now-c.closedAt >= c.settings.Window {
			level = 0 // there was a healthy spell
		}
	}
	c.opening = opening{at: now, level: level, retryAfter: r.RetryAfter, throttled: r.Outcome == Throttled}
	if c.rand != nil {
		c.opening.jitter = 2*c.rand() - 1
	}
	c.opening.until = now + c.wait()
	c.totals.Opens++
	c.enterState(Open)
	c.tell(now, reason, counts)
}

// wait is how long the present opening lasts under the present settings:
// min(max(resetTimeout × multiplier^level ± jitter, Retry-After), max). Where
// the provider throttled, its Retry-After is taken at its word instead.
func (c *Circuit) wait() time.Duration {
	s, o := &c.settings, &c.opening
	if o.throttled && o.retryAfter > 0 {
		return min(o.retryAfter, s.ResetBackoff.Max)
	}
	wait := float64(s.ResetTimeout) * math.Pow(float64(max(s.ResetBackoff.Multiplier, 1)), float64(o.level))
	wait *= 1 + o.jitter*float64(s.ResetBackoff.JitterPercent)/100
	wait = min(max(wait, float64(o.retryAfter)), float64(s.ResetBackoff.Max))
	return max(time.Duration(wait), 1)
}

// toClosed closes the circuit with nothing counted: what happened before says
// nothing of the provider as it is now.
func (c *Circuit) toClosed(now time.Duration) {
	c.enterState(Closed)
	c.consecutive = 0
	c.window = newWindow(c.settings.Window, now)
	c.tripped = tally{}
}

// reset makes the circuit as new but for its totals.
func (c *Circuit) reset(now time.Duration) {
	c.toClosed(now)
	c.wasClosed = false
	c.hasFailure = false
}

// effective is the state that callers meet.
func (c *Circuit) effective() State {
	switch c.forced {
	case ForceOpen:
		return Open
	case ForceClosed:
		return Closed
	}
	return c.state
}

// tell tells the change of the state that callers meet, if there is one. It is
// called with the lock held, which keeps the order.
func (c *Circuit) tell(now time.Duration, reason Reason, counts Counts) {
	to := c.effective()
	c.bulkhead.heed(c.settings.Mode, to == Open)
	if to == c.met {
		return
	}
	t := Transition{From: c.met, To: to, Reason: reason, At: now, Counts: counts}
	switch {
	case c.forced == ForceOpen:
		t.Until = c.settings.Override.Until
	case to == Open:
		t.Until, t.BackoffLevel = c.opening.until, c.opening.level
	}
	c.met, c.since = to, now
	c.last, c.hasLast = t, true
	c.teller.add(t)
}
