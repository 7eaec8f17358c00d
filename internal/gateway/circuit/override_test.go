package circuit

import (
	"testing"
	"time"
)

func forced(kind OverrideKind, until time.Duration) func(*Settings) {
	return func(s *Settings) { s.Override = Override{kind, until} }
}

func TestForcedOpenAdmitsNothingAndNeverProbes(t *testing.T) {
	r := newRig(t, base())
	r.reconfigure(forced(ForceOpen, 0))
	r.play("=Open x +24h =Open x")
	o := r.observe()
	if o.Probing || o.Override != ForceOpen || o.Totals.Refused[ForcedOpen] != 2 || o.AtRest {
		t.Errorf("probing %v, override %v, refused %v", o.Probing, o.Override, o.Totals.Refused)
	}
	if refusal, ok := r.c.Admits(r.now); ok || refusal != (Refusal{Reason: ForcedOpen}) {
		t.Errorf("Admits: %+v, %v", refusal, ok)
	}
	if at, ok := r.c.Deadline(r.now); ok {
		t.Errorf("deadline %v of an override without end", at)
	}
	r.reconfigure(forced(NoOverride, 0))
	r.play("?Closed S")
	if got, want := r.reasons(), "Open(OverrideBegan) Closed(OverrideEnded)"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestForcedOpenWithAnEndSaysWhenToComeBack(t *testing.T) {
	r := newRig(t, base())
	r.reconfigure(forced(ForceOpen, time.Hour))
	if last := r.observe().Last; last.Until != time.Hour {
		t.Errorf("told to be open until %v, want 1h", last.Until)
	}
	if _, refusal, ok := r.c.Acquire(0); ok || refusal != (Refusal{ForcedOpen, time.Hour}) {
		t.Errorf("Acquire: %+v, %v", refusal, ok)
	}
	if at, ok := r.c.Deadline(0); !ok || at != time.Hour {
		t.Errorf("deadline %v, %v, want 1h", at, ok)
	}
}

func TestForcedClosedRefusesNothing(t *testing.T) {
	r := newRig(t, base())
	r.reconfigure(forced(ForceClosed, 0))
	r.play("F F F F F F F ?Closed +30s a1 a2 a3 1S 2F 3F S ?Closed")
	if got := r.reasons(); got != "" {
		t.Errorf("told %s though callers met a closed circuit throughout", got)
	}
}

// TestTheStateUnderneathGoesOn: what happens under an override is met when it
// ends.
func TestTheStateUnderneathGoesOn(t *testing.T) {
	tests := map[string]struct {
		kind   OverrideKind
		script string
		want   State
		told   string
	}{
		"opened under forced closed":        {ForceClosed, "F F F", Open, "Open(OverrideEnded)"},
		"half-open by its end":              {ForceClosed, "F F F +30s", HalfOpen, "HalfOpen(OverrideEnded)"},
		"closed again by probes":            {ForceClosed, "F F F +30s S", Closed, ""},
		"reopened by a probe":               {ForceClosed, "F F F +30s F", Open, "Open(OverrideEnded)"},
		"let through while open: no probes": {ForceClosed, "F F F a1 +30s 1S", HalfOpen, "HalfOpen(OverrideEnded)"},
		"let through beside the probe":      {ForceClosed, "F F F +30s a1 a2 2F a3 3S", HalfOpen, "HalfOpen(OverrideEnded)"},
		"reset under forced closed":         {ForceClosed, "F F F reset", Closed, ""},
		"reset under forced open":           {ForceOpen, "reset", Closed, "Open(OverrideBegan) Closed(OverrideEnded)"},
		"nothing happened":                  {ForceOpen, "x", Closed, "Open(OverrideBegan) Closed(OverrideEnded)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, base())
			r.reconfigure(forced(tt.kind, 0))
			r.play(tt.script)
			r.reconfigure(forced(NoOverride, 0))
			r.wantState(tt.want)
			if got := r.reasons(); got != tt.told {
				t.Errorf("told %q, want %q", got, tt.told)
			}
		})
	}
}

func TestResultsCountUnderForcedOpen(t *testing.T) {
	r := newRig(t, base())
	r.play("a1 a2 a3")
	r.reconfigure(forced(ForceOpen, 0))
	r.play("1F 2F 3F ?Open")
	r.reconfigure(forced(NoOverride, 0))
	r.play("?Open x")
	if got := r.observe(); got.NextProbeAt != 30*time.Second || got.Totals.Opens != 1 {
		t.Errorf("next probe at %v after %d openings", got.NextProbeAt, got.Totals.Opens)
	}
	if got, want := r.reasons(), "Open(OverrideBegan)"; got != want {
		t.Errorf("told %s, want %s: callers met an open circuit throughout", got, want)
	}
}

// TestAnOverrideEndsByItsTime, whoever comes first to see it.
func TestAnOverrideEndsByItsTime(t *testing.T) {
	for _, first := range []string{"settle", "S", "warn", "+1ns settle", "+10s a1"} {
		t.Run(first, func(t *testing.T) {
			r := newRig(t, base())
			r.reconfigure(forced(ForceOpen, time.Minute))
			r.play("+59s x +1s " + first + " ?Closed")
			last := r.observe().Last
			if r.reasons() != "Open(OverrideBegan) Closed(OverrideEnded)" || last.At != time.Minute {
				t.Errorf("told %s, the last at %v", r.reasons(), last.At)
			}
			if _, ok := r.c.Deadline(r.now); ok {
				t.Error("there is a deadline left")
			}
		})
	}
}

func TestATripAfterAnUnsettledEndOfAnOverrideIsTold(t *testing.T) {
	r := newRig(t, base())
	r.reconfigure(forced(ForceOpen, time.Minute))
	r.play("+2m F F F ?Open")
	want := "Open(OverrideBegan) Closed(OverrideEnded) Open(ConsecutiveFailures)"
	if got := r.reasons(); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

// TestDueTogether: an override that ends between other due times is told
// between them, however late they are settled.
func TestDueTogether(t *testing.T) {
	tests := map[string]struct {
		until time.Duration
		kind  OverrideKind
		want  string
		at    time.Duration // of the last
	}{
		"forced closed ends while open":      {20 * time.Second, ForceClosed, "Open(OverrideEnded) HalfOpen(ResetTimeoutElapsed)", 30 * time.Second},
		"forced closed ends after":           {40 * time.Second, ForceClosed, "HalfOpen(OverrideEnded)", 40 * time.Second},
		"forced closed ends at the same":     {30 * time.Second, ForceClosed, "HalfOpen(OverrideEnded)", 30 * time.Second},
		"forced open ends while open":        {20 * time.Second, ForceOpen, "Open(OverrideBegan) HalfOpen(ResetTimeoutElapsed)", 30 * time.Second},
		"forced open ends after":             {40 * time.Second, ForceOpen, "Open(OverrideBegan) HalfOpen(OverrideEnded)", 40 * time.Second},
		"forced open ends at the same":       {30 * time.Second, ForceOpen, "Open(OverrideBegan) HalfOpen(OverrideEnded)", 30 * time.Second},
		"forced closed, not even settled on": {0, ForceClosed, "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, base())
			r.play("a1 a2 a3")
			r.reconfigure(forced(tt.kind, tt.until))
			r.play("1F 2F 3F +1h settle")
			if got := r.reasons(); got != tt.want || r.observe().Last.At != tt.at {
				t.Errorf("told %q, the last at %v; want %q, %v", got, r.observe().Last.At, tt.want, tt.at)
			}
		})
	}
}

func TestACircuitMadeUnderAnOverrideBeginsWithIt(t *testing.T) {
	r := newRig(t, with(forced(ForceOpen, time.Minute)))
	r.play("?Open x +1m =Closed S")
	if got, want := r.reasons(), "Closed(OverrideEnded)"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	r = newRig(t, with(forced(ForceOpen, time.Minute)))
	r.c = New(r.s, time.Minute, Options{})
	r.now = time.Minute
	r.play("?Closed S")
}

func TestAnOverrideThatIsOverIsNone(t *testing.T) {
	r := newRig(t, base())
	r.play("+1h")
	r.reconfigure(forced(ForceOpen, time.Minute))
	r.play("?Closed S")
	if _, ok := r.c.Deadline(r.now); ok || r.reasons() != "" {
		t.Errorf("it has a deadline, or told %q", r.reasons())
	}
}

func TestAnOverrideCanBeTurnedRound(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F")
	r.reconfigure(forced(ForceClosed, time.Hour))
	r.play("?Closed")
	r.reconfigure(forced(ForceOpen, time.Hour))
	r.play("?Open +2h =HalfOpen")
	want := "Open(ConsecutiveFailures) Closed(OverrideBegan) Open(OverrideBegan) HalfOpen(OverrideEnded)"
	if got := r.reasons(); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

func TestSinceIsOfTheStateThatCallersMeet(t *testing.T) {
	r := newRig(t, base())
	r.play("+10s")
	r.reconfigure(forced(ForceOpen, 0))
	if got := r.observe().Since; got != 10*time.Second {
		t.Errorf("forced open since %v, want 10s", got)
	}
	r.play("+10s")
	r.reconfigure(forced(NoOverride, 0))
	if got := r.observe().Since; got != 20*time.Second {
		t.Errorf("closed since %v, want 20s", got)
	}
}
