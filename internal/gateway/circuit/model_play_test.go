package circuit

import (
	"slices"
	"time"
)

// play does one deed and returns the answer that it got.
func (m *model) play(s deed) string {
	m.order++
	switch s.do {
	case acquire:
		return m.acquire()
	case admits:
		m.settle()
		r := m.refusal()
		return answer(r, r.Reason == NotRefused || m.lenient())
	case firstToken:
		if c := take(m.calls, s.n); c != nil && !c.spoken {
			m.firstToken(c)
		}
	case end:
		if c := take(m.calls, s.n); c != nil {
			m.settle()
			m.calls = slices.DeleteFunc(m.calls, func(o *mcall) bool { return o == c })
			m.end(c, s.result)
		}
	case advance:
		m.now += s.d
	case settle:
		m.settle()
	case reconfigure:
		next := m.s
		s.change(&next, m.now, second)
		if next != m.s {
			m.reconfigure(next)
		}
	case warn:
		m.settle()
		if m.state == Closed && m.s.Mode != Disabled {
			m.warned = []int{m.order}
		}
	case reset:
		m.settle()
		m.reset()
		m.tell(m.now, WasReset, Counts{})
	case save:
		m.save()
	case restore:
		m.restore()
	case restart:
		m.save()
		m.restart()
		m.restore()
	case enter:
		return m.enter()
	case leave:
		if len(m.slots) > 0 {
			i := s.n % len(m.slots)
			if m.slots[i] {
				m.running--
			}
			m.slots = slices.Delete(m.slots, i, i+1)
		}
	}
	return ""
}

func (m *model) acquire() string {
	m.settle()
	r := m.refusal()
	if r.Reason != NotRefused {
		m.totals.Refused[r.Reason]++
		if !m.lenient() {
			return answer(r, false)
		}
	}
	m.everAcquired = true
	c := &mcall{begun: m.now, order: m.order, era: m.era}
	if r.Reason != NotRefused || m.s.Mode == Disabled {
		c.era = 0
	} else if m.state == HalfOpen {
		c.probe, c.holding, c.leaseEnd = true, true, m.now+m.s.ProbeLease
	}
	m.calls = append(m.calls, c)
	return answer(r, true)
}

func (m *model) firstToken(c *mcall) {
	m.settle()
	c.spoken, c.untilWord = true, m.now-c.begun
	if !c.probe || c.era != m.era {
		return
	}
	c.holding, c.success = false, true
	m.probeSucceeded()
	c.era = m.era
}

func (m *model) probeSucceeded() {
	m.successes++
	if m.successes >= m.s.SuccessThreshold {
		m.close()
		m.closedByProbes = []time.Duration{m.now}
		m.tell(m.now, ProbesSucceeded, Counts{})
	}
}

func (m *model) end(c *mcall, r Result) {
	c.holding = false
	if m.s.Mode == Disabled {
		return
	}
	took := m.now - c.begun
	if c.spoken {
		took = c.untilWord
	}
	rule := m.s.SlowCallRate
	slow := (r.Outcome == Success || r.Outcome == Failure) && rule.Percent > 0 && took >= rule.Duration
	if slow {
		m.totals.Slow++
	}
	*map[Outcome]*uint64{Success: &m.totals.Successes, Failure: &m.totals.Failures,
		Throttled: &m.totals.Throttled, Ignored: &m.totals.Ignored}[r.Outcome]++
	if c.era != m.era || r.Outcome == Ignored {
		return
	}
	one := Counts{Labels: []LabelCount{{r.Label, 1}}}
	if r.Outcome != Success {
		m.failed = append(m.failed, m.now)
	}
	switch {
	case r.Outcome == Success && c.success:
	case m.state == HalfOpen && r.Outcome == Success:
		m.probeSucceeded()
	case m.state == HalfOpen:
		m.open(m.now, ProbeFailed, r, one)
	case r.Outcome == Throttled:
		m.open(m.now, ThrottledByProvider, r, one)
	default:
		m.ended = append(m.ended, mended{at: m.now, stamp: m.now, began: c.order, order: m.order,
			failed: r.Outcome == Failure, repeated: r.Repeated, slow: slow, label: r.Label})
		if r.Outcome == Failure && m.warned != nil {
			m.open(m.now, WarnedByReplica, r, m.runCounts())
			return
		}
		if m.warned != nil && c.order > m.warned[0] {
			m.warned = nil
		}
		m.judge(r)
	}
}

func (m *model) runCounts() Counts {
	return Counts{Consecutive: len(m.run()), Labels: labelCounts(m.run())}
}

func (m *model) judge(r Result) {
	if n := len(m.run()); m.s.FailureThreshold > 0 && n >= m.s.FailureThreshold {
		m.open(m.now, ConsecutiveFailures, r, m.runCounts())
		return
	}
	w := m.inWindow(m.now)
	failed, slow := countIf(w, isFailed), countIf(w, isSlow)
	counts := Counts{Consecutive: len(m.run()), Calls: len(w), Failures: failed, Slow: slow, Window: m.s.Window, Labels: labelCounts(w)}
	reaches := func(n, percent, minimum int) bool {
		return percent > 0 && len(w) > 0 && len(w) >= minimum && float64(n)/float64(len(w)) >= float64(percent)/100-1e-12
	}
	if reaches(failed, m.s.FailureRate.Percent, m.s.FailureRate.MinimumRequests) {
		m.open(m.now, FailureRate, r, counts)
	} else if reaches(slow, m.s.SlowCallRate.Percent, m.s.SlowCallRate.MinimumRequests) {
		m.open(m.now, SlowCallRate, r, counts)
	}
}

func (m *model) reset() {
	m.close()
	m.level, m.openedAt, m.until = 0, 0, 0
	m.closedByProbes, m.failed = nil, nil
}

func (m *model) reconfigure(next Settings) {
	m.settle()
	old := m.s
	if next.Window != old.Window {
		m.newWindow(old.Window)
	}
	m.s = next
	if (next.Mode == Disabled) != (old.Mode == Disabled) {
		m.forced = NoOverride
		m.reset()
		m.tell(m.now, ModeChanged, Counts{})
	}
	reason := OverrideBegan
	if m.forced = m.overrideNow(); m.forced == NoOverride {
		reason = OverrideEnded
	}
	m.tell(m.now, reason, Counts{})
	if m.state == Open && (next.ResetTimeout != old.ResetTimeout || next.ResetBackoff != old.ResetBackoff) {
		m.until = max(m.openedAt+m.opensFor(), m.now)
		m.settle()
	} else if m.state == Closed && (next.FailureThreshold != old.FailureThreshold ||
		next.FailureRate != old.FailureRate || next.SlowCallRate != old.SlowCallRate) {
		m.judge(Result{})
	}
}

// newWindow makes the old window's calls those of a new one: what it had
// forgotten stays so, and of a bucket the last call's time is known.
func (m *model) newWindow(old time.Duration) {
	width := old / 10
	last := map[time.Duration]time.Duration{}
	for i := range m.ended {
		e := &m.ended[i]
		if m.now/width-e.stamp/width >= 10 {
			e.forgotten = true
		}
		if !e.forgotten {
			last[e.stamp/width] = max(last[e.stamp/width], e.stamp)
		}
	}
	for i := range m.ended {
		if e := &m.ended[i]; !e.forgotten {
			e.stamp = last[e.stamp/width]
		}
	}
}

func (m *model) save() {
	m.settle()
	m.saved = Saved{State: m.state, Since: m.openedAt, Until: m.until, BackoffLevel: m.level}
	if m.state == Closed {
		m.saved = Saved{}
	}
}

func (m *model) restore() {
	m.settle()
	if m.saved.State == Closed || m.state != Closed || m.s.Mode == Disabled {
		return
	}
	m.openedAt, m.level = min(m.saved.Since, m.now), m.saved.BackoffLevel
	m.until = max(m.now, min(m.saved.Until, m.now+m.s.ResetBackoff.Max))
	m.jitter, m.retryAfter, m.throttled = 0, 0, false
	m.changeState(Open)
	m.tell(m.now, WasRestored, Counts{})
	m.settle()
}

// enter lets a caller come who will not wait.
func (m *model) enter() string {
	b := m.s.Bulkhead
	full := b.MaxConcurrent > 0 && m.running >= b.MaxConcurrent
	switch {
	case m.s.Mode == Disabled:
		m.slots = append(m.slots, false)
		return answer(Refusal{}, true)
	case !full || m.s.Mode == Observe:
		if full && b.MaxQueued == 0 {
			m.totals.Refused[BulkheadFull]++
		}
		m.running++
		m.totals.Entered++
		m.slots = append(m.slots, true)
		return answer(Refusal{}, true)
	}
	m.settle()
	r := m.refusal()
	switch {
	case r.Reason != NotRefused && !m.lenient():
	case b.MaxQueued == 0:
		r = Refusal{Reason: BulkheadFull}
	default:
		r = Refusal{Reason: Cancelled}
	}
	m.totals.Refused[r.Reason]++
	return answer(r, false)
}
