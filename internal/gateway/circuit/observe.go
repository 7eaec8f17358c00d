package circuit

import "time"

// Totals only ever rise.
type Totals struct {
	Successes, Failures, Throttled, Ignored, Slow uint64 // calls that ended
	Opens                                         uint64
	Refused                                       [numRefusals]uint64 // by RefusalReason
	Entered                                       uint64              // bulkhead slots given
	WaitSeconds                                   float64             // in the bulkhead's queue
}

// Observation is what there is to see of a circuit.
type Observation struct {
	State State         // what callers meet
	Since time.Duration // of State
	// OpenedAt is when the present opening began, if Opened.
	OpenedAt time.Duration
	Opened   bool
	// NextProbeAt is when the first probe is let through, if Probing.
	NextProbeAt  time.Duration
	Probing      bool
	BackoffLevel int
	FailureCount int // consecutive failures
	HealthScore  int
	Running      int
	Queued       int
	Warned       bool
	Override     OverrideKind // in force

	WindowCalls, WindowFailures, WindowSlow int

	LastFailureAt time.Duration
	HasFailure    bool
	Last          Transition
	HasLast       bool
	Totals        Totals
	Used          bool // any call was let through or refused
	// AtRest: closed, no failures, no override, no queue, healthy.
	AtRest bool
}

// healthyScore is the least score of a circuit at rest.
const healthyScore = 90

// Observe tells how the circuit is at now. It changes nothing: what is due but
// not settled has not happened yet, such as probes when NextProbeAt is past.
func (c *Circuit) Observe(now time.Duration) Observation {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := &c.bulkhead
	b.mu.Lock()
	running, queued, counts, bounds := b.running, b.queued, b.counts, b.settings
	b.mu.Unlock()

	w := c.window.total(now)
	o := Observation{
		State: c.met, Since: c.since,
		FailureCount: c.consecutive,
		Running:      running, Queued: queued,
		Warned: c.warned, Override: c.forced,
		WindowCalls: w.calls, WindowFailures: w.failures, WindowSlow: w.slow,
		LastFailureAt: c.lastFailure, HasFailure: c.hasFailure,
		Last: c.last, HasLast: c.hasLast,
		Totals: c.totals,
	}
	if c.state != Closed {
		o.OpenedAt, o.Opened = c.opening.at, true
		o.BackoffLevel = c.opening.level
		w = c.tripped
	}
	if c.state == Open && o.State == Open && o.Override == NoOverride {
		o.NextProbeAt, o.Probing = c.opening.until, true
	}
	o.Totals.Refused[BulkheadFull] = counts.full
	o.Totals.Refused[BulkheadTimeout] = counts.timedOut
	o.Totals.Refused[Cancelled] = counts.cancelled
	o.Totals.Refused[CircuitOpen] += counts.open
	o.Totals.Entered = counts.accepted
	o.Totals.WaitSeconds = counts.waited.Seconds()
	o.Used = c.seq > 0 || o.Totals.Refused != [numRefusals]uint64{}
	o.HealthScore = HealthScore(Vitals{
		State: o.State, Calls: w.calls, Failures: w.failures,
		SinceFailure: now - c.lastFailure,
		Running:      running, Concurrent: bounds.MaxConcurrent,
		Queued: queued, Queue: bounds.MaxQueued,
	})
	o.AtRest = o.State == Closed && c.state == Closed && o.FailureCount == 0 && o.Override == NoOverride &&
		queued == 0 && o.HealthScore >= healthyScore
	return o
}
