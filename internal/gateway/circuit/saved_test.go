package circuit

import (
	"testing"
	"time"
)

func TestSaveAndRestore(t *testing.T) {
	tests := map[string]struct {
		script string
		saved  Saved
		state  State // of the circuit that restores, 20 s after the save
		told   string
	}{
		"closed":             {"F F", Saved{}, Closed, ""},
		"open":               {"F F F +5s", Saved{Open, 0, 30 * time.Second, 0}, Open, "Open(Restored)"},
		"open, its end came": {"F F F +15s", Saved{Open, 0, 30 * time.Second, 0}, HalfOpen, "Open(Restored) HalfOpen(ResetTimeoutElapsed)"},
		"half-open":          {"F F F +35s", Saved{HalfOpen, 0, 30 * time.Second, 0}, HalfOpen, "Open(Restored) HalfOpen(ResetTimeoutElapsed)"},
		"reopened":           {"F F F +30s F", Saved{Open, 30 * time.Second, 60 * time.Second, 1}, Open, "Open(Restored)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			old := newRig(t, base())
			old.play(tt.script)
			saved := old.c.Save(old.now)
			if saved != tt.saved {
				t.Fatalf("saved %+v, want %+v", saved, tt.saved)
			}
			r := newRig(t, base())
			r.now = old.now + 20*time.Second
			r.c.Restore(saved, r.now)
			r.wantState(tt.state)
			if got := r.reasons(); got != tt.told {
				t.Errorf("told %q, want %q", got, tt.told)
			}
			o := r.observe()
			if tt.state == Open && (o.OpenedAt != saved.Since || o.NextProbeAt != saved.Until) || o.BackoffLevel != saved.BackoffLevel {
				t.Errorf("restored as %+v from %+v", o, saved)
			}
			if at := o.Last.At; o.HasLast && at != r.now {
				t.Errorf("told as of %v, want now, %v", at, r.now)
			}
		})
	}
}

func TestARestoredCircuitGoesOn(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.ResetBackoff.Multiplier = 2 }))
	r.now = time.Minute
	r.c.Restore(Saved{Open, 30 * time.Second, 90 * time.Second, 1}, r.now)
	r.play("x +29s x +1s F ?Open")
	if o := r.observe(); o.BackoffLevel != 2 || o.NextProbeAt-r.now != 2*time.Minute {
		t.Errorf("level %d, open for %v; want 2, 2m0s", o.BackoffLevel, o.NextProbeAt-r.now)
	}
	r.play("+2m S ?Closed")
}

func TestRestoreBounds(t *testing.T) {
	now := time.Hour
	tests := map[string]struct {
		settings Settings
		script   string
		saved    Saved
		state    State
		next     time.Duration
	}{
		"never longer than the maximum from now": {base(), "", Saved{Open, 0, 24 * time.Hour, 0}, Open, now + 5*time.Minute},
		"opened before this process":             {base(), "", Saved{Open, -time.Hour, now + time.Second, 0}, Open, now + time.Second},
		"never closes":                           {base(), "F F F", Saved{State: Closed}, Open, now + 30*time.Second},
		"an open circuit knows better":           {base(), "F F F", Saved{Open, 0, now + time.Second, 7}, Open, now + 30*time.Second},
		"a disabled circuit stays so":            {with(func(s *Settings) { s.Mode = Disabled }), "", Saved{Open, 0, now + time.Second, 0}, Closed, 0},
		"under forced open":                      {with(forced(ForceOpen, 0)), "", Saved{Open, 0, now + time.Second, 0}, Open, 0},
		"under forced closed":                    {with(forced(ForceClosed, 0)), "", Saved{Open, 0, now + time.Second, 0}, Closed, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.settings)
			r.now = now
			r.play(tt.script)
			r.c.Restore(tt.saved, now)
			if o := r.observe(); o.State != tt.state || o.NextProbeAt != tt.next {
				t.Errorf("%v, next probe at %v; want %v, %v", o.State, o.NextProbeAt, tt.state, tt.next)
			}
		})
	}
}

func TestARestoredCircuitDidNotOpenInTheFuture(t *testing.T) {
	r := newRig(t, base())
	r.c.Restore(Saved{Open, time.Minute, 2 * time.Minute, 0}, time.Second)
	if got := r.observe().OpenedAt; got != time.Second {
		t.Errorf("opened at %v, want now, 1s", got)
	}
}

func TestAnUnrelatedChangeLeavesARestoredEndAlone(t *testing.T) {
	r := newRig(t, base())
	r.c.Restore(Saved{Open, 0, 2 * time.Minute, 0}, 0)
	r.reconfigure(func(s *Settings) { s.FailureThreshold = 9 })
	if got := r.observe().NextProbeAt; got != 2*time.Minute {
		t.Errorf("next probe at %v, want 2m0s", got)
	}
}

func TestSaveLooksBeneathAnOverride(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F")
	r.reconfigure(forced(ForceClosed, 0))
	if got, want := r.c.Save(r.now), (Saved{Open, 0, 30 * time.Second, 0}); got != want {
		t.Errorf("saved %+v, want %+v", got, want)
	}
}

func TestReset(t *testing.T) {
	for _, script := range []string{"F F", "F F F", "F F F +30s a1", "F F F +45s", "F F F +30s F", "F warn", "a1 F F"} {
		t.Run(script, func(t *testing.T) {
			r := newRig(t, with(func(s *Settings) { s.FailureRate = RateRule{100, 100} }))
			r.play(script + " reset ?Closed")
			o := r.observe()
			if o.FailureCount != 0 || o.WindowCalls != 0 || o.Opened || o.BackoffLevel != 0 || o.Warned || o.HasFailure ||
				o.HealthScore != 100 || !o.AtRest {
				t.Errorf("not zeroed: %+v", o)
			}
			if o.Totals.Failures == 0 {
				t.Error("a total fell")
			}
			if _, ok := r.c.Deadline(r.now); ok {
				t.Error("it has a deadline")
			}
			r.play("F F ?Closed F ?Open")
		})
	}
}

func TestResetOfAnOpenCircuitIsTold(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F +45s reset")
	if got, want := r.reasons(), "Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(Reset)"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	r.play("reset")
	if got := len(r.transitions()); got != 3 {
		t.Errorf("resetting a closed circuit told a transition")
	}
}
