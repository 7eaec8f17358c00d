package circuit

import "time"

// reconfigure swaps the settings and keeps the state. What the new ones say is
// acted upon in the order in which callers meet it: mode, override, state.
func (c *Circuit) reconfigure(s Settings, now time.Duration) {
	c.settle(now)
	old := c.settings
	c.settings = s
	if (s.Mode == Disabled) != (old.Mode == Disabled) {
		c.forced = NoOverride
		c.reset(now)
		c.tell(now, ModeChanged, Counts{})
	}
	c.forced = s.forced(now)
	if c.forced == NoOverride {
		c.tell(now, OverrideEnded, Counts{})
	} else {
		c.tell(now, OverrideBegan, Counts{})
	}
	if s.Window != old.Window {
		c.window = c.window.resized(s.Window, now)
	}
	switch {
	case c.state == Open && (s.ResetTimeout != old.ResetTimeout || s.ResetBackoff != old.ResetBackoff):
		// An end that is past by now is now: until now nobody was let through.
		c.opening.until = max(c.opening.at+c.wait(), now)
		c.settle(now)
	case c.state == Closed && s.rules() != old.rules():
		c.window.advance(now)
		c.judge(Result{}, now)
	}
}

// rules are the settings by which a closed circuit opens.
type rules struct {
	threshold int
	failures  RateRule
	slow      SlowRule
}

func (s *Settings) rules() rules {
	return rules{s.FailureThreshold, s.FailureRate, s.SlowCallRate}
}

// forced is the override that is in force at now.
func (s *Settings) forced(now time.Duration) OverrideKind {
	o := s.Override
	if s.Mode == Disabled || o.Until != 0 && now >= o.Until {
		return NoOverride
	}
	return o.Kind
}
