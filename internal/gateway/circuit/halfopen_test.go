package circuit

import (
	"testing"
	"time"
)

func TestHalfOpen(t *testing.T) {
	one := base()
	two := with(func(s *Settings) { s.MaxProbes = 2 })
	need := with(func(s *Settings) { s.SuccessThreshold = 2 })
	const opened = "Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed)"
	tests := map[string]struct {
		settings Settings
		script   string
		told     string // after half-opening
	}{
		"one probe at a time":                     {one, "a1 x x 1S =Closed", " Closed(ProbesSucceeded)"},
		"two probes at a time":                    {two, "a1 a2 x 1S =Closed", " Closed(ProbesSucceeded)"},
		"as many successes as asked for":          {need, "S =HalfOpen S =Closed", " Closed(ProbesSucceeded)"},
		"a place is free after a success":         {need, "a1 x 1S a2 x 2S =Closed", " Closed(ProbesSucceeded)"},
		"any failure reopens":                     {need, "S F =Open x", " Open(ProbeFailed)"},
		"throttled reopens":                       {need, "S T =Open x", " Open(ProbeFailed)"},
		"successes are counted anew":              {need, "S F +30s S =HalfOpen S =Closed", " Open(ProbeFailed) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"ignored frees the place, decides nought": {one, "a1 x 1I =HalfOpen I I I =HalfOpen S =Closed", " Closed(ProbesSucceeded)"},
		"it lasts without traffic":                {one, "+24h =HalfOpen S =Closed", " Closed(ProbesSucceeded)"},

		"a probe that never returns reopens":       {one, "a1 +59s =HalfOpen x +1s =Open", " Open(ProbeTimedOut)"},
		"an end after the lease is legal":          {one, "a1 +60s 1S =Open", " Open(ProbeTimedOut)"},
		"a first token after the lease is legal":   {one, "a1 +60s t1 =Open +1s 1S =Open", " Open(ProbeTimedOut)"},
		"it cannot wedge":                          {one, "a1 +90s a2 x +90s a3 3S =Closed", " Open(ProbeTimedOut) HalfOpen(ResetTimeoutElapsed) Open(ProbeTimedOut) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"an expired lease is settled by a refusal": {two, "a1 +1s a2 +59s x", " Open(ProbeTimedOut)"},

		"a first token is the success":                 {one, "a1 t1 =Closed 1S =Closed", " Closed(ProbesSucceeded)"},
		"a first token frees the place":                {need, "a1 x t1 a2 x =HalfOpen t2 =Closed", " Closed(ProbesSucceeded)"},
		"the stream's end is not a second success":     {need, "a1 t1 1S =HalfOpen S =Closed", " Closed(ProbesSucceeded)"},
		"the stream's failure counts once half-open":   {need, "a1 t1 1F =Open", " Open(ProbeFailed)"},
		"the stream's throttling too":                  {need, "a1 t1 1T =Open", " Open(ProbeFailed)"},
		"the stream's being ignored decides nothing":   {need, "a1 t1 1I =HalfOpen S =Closed", " Closed(ProbesSucceeded)"},
		"the stream's failure counts once closed":      {one, "a1 t1 F F 1F =Open", " Closed(ProbesSucceeded) Open(ConsecutiveFailures)"},
		"the stream's success counts not once closed":  {one, "a1 t1 F F 1S F =Open", " Closed(ProbesSucceeded) Open(ConsecutiveFailures)"},
		"the stream's failure is dropped once open":    {one, "a1 t1 F F F 1F +30s =HalfOpen S =Closed", " Closed(ProbesSucceeded) Open(ConsecutiveFailures) HalfOpen(ResetTimeoutElapsed) Closed(ProbesSucceeded)"},
		"the stream outlasts the lease, its place not": {need, "a1 t1 +10m =HalfOpen S =Closed", " Closed(ProbesSucceeded)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.settings)
			r.play("F F F +30s =HalfOpen")
			r.play(tt.script)
			if got := r.reasons(); got != opened+tt.told {
				t.Errorf("told\n%s, want\n%s", got, opened+tt.told)
			}
		})
	}
}

func TestAnExpiredLeaseReopensAtItsOwnTime(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F +30s a1 +70s settle ?Open")
	o := r.observe()
	if o.OpenedAt != 90*time.Second || o.NextProbeAt != 120*time.Second || o.LastFailureAt != 90*time.Second {
		t.Errorf("opened at %v until %v, last failure at %v; want 1m30s, 2m0s and 1m30s", o.OpenedAt, o.NextProbeAt, o.LastFailureAt)
	}
}

func TestAProbesRetryAfterProlongs(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F +30s a1")
	r.end("1", Result{Outcome: Failure, Label: "HTTP 503", RetryAfter: time.Minute})
	if got := r.observe().NextProbeAt; got != 90*time.Second {
		t.Errorf("next probe at %v, want a minute after 30s", got)
	}
	if got, want := r.observe().Last.Message(), "a probe failed: 1 × HTTP 503"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestAStreamedProbeIsOneCallInTheTotals(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F +30s a1 t1 1S")
	if got := r.observe().Totals; got.Successes != 1 || got.Failures != 3 || got.Opens != 1 {
		t.Errorf("totals %+v, want 1 success, 3 failures, 1 opening", got)
	}
}

func TestEverybodyElseIsRefusedAsIfOpen(t *testing.T) {
	r := newRig(t, base())
	r.play("F F F +30s a1")
	if refusal, ok := r.c.Admits(r.now); ok || refusal.Reason != ProbesBusy {
		t.Errorf("Admits: %+v, %v", refusal, ok)
	}
	if _, refusal, ok := r.c.Acquire(r.now); ok || refusal.Reason != ProbesBusy {
		t.Errorf("Acquire: %+v, %v", refusal, ok)
	}
}

func TestAdmitsAgreesWithAcquireWhenTheProbeHasExpired(t *testing.T) {
	for _, later := range []string{"+59s", "+60s", "+89s", "+90s", "+200s"} {
		r := newRig(t, base())
		r.play("F F F +30s a1 " + later)
		_, would := r.c.Admits(r.now)
		if _, _, did := r.c.Acquire(r.now); did != would {
			t.Errorf("%s after the probe began: Admits says %v, Acquire %v", later, would, did)
		}
	}
}
