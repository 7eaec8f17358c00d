package circuit

import (
	"testing"
	"time"
)

func TestObserveModeDecidesAndRefusesNothing(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.Mode = Observe }))
	r.play("F F F ?Open S S F T ?Open +30s a1 a2 a3 2F 3S ?HalfOpen 1S ?Closed")
	want := "Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"
	if got := r.reasons(); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	o := r.observe()
	if o.Totals.Refused[CircuitOpen] != 4 || o.Totals.Refused[ProbesBusy] != 2 {
		t.Errorf("it would have refused 4 as open and 2 beside the probe, counted %v", o.Totals.Refused)
	}
	r.play("F F F ?Open")
	if refusal, ok := r.c.Admits(r.now); !ok || refusal.Reason != CircuitOpen {
		t.Errorf("Admits: %+v, %v; want the reason why it would have been refused, and true", refusal, ok)
	}
}

func TestObserveModeDoesNotEvenObeyForcedOpen(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.Mode = Observe }))
	r.reconfigure(forced(ForceOpen, 0))
	r.play("?Open S S")
	if got := r.observe().Totals.Refused[ForcedOpen]; got != 2 {
		t.Errorf("%d would have been refused, want 2", got)
	}
}

func TestFromObserveToEnforceAndBackKeepsTheState(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.Mode = Observe }))
	r.play("F F F S")
	r.reconfigure(func(s *Settings) { s.Mode = Enforce })
	r.play("?Open x")
	r.reconfigure(func(s *Settings) { s.Mode = Observe })
	r.play("?Open S +30s S ?Closed")
	want := "Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"
	if got := r.reasons(); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestDisabledRecordsNothing(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.Mode = Disabled }))
	r.play("F F F F F T a1 t1 1F ?Closed")
	if o := r.observe(); o.Totals != (Totals{}) || o.WindowCalls != 0 || o.FailureCount != 0 || o.HasFailure || o.HealthScore != 100 {
		t.Errorf("it recorded: %+v", o)
	}
	r.reconfigure(forced(ForceOpen, 0))
	r.play("?Closed S")
	if got := r.reasons(); got != "" {
		t.Errorf("told %s", got)
	}
	if _, ok := r.c.Deadline(r.now); ok {
		t.Error("it has a deadline")
	}
}

func TestLeavingDisabledStartsClosedAndEmpty(t *testing.T) {
	tests := map[string]struct{ before, while string }{
		"failures before":         {"F F", ""},
		"failures while disabled": {"", "F F F F"},
		"begun while disabled":    {"", "a1 a2"},
		"begun before":            {"a1 a2", ""},
		"open before":             {"F F F", ""},
		"half-open before":        {"F F F +30s a1 a2", ""},
		"warned before":           {"warn", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, with(func(s *Settings) { s.MaxProbes = 2 }))
			r.play(tt.before)
			r.reconfigure(func(s *Settings) { s.Mode = Disabled })
			r.play("?Closed " + tt.while)
			r.reconfigure(func(s *Settings) { s.Mode = Enforce })
			o := r.observe()
			if o.State != Closed || o.FailureCount != 0 || o.WindowCalls != 0 || o.HasFailure || o.Warned || o.Opened {
				t.Errorf("starts with %+v", o)
			}
			if r.permits["1"] != nil {
				r.play("1F 2F")
			}
			r.play("F F ?Closed F ?Open")
			if got := r.observe().BackoffLevel; got != 0 {
				t.Errorf("opened at level %d", got)
			}
		})
	}
}

func TestDisablingAnOpenCircuitIsTold(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F +5s")
	r.reconfigure(func(s *Settings) { s.Mode = Disabled })
	if last := r.observe().Last; last.To != Closed || last.Reason != ModeChanged || last.At != 5*time.Second {
		t.Errorf("told %+v", last)
	}
}

func TestDisabledEndsAnOverrideAndEnforceBeginsItAgain(t *testing.T) {
	r := newRig(t, with(forced(ForceOpen, time.Hour)))
	r.reconfigure(func(s *Settings) { s.Mode = Disabled })
	r.play("?Closed S")
	r.reconfigure(func(s *Settings) { s.Mode = Enforce })
	r.play("?Open x +1h =Closed")
	want := "Closed(ModeChanged) Open(OverrideBegan) Closed(OverrideEnded)"
	if got := r.reasons(); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}
