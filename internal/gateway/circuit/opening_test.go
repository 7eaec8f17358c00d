package circuit

import (
	"testing"
	"time"
)

// TestOpeningLasts holds the formula min(max(resetTimeout × multiplierⁿ ±
// jitter, Retry-After), max) against openings that a failure trips.
func TestOpeningLasts(t *testing.T) {
	tests := map[string]struct {
		reset      time.Duration
		backoff    Backoff
		rand       float64
		level      int
		outcome    Outcome
		retryAfter time.Duration
		want       time.Duration
	}{
		"the reset timeout":                   {30 * time.Second, Backoff{1, time.Hour, 0}, 0, 0, Failure, 0, 30 * time.Second},
		"multiplier 1 never grows":            {30 * time.Second, Backoff{1, time.Hour, 0}, 0, 5, Failure, 0, 30 * time.Second},
		"doubled once":                        {30 * time.Second, Backoff{2, time.Hour, 0}, 0, 1, Failure, 0, time.Minute},
		"doubled three times":                 {30 * time.Second, Backoff{2, time.Hour, 0}, 0, 3, Failure, 0, 4 * time.Minute},
		"tripled twice":                       {time.Second, Backoff{3, time.Hour, 0}, 0, 2, Failure, 0, 9 * time.Second},
		"never above the maximum":             {30 * time.Second, Backoff{2, 90 * time.Second, 0}, 0, 3, Failure, 0, 90 * time.Second},
		"a level beyond all numbers":          {30 * time.Second, Backoff{10, time.Hour, 0}, 0, 400, Failure, 0, time.Hour},
		"the least jitter":                    {100 * time.Second, Backoff{1, time.Hour, 10}, 0, 0, Failure, 0, 90 * time.Second},
		"jitter in the middle":                {100 * time.Second, Backoff{1, time.Hour, 10}, .5, 0, Failure, 0, 100 * time.Second},
		"jitter towards the top":              {100 * time.Second, Backoff{1, time.Hour, 20}, .75, 0, Failure, 0, 110 * time.Second},
		"jitter stays below the maximum":      {100 * time.Second, Backoff{1, 105 * time.Second, 20}, .75, 0, Failure, 0, 105 * time.Second},
		"Retry-After prolongs":                {30 * time.Second, Backoff{1, time.Hour, 0}, 0, 0, Failure, 2 * time.Minute, 2 * time.Minute},
		"Retry-After does not shorten":        {30 * time.Second, Backoff{1, time.Hour, 0}, 0, 0, Failure, 2 * time.Second, 30 * time.Second},
		"Retry-After only up to the maximum":  {30 * time.Second, Backoff{1, time.Minute, 0}, 0, 0, Failure, time.Hour, time.Minute},
		"throttled without Retry-After":       {30 * time.Second, Backoff{2, time.Hour, 0}, 0, 1, Throttled, 0, time.Minute},
		"throttled: Retry-After is exact":     {30 * time.Second, Backoff{2, time.Hour, 10}, .9, 1, Throttled, 7 * time.Second, 7 * time.Second},
		"throttled: longer than the computed": {30 * time.Second, Backoff{1, time.Hour, 0}, 0, 0, Throttled, 10 * time.Minute, 10 * time.Minute},
		"throttled: up to the maximum":        {30 * time.Second, Backoff{1, time.Minute, 0}, 0, 0, Throttled, time.Hour, time.Minute},
		"all of it jittered away":             {30 * time.Second, Backoff{1, time.Hour, 100}, 0, 0, Failure, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRigRand(t, with(func(s *Settings) {
				s.FailureThreshold, s.ResetTimeout, s.ResetBackoff = 1, tt.reset, tt.backoff
			}), func() float64 { return tt.rand })
			r.now = time.Second
			for range tt.level {
				r.call(Result{Outcome: Throttled, Label: "HTTP 429", RetryAfter: 1})
				r.now++
			}
			r.call(Result{Outcome: tt.outcome, RetryAfter: tt.retryAfter})
			o := r.observe()
			if got := o.NextProbeAt - r.now; got != tt.want || o.BackoffLevel != tt.level {
				t.Fatalf("open for %v at level %d, want %v at level %d", got, o.BackoffLevel, tt.want, tt.level)
			}
			r.now += tt.want - 1
			if refusal, ok := r.c.Admits(r.now); ok || refusal != (Refusal{CircuitOpen, r.now + 1}) {
				t.Errorf("just before its end: %+v, %v", refusal, ok)
			}
			r.play("x ?Open +1ns ?Open")
			if _, ok := r.c.Admits(r.now); !ok {
				t.Error("not admitted exactly at its end")
			}
			r.play("S =Closed")
		})
	}
}

func TestJitterIsDrawnOncePerOpening(t *testing.T) {
	draws := 0
	r := newRigRand(t, with(func(s *Settings) { s.ResetBackoff.JitterPercent = 10 }), func() float64 { draws++; return .25 })
	r.play("F F F")
	first := r.observe().NextProbeAt
	for range 5 {
		r.play("x settle")
		r.reconfigure(func(s *Settings) { s.ResetTimeout++ })
		r.reconfigure(func(s *Settings) { s.ResetTimeout-- })
	}
	if got := r.observe().NextProbeAt; got != first || draws != 1 {
		t.Errorf("the end moved from %v to %v with %d draws, want 1", first, got, draws)
	}
	r.play("+30s F")
	if draws != 2 {
		t.Errorf("%d draws after two openings", draws)
	}
}

func TestBackoffLevelCountsReopeningsWithoutAHealthySpell(t *testing.T) {
	tests := map[string]struct {
		script string
		want   int
	}{
		"the first opening":                            {"F F F", 0},
		"a failed probe":                               {"F F F +1m F", 1},
		"two failed probes":                            {"F F F +1m F +1m F", 2},
		"a probe that timed out":                       {"F F F +1m a1 +1m settle", 1},
		"a throttled probe":                            {"F F F +1m T", 1},
		"open again soon after closing":                {"F F F +1m F +1m S F F F", 2},
		"open again just before a window has passed":   {"F F F +1m S +9999ms F F F", 1},
		"open again after a window":                    {"F F F +1m F +1m S +10s F F F", 0},
		"a reset is a new beginning":                   {"F F F +1m F reset F F F", 0},
		"a reset forgets that probes closed it lately": {"F F F +1m S reset F F F", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, base())
			r.play(tt.script + " =Open")
			if o := r.observe(); o.BackoffLevel != tt.want || o.Last.BackoffLevel != tt.want {
				t.Errorf("level %d, told as %d, want %d", o.BackoffLevel, o.Last.BackoffLevel, tt.want)
			}
		})
	}
}

func TestSettleOpensTheWayWithoutTraffic(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F +29s settle ?Open +1s")
	if at, ok := r.c.Deadline(r.now); !ok || at != 30*time.Second {
		t.Errorf("deadline %v, %v, want 30s", at, ok)
	}
	r.play("+5s settle ?HalfOpen")
	last := r.observe().Last
	if last.At != 30*time.Second || last.Reason != ResetTimeoutElapsed {
		t.Errorf("half-open at %v for %s, want at 30s, when it was due", last.At, last.Reason)
	}
	if r.observe().Since != 30*time.Second {
		t.Errorf("since %v, want 30s", r.observe().Since)
	}
}

func TestObserveMutatesNothing(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.FailureRate = RateRule{50, 100} }))
	r.play("F F F")
	told := len(r.transitions())
	for _, d := range []time.Duration{0, 30 * time.Second, time.Hour} {
		first := r.c.Observe(d)
		if again := r.c.Observe(d); again.State != Open || first.State != Open || again.HealthScore != first.HealthScore {
			t.Errorf("at %v: first %+v, then %+v, want both open", d, first, again)
		}
	}
	if got := len(r.transitions()); got != told {
		t.Errorf("observing told %d transitions", got-told)
	}
	r.play("x")
	if o := r.observe(); o.WindowCalls != 3 {
		t.Errorf("observing a later time forgot calls: %d left of 3", o.WindowCalls)
	}
}

func TestDeadlineOfACircuitWithNothingToCome(t *testing.T) {
	r := newRig(t, base())
	if at, ok := r.c.Deadline(0); ok {
		t.Errorf("deadline %v of a closed circuit", at)
	}
	r.play("F F F +30s =HalfOpen")
	if at, ok := r.c.Deadline(r.now); !ok || at != r.now+time.Minute {
		t.Errorf("half-open without a probe: deadline %v, %v, want a lease from now", at, ok)
	}
	r.play("a1 +10s")
	if at, ok := r.c.Deadline(r.now); !ok || at != 90*time.Second {
		t.Errorf("half-open with a probe: deadline %v, %v, want its lease's end, 90s", at, ok)
	}
	r.play("1S")
	if at, ok := r.c.Deadline(r.now); ok {
		t.Errorf("deadline %v of a circuit that closed", at)
	}
}

func TestALeaseOfZeroDoesNotMakeATimerSpin(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.ProbeLease = 0 }))
	r.play("F F F +30s =HalfOpen")
	if at, ok := r.c.Deadline(r.now); ok {
		t.Errorf("deadline %v, with nothing to come", at)
	}
	r.play("a1 settle ?Open")
}
