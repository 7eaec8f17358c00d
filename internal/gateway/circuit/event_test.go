package circuit

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryTransitionIsToldOnceInOrderWithItsCounts(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.ResetBackoff.Multiplier = 2 }))
	r.call(Result{Outcome: Failure, Label: "timeout"})
	r.call(Result{Outcome: Failure, Label: "HTTP 503"})
	r.call(Result{Outcome: Failure, Label: "HTTP 503"})
	r.play("+45s F +1h S")
	want := []Transition{
		{From: Closed, To: Open, Reason: ConsecutiveFailures, Until: 30 * time.Second,
			Counts: Counts{Consecutive: 3, Labels: []LabelCount{{"HTTP 503", 2}, {"timeout", 1}}}},
		{From: Open, To: HalfOpen, Reason: ResetTimeoutElapsed, At: 30 * time.Second},
		{From: HalfOpen, To: Open, Reason: ProbeFailed, At: 45 * time.Second, Until: 105 * time.Second, BackoffLevel: 1,
			Counts: Counts{Labels: []LabelCount{{"HTTP 503", 1}}}},
		{From: Open, To: HalfOpen, Reason: ResetTimeoutElapsed, At: 105 * time.Second},
		{From: HalfOpen, To: Closed, Reason: ProbesSucceeded, At: time.Hour + 45*time.Second},
	}
	if diff := cmp.Diff(want, r.transitions()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCountsAreAsTheyWereWhenItHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var told []Transition
		s := with(func(s *Settings) { s.FailureThreshold, s.FailureRate = 0, RateRule{50, 2} })
		c := New(s, 0, Options{OnEvent: func(tr Transition) { <-release; told = append(told, tr) }})
		end := func(o Outcome, now time.Duration) {
			p, _, _ := c.Acquire(now)
			p.End(Result{Outcome: o, Label: "HTTP 500"}, now)
		}
		end(Failure, 0)
		end(Success, 0)
		c.Reset(0)
		for range 5 {
			end(Success, time.Second)
		}
		close(release)
		synctest.Wait()
		want := Counts{Calls: 2, Failures: 1, Window: 10 * time.Second, Labels: []LabelCount{{"HTTP 500", 1}}}
		if len(told) != 2 || !cmp.Equal(told[0].Counts, want) {
			t.Errorf("told %+v, want first with %+v", told, want)
		}
	})
}

func TestAListenerHarmsNobody(t *testing.T) {
	listeners := map[string]func(c *Circuit, hang chan struct{}){
		"slow":   func(_ *Circuit, hang chan struct{}) { <-hang },
		"panics": func(*Circuit, chan struct{}) { panic("listener") },
		"calls back": func(c *Circuit, _ chan struct{}) {
			c.Observe(time.Hour)
			c.Settle(0)
			c.Save(0)
			if p, _, ok := c.Acquire(0); ok {
				p.End(Result{Outcome: Ignored}, 0)
			}
		},
		"resets": func(c *Circuit, _ chan struct{}) {
			if c.Observe(0).State == Open {
				c.Reset(0)
			}
		},
	}
	for name, listen := range listeners {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c *Circuit
				var told []Reason
				hang := make(chan struct{})
				c = New(base(), 0, Options{OnEvent: func(tr Transition) {
					told = append(told, tr.Reason)
					listen(c, hang)
				}})
				for range 3 {
					p, _, ok := c.Acquire(0)
					if !ok {
						t.Fatal("refused")
					}
					p.End(Result{Outcome: Failure}, 0)
				}
				c.Reset(0)
				if got := c.Observe(0).State; got != Closed {
					t.Errorf("state %v while the listener is at work", got)
				}
				close(hang)
				synctest.Wait()
				if diff := cmp.Diff([]Reason{ConsecutiveFailures, WasReset}, told); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

func TestThereNeedBeNoListener(t *testing.T) {
	c := New(base(), 0, Options{})
	for range 3 {
		p, _, _ := c.Acquire(0)
		p.End(Result{Outcome: Failure}, 0)
	}
	if o := c.Observe(0); o.State != Open || !o.HasLast {
		t.Errorf("%v, has a last transition: %v", o.State, o.HasLast)
	}
}

func TestTotalsOnlyEverRise(t *testing.T) {
	r := newRig(t, with(func(s *Settings) {
		s.SlowCallRate = SlowRule{100, time.Second, 1000}
		s.FailureRate = RateRule{100, 1000}
	}))
	r.play("S S F I a1 +1s 1S T x +30s a2 x t2 2S F F F reset")
	r.reconfigure(func(s *Settings) { s.Mode = Disabled })
	r.play("S F")
	r.reconfigure(func(s *Settings) { s.Mode = Enforce })
	o := r.observe()
	want := Totals{Successes: 4, Failures: 4, Throttled: 1, Ignored: 1, Slow: 1, Opens: 2}
	want.Refused[CircuitOpen], want.Refused[ProbesBusy] = 1, 1
	if diff := cmp.Diff(want, o.Totals); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUsed(t *testing.T) {
	r := newRig(t, with(forced(ForceOpen, 0)))
	if r.observe().Used {
		t.Error("used before any call")
	}
	r.play("x")
	if !r.observe().Used {
		t.Error("not used after a refusal")
	}
	r = newRig(t, base())
	r.play("a1")
	if !r.observe().Used {
		t.Error("not used with a call under way")
	}
}

func TestMessages(t *testing.T) {
	tests := map[Reason]string{
		SlowCallRate:        "8 of 10 calls were slow within 30s",
		ThrottledByProvider: "the provider asked to wait: 1 × HTTP 429",
		ProbeTimedOut:       "a probe did not end in time",
		ProbesSucceeded:     "the probes succeeded",
		ResetTimeoutElapsed: "the reset timeout elapsed: probes are let through",
		WasRestored:         "as it was before the restart",
		OverrideBegan:       "an override came into force",
		OverrideEnded:       "the override ended",
		ModeChanged:         "the policy's mode changed",
		"Unknown":           "Unknown",
	}
	for reason, want := range tests {
		tr := Transition{Reason: reason, Counts: Counts{Calls: 10, Slow: 8, Window: 30 * time.Second}}
		if reason == ThrottledByProvider {
			tr.Counts = oneCall(Result{Label: "HTTP 429"})
		}
		if got := tr.Message(); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}

func TestAFailureWithoutALabelIsOther(t *testing.T) {
	r := newRig(t, base())
	for _, label := range []string{"", "other", "timeout"} {
		r.call(Result{Outcome: Failure, Label: label})
	}
	if got, want := r.observe().Last.Message(), "3 consecutive failures: 2 × other, 1 × timeout"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	r.play("+30s a1")
	r.end("1", Result{Outcome: Failure})
	if got, want := r.observe().Last.Message(), "a probe failed: 1 × other"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}
