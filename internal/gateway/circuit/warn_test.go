package circuit

import "testing"

func TestWarned(t *testing.T) {
	tests := map[string]struct {
		script string
		warned bool
		told   string
	}{
		"nobody is refused":                               {"warn =Closed S warn a1 a2 a3", true, ""},
		"the next failure opens":                          {"warn F =Open", false, "Open(Warned)"},
		"a failure begun before opens too":                {"a1 warn 1F =Open", false, "Open(Warned)"},
		"a success clears it":                             {"warn S F =Closed", false, ""},
		"a success begun before does not":                 {"a1 warn 1S F =Open", false, "Open(Warned)"},
		"ignored leaves it":                               {"warn I F =Open", false, "Open(Warned)"},
		"time leaves it":                                  {"warn +24h F =Open", false, "Open(Warned)"},
		"warned again, only what began after it clears":   {"warn a1 warn 1S F =Open", false, "Open(Warned)"},
		"a reset clears it":                               {"warn reset F =Closed", false, ""},
		"an open circuit needs no warning":                {"F F F warn +30s S F =Closed", false, "Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"nor does a half-open one":                        {"F F F +30s warn S F =Closed", false, "Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"it does not outlive the opening that it brought": {"warn F +30s S F =Closed", false, "Open(Warned) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, base())
			r.play(tt.script)
			if got := r.reasons(); got != tt.told || r.observe().Warned != tt.warned {
				t.Errorf("told %q, warned %v; want %q, %v", got, r.observe().Warned, tt.told, tt.warned)
			}
		})
	}
}

func TestWarnedSaysWhatFailed(t *testing.T) {
	r := newRig(t, base())
	r.play("warn F")
	want := "a failure after a warning from another replica: 1 × HTTP 503"
	if got := r.observe().Last.Message(); got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestADisabledCircuitCannotBeWarned(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.Mode = Disabled }))
	r.play("warn")
	r.reconfigure(func(s *Settings) { s.Mode = Enforce })
	r.play("F =Closed")
}
