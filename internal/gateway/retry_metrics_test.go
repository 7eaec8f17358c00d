package gateway_test

import (
	"math"
	"testing"
	"testing/synctest"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// sum is that of a histogram, over all its series, in seconds.
func (r *bubbleRig) sum(metric string) float64 {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	total := 0.0
	for _, f := range families {
		if f.GetName() == "switchgear_"+metric {
			for _, m := range f.GetMetric() {
				total += m.GetHistogram().GetSampleSum()
			}
		}
	}
	return total
}

// TestDurationsOfAttempts are each attempt's own, without what was waited for
// between; the time to the first token is of those that brought one.
func TestDurationsOfAttempts(t *testing.T) {
	inBubble(t, nil, 2, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500, HeaderDelay: 2 * second})
		r.fault(1, providersim.Fault{FirstTokenDelay: 3 * second, TokenDelay: second})
		r.ask(chatStream)
		r.wantStory("b0@0s b0@2.5s b0@5.5s b1@7.5s")
		r.wantTally("b0:3 b1:1", "attempt_duration_seconds", "backend")
		r.wantTally("b1:1", "first_token_seconds", "backend")
		// Of 8 tokens, 7 come a second after the one before.
		if got := r.sum("attempt_duration_seconds"); math.Abs(got-(3*2+3+7)) > .001 {
			t.Errorf("attempts took %v s, want 16", got)
		}
		if got := r.sum("first_token_seconds"); math.Abs(got-3) > .001 {
			t.Errorf("first tokens took %v s, want 3", got)
		}
	})
}

// TestWhatIsHeldBetweenAttempts: the request's body, and the answer that the
// client may get.
func TestWhatIsHeldBetweenAttempts(t *testing.T) {
	held := func(r *bubbleRig) int { return r.counts("switchgear_buffered_bytes", "")[""] }
	inBubble(t, nil, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 503, RetryAfter: "4", Body: block(100_000), Requests: 1})
		answer := make(chan told)
		go func() { answer <- r.ask(chatWhole) }()
		synctest.Wait()
		if n := held(r); n < 100_000+len(chatWhole.body) || n > 200_000 {
			t.Errorf("%d bytes are held", n)
		}
		if a := <-answer; !asWell(&a, "b0") {
			t.Errorf("the client got %d", a.status)
		}
		synctest.Wait()
		if n := held(r); n != 0 {
			t.Errorf("%d bytes are held in the end", n)
		}
	})
}

// TestSeriesGoWithTheirBackends and routes, and not before.
func TestSeriesGoWithTheirBackends(t *testing.T) {
	tune := func(s *streamSetup) { endlessly(s); s.Retry.BudgetPercent = 0 }
	inBubble(t, tune, 2, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500})
		r.burst(5, chatWhole)
		r.ask(messagesWhole)
		apply := func(edit func(*gateway.Snapshot), providers ...string) {
			snapshot := newStreamSetup(t, func(s *streamSetup) { balanced(s); tune(s) }).snapshot(t, providers)
			edit(snapshot)
			r.gw.Apply(snapshot)
		}
		const retries, fallbacks, spent = "claude b0:1 gpt b0:3", "claude b0 b1:1 gpt b0 b1:5", "gpt:2"
		check := func(retries, fallbacks, spent string) {
			t.Helper()
			r.wantTally(retries, "retries_total", "route", "backend")
			r.wantTally(fallbacks, "fallbacks_total", "route", "from", "to")
			r.wantTally(spent, "retry_budget_exhausted_total", "route")
		}
		check(retries, fallbacks, spent)
		apply(func(*gateway.Snapshot) {}, "http://b0", "http://b1")
		check(retries, fallbacks, spent)
		apply(func(*gateway.Snapshot) {}, "http://b0")
		check(retries, "", spent)
		apply(func(s *gateway.Snapshot) { s.Routes = s.Routes[1:] }, "http://b0")
		check("claude b0:1", "", "")
	})
}
