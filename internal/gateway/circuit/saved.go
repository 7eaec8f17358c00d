package circuit

import "time"

// Saved is enough of a circuit for another process to go on from.
type Saved struct {
	State State // underneath an override
	// Since and Until are when the circuit opened and when its first probe is
	// due, as instants of the clock of the process that restores. Of a closed
	// circuit Until is 0.
	Since, Until time.Duration
	BackoffLevel int
}

// Save returns what Restore needs.
func (c *Circuit) Save(now time.Duration) Saved {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
	if c.state == Closed {
		return Saved{State: Closed, Since: c.since}
	}
	return Saved{State: c.state, Since: c.opening.at, Until: c.opening.until, BackoffLevel: c.opening.level}
}

// Restore takes over a saved state. It never keeps a circuit open for longer
// than ResetBackoff.Max from now and never closes one; a circuit that is not
// closed knows better than what was saved, and keeps its own state. A half-open
// circuit starts open with its end come, and so without a probe counted.
func (c *Circuit) Restore(s Saved, now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
	if s.State == Closed || c.state != Closed || c.settings.Mode == Disabled {
		return
	}
	c.opening = opening{
		at:    min(s.Since, now),
		until: max(min(s.Until, now+c.settings.ResetBackoff.Max), now),
		level: s.BackoffLevel,
	}
	c.enterState(Open)
	c.tell(now, WasRestored, Counts{})
	c.settle(now)
}
