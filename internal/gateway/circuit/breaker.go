package circuit

import (
	"cmp"
	"time"
)

// breaker is a circuit's state, all guarded by Circuit.mu.
type breaker struct {
	settings Settings
	state    State         // underneath an override
	forced   OverrideKind  // in force
	met      State         // what callers meet; every change of it is told
	since    time.Duration // of met
	gen      uint64        // grows with each change of state; permits carry it
	seq      uint64        // grows with each permit

	window      window
	labels      labels
	consecutive int
	runLabels   [maxLabels]int // of the consecutive failures
	runSeq      uint64         // the last permit before the run's first failure ended

	opening     opening
	closedAt    time.Duration // when probes closed it last
	wasClosed   bool          // by probes
	tripped     tally         // the window at the trip
	lastFailure time.Duration
	hasFailure  bool

	leases    []lease
	successes int // of probes

	warned    bool
	warnedSeq uint64

	last    Transition
	hasLast bool
	totals  Totals
}

// lenient reports whether calls are let through whatever the state says.
func (c *Circuit) lenient() bool { return c.settings.Mode != Enforce || c.forced == ForceClosed }

// refusal is what the settled state says to a call; NotRefused admits it.
func (c *Circuit) refusal() Refusal {
	switch {
	case c.forced == ForceOpen:
		return Refusal{ForcedOpen, c.settings.Override.Until}
	case c.state == Open:
		return Refusal{CircuitOpen, c.opening.until}
	case c.state == HalfOpen && len(c.leases) >= c.settings.MaxProbes:
		return Refusal{Reason: ProbesBusy}
	}
	return Refusal{}
}

// admit fills in a permit. (Through a pointer: to return it would copy it once
// more, which costs as much as the lock.)
func (c *Circuit) admit(p *Permit, r Refusal, now time.Duration) {
	c.seq++
	p.c, p.seq, p.at = c, c.seq, now
	switch {
	case c.settings.Mode == Disabled, r.Reason != NotRefused:
		// Counted nowhere: it was let through against the state's word.
	case c.state == HalfOpen:
		c.leases = append(c.leases, lease{p.seq, now + c.settings.ProbeLease})
		p.kind, p.gen = probe, c.gen+1
	default:
		p.gen = c.gen + 1
	}
}

// current reports whether a permit belongs to the state that is.
func (c *Circuit) current(p *Permit) bool { return p.gen == c.gen+1 }

func (c *Circuit) firstToken(p *Permit, now time.Duration) {
	isProbe := p.kind == probe
	p.kind, p.answered = streamed, now-p.at
	c.settle(now)
	if !isProbe || !c.current(p) {
		return
	}
	c.freeLease(p.seq)
	p.kind = streamedProbe
	c.probeSucceeded(now)
	p.gen = c.gen + 1 // its end counts in the state that its success led to
}

func (c *Circuit) end(p *Permit, r Result, now time.Duration) {
	c.settle(now)
	slow := c.count(p, r, now)
	if !c.current(p) {
		return
	}
	if c.state == HalfOpen {
		c.endProbe(p, r, now)
		return
	}
	c.endClosed(p, r, slow, now)
}

// count adds a call to the totals and reports whether it was slow.
func (c *Circuit) count(p *Permit, r Result, now time.Duration) bool {
	took := now - p.at
	if p.kind >= streamed {
		took = p.answered
	}
	slow := r.Outcome <= Failure && c.settings.SlowCallRate.Percent > 0 && took >= c.settings.SlowCallRate.Duration
	if c.settings.Mode == Disabled {
		return slow
	}
	if slow {
		c.totals.Slow++
	}
	switch r.Outcome {
	case Success:
		c.totals.Successes++
	case Failure:
		c.totals.Failures++
	case Throttled:
		c.totals.Throttled++
	case Ignored:
		c.totals.Ignored++
	}
	return slow
}

func (c *Circuit) endProbe(p *Permit, r Result, now time.Duration) {
	if p.kind == probe {
		c.freeLease(p.seq)
	}
	switch r.Outcome {
	case Success:
		if p.kind == probe {
			c.probeSucceeded(now)
		}
	case Failure, Throttled:
		c.failedAt(now)
		c.open(now, ProbeFailed, r, oneCall(r))
	}
}

func (c *Circuit) probeSucceeded(now time.Duration) {
	c.successes++
	if c.successes < c.settings.SuccessThreshold {
		return
	}
	c.toClosed(now)
	c.closedAt, c.wasClosed = now, true
	c.tell(now, ProbesSucceeded, Counts{})
}

func (c *Circuit) endClosed(p *Permit, r Result, slow bool, now time.Duration) {
	switch r.Outcome {
	case Ignored:
		return
	case Throttled:
		c.failedAt(now)
		c.open(now, ThrottledByProvider, r, oneCall(r))
		return
	case Success:
		if p.kind == streamedProbe {
			return
		}
		if c.consecutive > 0 && p.seq > c.runSeq {
			c.consecutive = 0
		}
		if c.warned && p.seq > c.warnedSeq {
			c.warned = false
		}
		c.window.record(now, false, slow, 0)
	case Failure:
		label := c.labels.number(r.Label)
		if !r.Repeated {
			c.lengthenRun(label)
		}
		c.failedAt(now)
		c.window.record(now, true, slow, label)
		if c.warned {
			c.open(now, WarnedByReplica, r, c.runCounts())
			return
		}
	}
	c.judge(r, now)
}

// lengthenRun counts one more of the consecutive failures.
func (c *Circuit) lengthenRun(label int) {
	if c.consecutive == 0 {
		c.runSeq, c.runLabels = c.seq, [maxLabels]int{}
	}
	c.consecutive++
	c.runLabels[label]++
}

// judge opens the circuit if a rule says so; the first names the reason.
func (c *Circuit) judge(r Result, now time.Duration) {
	s := &c.settings
	if s.FailureThreshold > 0 && c.consecutive >= s.FailureThreshold {
		c.open(now, ConsecutiveFailures, r, c.runCounts())
		return
	}
	if s.FailureRate.Percent == 0 && s.SlowCallRate.Percent == 0 {
		return
	}
	w := &c.window.sum // up to date: a call was recorded, or it was advanced
	switch {
	case exceeds(w.failures, w.calls, s.FailureRate.Percent, s.FailureRate.MinimumRequests):
		c.open(now, FailureRate, r, c.windowCounts())
	case exceeds(w.slow, w.calls, s.SlowCallRate.Percent, s.SlowCallRate.MinimumRequests):
		c.open(now, SlowCallRate, r, c.windowCounts())
	}
}

// exceeds reports whether part is at least percent of whole, in whole numbers.
func exceeds(part, whole, percent, minimum int) bool {
	return percent > 0 && whole >= max(minimum, 1) && part*100 >= percent*whole
}

func (c *Circuit) runCounts() Counts {
	if c.consecutive == 0 {
		return Counts{} // the labels are those of the last run
	}
	return Counts{Consecutive: c.consecutive, Labels: c.labels.list(&c.runLabels)}
}

func (c *Circuit) windowCounts() Counts {
	w := &c.window.sum
	return Counts{
		Consecutive: c.consecutive,
		Calls:       w.calls, Failures: w.failures, Slow: w.slow,
		Window: c.settings.Window,
		Labels: c.labels.list(&w.labels),
	}
}

func oneCall(r Result) Counts {
	return Counts{Labels: []LabelCount{{cmp.Or(r.Label, otherLabel), 1}}}
}

func (c *Circuit) failedAt(now time.Duration) { c.lastFailure, c.hasFailure = now, true }
