package circuit

import "testing"

// TestLateResults: a result that arrives after the state has changed changes
// nothing.
func TestLateResults(t *testing.T) {
	two := with(func(s *Settings) { s.SuccessThreshold, s.MaxProbes = 2, 2 })
	tests := map[string]struct {
		settings Settings
		script   string
		told     string
	}{
		"a late success does not close a half-open circuit": {base(), "a1 F F F +30s =HalfOpen 1S =HalfOpen S =Closed",
			"Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"a late failure does not reopen a half-open circuit": {base(), "a1 F F F +30s =HalfOpen 1F =HalfOpen S =Closed",
			"Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"a late failure does not prolong an open one": {base(), "a1 F F F +29s 1F +1s =HalfOpen",
			"Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed)"},
		"a late throttling does not prolong an open one": {base(), "a1 F F F +29s 1T +1s =HalfOpen",
			"Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed)"},
		"a late failure counts nothing once closed again": {base(), "a1 a2 a3 F F F +30s S =Closed 1F 2F 3F =Closed",
			"Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"a late success of one probe counts nothing after another failed": {two, "F F F +30s a1 a2 1F =Open 2S =Open +30s S =HalfOpen S =Closed",
			"Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Open(ProbeFailed) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"a late probe frees no place of the next half-open": {base(), "F F F +30s a1 +60s =Open +30s a2 x 1S x 2S =Closed",
			"Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Open(ProbeTimedOut) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"a late failure of a probe after the others closed": {two, "F F F +30s a1 S a2 1S =Closed 2F =Closed F F =Closed",
			"Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"what began before a reset counts nothing": {base(), "a1 a2 F F reset 1F 2F F F =Closed", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.settings)
			r.play(tt.script)
			if got := r.reasons(); got != tt.told {
				t.Errorf("told\n%s, want\n%s", got, tt.told)
			}
		})
	}
}

func TestALateResultLeavesEveryCountOfTheStateAlone(t *testing.T) {
	r := newRig(t, base())
	r.play("a1 a2 F F F +30s S =Closed")
	before := r.observe()
	r.play("1F 2S")
	after := r.observe()
	if after.FailureCount != before.FailureCount || after.WindowCalls != before.WindowCalls ||
		after.LastFailureAt != before.LastFailureAt || after.HealthScore != before.HealthScore {
		t.Errorf("late results changed %+v to %+v", before, after)
	}
	if after.Totals.Failures != before.Totals.Failures+1 || after.Totals.Successes != before.Totals.Successes+1 {
		t.Errorf("late results are calls all the same: totals %+v, before %+v", after.Totals, before.Totals)
	}
}

func TestRefusalsAreNotCalls(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F x x x")
	o := r.observe()
	if o.Totals.Failures != 3 || o.Totals.Refused[CircuitOpen] != 3 {
		t.Errorf("totals %+v, want 3 failures and 3 refused", o.Totals)
	}
	r.play("+30s a1 x x")
	if o := r.observe(); o.Totals.Refused[ProbesBusy] != 2 || o.Totals.Failures != 3 {
		t.Errorf("totals %+v, want 2 refused for busy probes and 3 failures", o.Totals)
	}
}
