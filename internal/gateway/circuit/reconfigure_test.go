package circuit

import (
	"reflect"
	"testing"
	"time"
)

func TestAResyncDoesNothingAtAll(t *testing.T) {
	for _, script := range []string{"F F", "warn F", "a1 F F F", "F F F +30s a1", "F F F +45s", "F +9s F"} {
		r := newRig(t, with(func(s *Settings) { s.FailureRate = RateRule{50, 10} }))
		r.play(script)
		r.transitions()
		before := r.c.breaker
		r.c.Reconfigure(r.s, r.now)
		if !reflect.DeepEqual(before, r.c.breaker) {
			t.Errorf("after %q a resync changed\n%+v to\n%+v", script, before, r.c.breaker)
		}
	}
}

func TestReconfigureRulesAreEvaluatedAtOnce(t *testing.T) {
	tests := map[string]struct {
		before func(*Settings)
		script string
		change func(*Settings)
		want   State
		told   string
	}{
		"a lower threshold opens": {nil, "F F", func(s *Settings) { s.FailureThreshold = 2 }, Open, "Open(ConsecutiveFailures)"},
		"a higher one waits":      {nil, "F F", func(s *Settings) { s.FailureThreshold = 4 }, Closed, ""},
		"the rule is turned on": {func(s *Settings) { s.FailureThreshold = 0 }, "F F F F",
			func(s *Settings) { s.FailureThreshold = 4 }, Open, "Open(ConsecutiveFailures)"},
		"a rate opens": {nil, "F F S S", func(s *Settings) { s.FailureRate = RateRule{50, 4} }, Open, "Open(FailureRate)"},
		"a lower minimum opens": {func(s *Settings) { s.FailureRate = RateRule{50, 20} }, "F F S S",
			func(s *Settings) { s.FailureRate.MinimumRequests = 4 }, Open, "Open(FailureRate)"},
		"a rate does not see what has left the window": {nil, "F F S S +10s", func(s *Settings) { s.FailureRate = RateRule{50, 4} }, Closed, ""},
		"a slow rate opens": {func(s *Settings) { s.SlowCallRate = SlowRule{90, time.Second, 2} }, "a1 +1s 1S S",
			func(s *Settings) { s.SlowCallRate.Percent = 50 }, Open, "Open(SlowCallRate)"},
		"a higher threshold never closes": {nil, "F F F", func(s *Settings) { s.FailureThreshold = 100 }, Open, "Open(ConsecutiveFailures)"},
		"no rule at all never closes":     {nil, "F F F", func(s *Settings) { s.FailureThreshold = 0 }, Open, "Open(ConsecutiveFailures)"},
		"a rule that has no news is not asked": {func(s *Settings) { s.FailureThreshold, s.FailureRate = 0, RateRule{50, 2} }, "S S S +5s F F +5s",
			func(s *Settings) { s.MaxProbes = 7 }, Closed, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := base()
			if tt.before != nil {
				tt.before(&s)
			}
			r := newRig(t, s)
			r.play(tt.script)
			r.reconfigure(tt.change)
			r.wantState(tt.want)
			if got := r.reasons(); got != tt.told {
				t.Errorf("told %q, want %q", got, tt.told)
			}
		})
	}
}

func TestReconfigureTheEndOfAnOpening(t *testing.T) {
	tests := map[string]struct {
		script string
		change func(*Settings)
		want   State
		next   time.Duration // of an open circuit
		since  time.Duration
	}{
		"shorter":                     {"F F F +5s", func(s *Settings) { s.ResetTimeout = 10 * time.Second }, Open, 10 * time.Second, 0},
		"shorter than it was open":    {"F F F +15s", func(s *Settings) { s.ResetTimeout = 10 * time.Second }, HalfOpen, 0, 15 * time.Second},
		"as short as it was open":     {"F F F +10s", func(s *Settings) { s.ResetTimeout = 10 * time.Second }, HalfOpen, 0, 10 * time.Second},
		"longer":                      {"F F F +5s", func(s *Settings) { s.ResetTimeout = time.Minute }, Open, time.Minute, 0},
		"longer, but its end came":    {"F F F +31s", func(s *Settings) { s.ResetTimeout = time.Minute }, HalfOpen, 0, 30 * time.Second},
		"the maximum":                 {"F F F +5s", func(s *Settings) { s.ResetBackoff.Max = 20 * time.Second }, Open, 20 * time.Second, 0},
		"a multiplier at its level":   {"F F F +30s F +1s", func(s *Settings) { s.ResetBackoff.Multiplier = 3 }, Open, 120 * time.Second, 30 * time.Second},
		"the same jitter, more of it": {"F F F +1s", func(s *Settings) { s.ResetBackoff.JitterPercent = 100 }, Open, 45 * time.Second, 0},
		"something else":              {"F F F +5s", func(s *Settings) { s.FailureThreshold = 9 }, Open, 30 * time.Second, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRigRand(t, base(), func() float64 { return .75 })
			r.play(tt.script)
			r.reconfigure(tt.change)
			o := r.observe()
			if o.State != tt.want || o.NextProbeAt != tt.next || o.Since != tt.since {
				t.Errorf("%v since %v, next probe at %v; want %v since %v, %v", o.State, o.Since, o.NextProbeAt, tt.want, tt.since, tt.next)
			}
		})
	}
}

func TestReconfigureMaxProbesAtTheNextAcquire(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.MaxProbes, s.SuccessThreshold = 2, 5 }))
	r.play("F F F +30s a1 a2 x")
	r.reconfigure(func(s *Settings) { s.MaxProbes = 3 })
	r.play("a3 x")
	r.reconfigure(func(s *Settings) { s.MaxProbes = 1 })
	r.play("x 1S x 2S x 3S =HalfOpen a4 x 4S S =Closed")
}

func TestReconfigureWindowKeepsWhatItKnew(t *testing.T) {
	tests := map[string]struct {
		script string
		window time.Duration
		later  string
		want   int
	}{
		"longer knows all":                     {"F +1s S +1s F +7s", time.Minute, "", 3},
		"longer keeps them longer":             {"F +1s S +1s F +7s", time.Minute, "+50s", 3},
		"longer does not invent the forgotten": {"F F +10s S", time.Minute, "", 1},
		"shorter drops what is too old for it": {"F +1s S +1s F +7s", 5 * time.Second, "", 0},
		"shorter keeps what is new enough":     {"F +5s S +3s F +1s", 5 * time.Second, "", 2},
		"shorter forgets in its own time":      {"F +5s S +3s F", 5 * time.Second, "+5s", 0},
		"old calls of a coarse bucket are old": {"F +9s", 8 * time.Second, "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, with(func(s *Settings) { s.FailureThreshold = 0 }))
			r.play(tt.script)
			r.reconfigure(func(s *Settings) { s.Window = tt.window })
			r.play(tt.later)
			if got := r.observe().WindowCalls; got != tt.want {
				t.Errorf("it knows %d calls, want %d", got, tt.want)
			}
		})
	}
}

func TestReconfigureKeepsRunAndPermits(t *testing.T) {
	r := newRig(t, base())
	r.play("F a1 F")
	r.reconfigure(func(s *Settings) {
		s.Window, s.MaxProbes, s.SuccessThreshold, s.ProbeLease = time.Minute, 5, 3, time.Second
		s.Bulkhead = BulkheadSettings{1, 1, time.Second}
	})
	if got := r.observe().FailureCount; got != 2 {
		t.Errorf("%d failures left of 2", got)
	}
	r.play("1F =Open")
}

func TestReconfigureUnderAnOverride(t *testing.T) {
	r := newRig(t, base())
	r.play("F F")
	r.reconfigure(forced(ForceClosed, 0))
	r.reconfigure(func(s *Settings) { s.FailureThreshold = 2 })
	r.play("?Closed S")
	r.reconfigure(forced(NoOverride, 0))
	r.play("?Open x")
	if got, want := r.reasons(), "Open(OverrideEnded)"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestReconfigureTellsTheOverrideBeforeTheRules(t *testing.T) {
	r := newRig(t, base())
	r.play("F F")
	r.reconfigure(forced(ForceOpen, 0))
	r.reconfigure(func(s *Settings) { s.Override, s.FailureThreshold = Override{}, 2 })
	want := "Open(OverrideBegan) Closed(OverrideEnded) Open(ConsecutiveFailures)"
	if got := r.reasons(); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	r = newRig(t, base())
	r.play("F F")
	r.reconfigure(func(s *Settings) { s.Override, s.FailureThreshold = Override{Kind: ForceOpen}, 2 })
	if got, want := r.reasons(), "Open(OverrideBegan)"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}
