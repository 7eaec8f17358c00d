package circuit

import (
	"fmt"
	"slices"
	"time"
)

// model is the engine as its rules say it, in the plainest form: it keeps every
// call, and answers every question by looking through them all.
type model struct {
	s     Settings
	now   time.Duration
	rand  func() float64
	order int // of what happened so far

	state  State // underneath an override
	era    int   // of the state: how many there were
	forced OverrideKind
	calls  []*mcall // not ended yet
	ended  []mended // in this closed state

	openedAt, until time.Duration
	level           int
	jitter          float64
	retryAfter      time.Duration
	throttled       bool
	closedByProbes  []time.Duration // at most one: the last time
	successes       int             // of probes, in this half-open state
	failed          []time.Duration // when there were failures
	warned          []int           // at most one: the order of the warning
	tripped         [2]int          // calls and failures in the window then
	running         int
	slots           []bool // whether they count
	saved           Saved
	told            []string
	last            string
	met             State
	metSince        time.Duration
	totals          Totals
	everAcquired    bool
}

// mcall is a call under way.
type mcall struct {
	begun     time.Duration
	order     int
	era       int // 0: it counts nowhere
	leaseEnd  time.Duration
	holding   bool // a probe's place
	probe     bool
	spoken    bool
	untilWord time.Duration // from its beginning to its first token
	success   bool          // a probe that was one at its first token
}

// mended is a call that ended and counts.
type mended struct {
	at, stamp    time.Duration // the stamp is what a new window made of it
	began, order int
	failed, slow bool
	repeated     bool // not in the run
	label        string
	forgotten    bool // before the window changed
}

func newModel() *model {
	m := &model{s: openingScene(second)}
	m.restart()
	return m
}

func (m *model) restart() {
	*m = model{s: m.s, now: m.now, rand: dice(), era: 1, told: m.told, saved: m.saved, metSince: m.now}
	m.forced = m.overrideNow()
	m.met = m.callersMeet()
}

func (m *model) overrideNow() OverrideKind {
	if m.s.Mode == Disabled || m.s.Override.Until != 0 && m.s.Override.Until <= m.now {
		return NoOverride
	}
	return m.s.Override.Kind
}

func (m *model) callersMeet() State {
	return map[OverrideKind]State{NoOverride: m.state, ForceOpen: Open, ForceClosed: Closed}[m.forced]
}

// inWindow returns the calls that the window knows at now.
func (m *model) inWindow(now time.Duration) []mended {
	var out []mended
	width := m.s.Window / 10
	for _, e := range m.ended {
		if !e.forgotten && now/width-e.stamp/width < 10 {
			out = append(out, e)
		}
	}
	return out
}

func countIf(list []mended, is func(mended) bool) (n int) {
	for _, e := range list {
		if is(e) {
			n++
		}
	}
	return n
}

func isFailed(e mended) bool { return e.failed }
func isSlow(e mended) bool   { return e.slow }

// run returns the consecutive failures.
func (m *model) run() []mended {
	var out []mended
	for _, e := range m.ended {
		switch {
		case e.failed && e.repeated:
		case e.failed:
			out = append(out, e)
		case len(out) > 0 && e.began > out[0].order:
			out = nil
		}
	}
	return out
}

func labelCounts(list []mended) []LabelCount {
	counts := map[string]int{}
	for _, e := range list {
		if e.failed {
			counts[e.label]++
		}
	}
	var out []LabelCount
	for label, n := range counts {
		out = append(out, LabelCount{label, n})
	}
	return out
}

// changeState begins a new era.
func (m *model) changeState(s State) {
	m.state = s
	m.era++
	m.successes = 0
	m.warned = nil
	for _, c := range m.calls {
		c.holding = false
	}
}

func (m *model) close() {
	m.changeState(Closed)
	m.ended = nil
	m.tripped = [2]int{}
}

func (m *model) open(at time.Duration, reason Reason, r Result, counts Counts) {
	if m.state == Closed {
		w := m.inWindow(at)
		m.tripped = [2]int{len(w), countIf(w, isFailed)}
	}
	healthySpell := m.state == Closed && (m.closedByProbes == nil || at-m.closedByProbes[0] >= m.s.Window)
	if healthySpell {
		m.level = 0
	} else {
		m.level++
	}
	m.openedAt, m.retryAfter, m.throttled = at, r.RetryAfter, r.Outcome == Throttled
	m.jitter = 2*m.rand() - 1
	m.until = at + m.opensFor()
	m.totals.Opens++
	m.changeState(Open)
	m.tell(at, reason, counts)
}

func (m *model) opensFor() time.Duration {
	most := m.s.ResetBackoff.Max
	if m.throttled && m.retryAfter > 0 {
		return min(m.retryAfter, most)
	}
	wait := m.s.ResetTimeout
	for range m.level {
		if wait < 1000*most {
			wait *= time.Duration(m.s.ResetBackoff.Multiplier)
		}
	}
	// The dice know only halves of the jitter's quarters: this is exact.
	wait += wait / 100 * time.Duration(4*m.jitter) * time.Duration(m.s.ResetBackoff.JitterPercent) / 4
	return min(max(wait, m.retryAfter), most)
}

func (m *model) tell(at time.Duration, reason Reason, counts Counts) {
	to := m.callersMeet()
	if to == m.met {
		return
	}
	tr := Transition{From: m.met, To: to, Reason: reason, At: at, Counts: counts}
	if to == Open && m.forced == ForceOpen {
		tr.Until = m.s.Override.Until
	} else if to == Open {
		tr.Until, tr.BackoffLevel = m.until, m.level
	}
	m.met, m.metSince = to, at
	m.last = describe(tr, 1)
	m.told = append(m.told, m.last)
}

// settle lets happen what is due, the earliest first.
func (m *model) settle() {
	for {
		at, happen := m.due()
		if happen == nil || at > m.now {
			return
		}
		happen()
	}
}

func (m *model) due() (at time.Duration, happen func()) {
	consider := func(t time.Duration, f func()) {
		if happen == nil || t < at {
			at, happen = t, f
		}
	}
	if m.state == Open {
		consider(m.until, func() {
			t := m.until
			m.changeState(HalfOpen)
			m.tell(t, ResetTimeoutElapsed, Counts{})
		})
	}
	for _, c := range m.calls {
		if c.holding {
			consider(c.leaseEnd, func() {
				m.failed = append(m.failed, c.leaseEnd)
				m.open(c.leaseEnd, ProbeTimedOut, Result{}, Counts{})
			})
		}
	}
	if until := m.s.Override.Until; m.forced != NoOverride && until != 0 {
		consider(until, func() {
			m.forced = NoOverride
			m.tell(until, OverrideEnded, Counts{})
		})
	}
	return at, happen
}

func (m *model) probesOut() (n int) {
	for _, c := range m.calls {
		if c.holding {
			n++
		}
	}
	return n
}

func (m *model) refusal() Refusal {
	switch {
	case m.forced == ForceOpen:
		return Refusal{ForcedOpen, m.s.Override.Until}
	case m.state == Open:
		return Refusal{CircuitOpen, m.until}
	case m.state == HalfOpen && m.probesOut() >= m.s.MaxProbes:
		return Refusal{Reason: ProbesBusy}
	}
	return Refusal{}
}

func (m *model) lenient() bool { return m.s.Mode != Enforce || m.forced == ForceClosed }

func answer(r Refusal, ok bool) string {
	return fmt.Sprintf("%v %v until %v", ok, r.Reason, r.At)
}

// see returns what is to be seen.
func (m *model) see() seen {
	w := m.inWindow(m.now)
	o := Observation{
		State: m.met, Since: m.metSince, FailureCount: len(m.run()), Running: m.running,
		Warned: m.warned != nil, Override: m.forced,
		WindowCalls: len(w), WindowFailures: countIf(w, isFailed), WindowSlow: countIf(w, isSlow),
		HasLast: m.last != "", Totals: m.totals,
		Used: m.everAcquired || m.totals.Refused != [numRefusals]uint64{},
	}
	judged := [2]int{o.WindowCalls, o.WindowFailures}
	if m.state != Closed {
		o.FailureCount = len(m.run())
		o.Opened, o.OpenedAt, o.BackoffLevel = true, m.openedAt, m.level
		judged = m.tripped
	}
	if m.state == Open && m.forced == NoOverride {
		o.Probing, o.NextProbeAt = true, m.until
	}
	v := Vitals{State: o.State, Calls: judged[0], Failures: judged[1], Running: o.Running,
		Concurrent: m.s.Bulkhead.MaxConcurrent, Queue: m.s.Bulkhead.MaxQueued}
	if len(m.failed) > 0 {
		o.HasFailure, o.LastFailureAt = true, slices.Max(m.failed)
		v.SinceFailure = m.now - o.LastFailureAt
	}
	o.HealthScore = HealthScore(v)
	o.AtRest = o.State == Closed && m.state == Closed && o.FailureCount == 0 && m.forced == NoOverride && o.HealthScore >= 90
	out := seen{Observation: o, Last: m.last}
	at, happen := m.due()
	if m.state == HalfOpen && m.probesOut() == 0 {
		if lease := m.now + m.s.ProbeLease; happen == nil || lease < at {
			at, happen = lease, func() {}
		}
	}
	if happen != nil {
		out.Deadline, out.Due = at, true
	}
	return out
}
