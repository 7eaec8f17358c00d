package circuit

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRules(t *testing.T) {
	consecutive := base()
	rate := with(func(s *Settings) {
		s.FailureThreshold = 0
		s.FailureRate = RateRule{Percent: 50, MinimumRequests: 4}
	})
	slow := with(func(s *Settings) {
		s.FailureThreshold = 0
		s.SlowCallRate = SlowRule{Percent: 50, Duration: 2 * time.Second, MinimumRequests: 2}
	})
	tests := map[string]struct {
		settings Settings
		script   string
		told     string
	}{
		"consecutive failures open":                    {consecutive, "F F =Closed F =Open x", "Open(ConsecutiveFailures)"},
		"a success ends the run":                       {consecutive, "F F S F F =Closed F =Open", "Open(ConsecutiveFailures)"},
		"an ignored call leaves the run alone":         {consecutive, "F F I F =Open", "Open(ConsecutiveFailures)"},
		"threshold 0 turns the rule off":               {with(func(s *Settings) { s.FailureThreshold = 0 }), strings.Repeat("F ", 50) + "=Closed", ""},
		"time does not end the run":                    {consecutive, "F F +1h F =Open", "Open(ConsecutiveFailures)"},
		"a stream begun before does not end it":        {consecutive, "a1 F F 1S F =Open", "Open(ConsecutiveFailures)"},
		"many begun before do not end it":              {consecutive, "a1 a2 a3 F 1S F 2S F =Open", "Open(ConsecutiveFailures)"},
		"begun between the first two ends it":          {consecutive, "F a1 F 1S F F =Closed F =Open", "Open(ConsecutiveFailures)"},
		"the run is counted from its first's end":      {consecutive, "a1 a2 1F 2S F F =Open", "Open(ConsecutiveFailures)"},
		"a new run looks at its own first failure":     {consecutive, "F a1 S F 1S F F =Open", "Open(ConsecutiveFailures)"},
		"a repeated failure does not lengthen the run": {consecutive, "F R R R R F =Closed F =Open", "Open(ConsecutiveFailures)"},
		"nor does it begin one":                        {consecutive, "R a1 F 1S F F =Open", "Open(ConsecutiveFailures)"},
		"a repeated failure counts in the window":      {rate, "F R R =Closed R =Open", "Open(FailureRate)"},
		"throttled opens at once":                      {consecutive, "T =Open x", "Open(Throttled)"},

		"the rate counts from the minimum on":        {rate, "F F F =Closed F =Open", "Open(FailureRate)"},
		"the rate is evaluated on a success":         {rate, "F F F S =Open", "Open(FailureRate)"},
		"below the rate":                             {rate, "S S S F S F F =Closed S F F =Open", "Open(FailureRate)"},
		"ignored calls are not in the window":        {rate, "F F I I I =Closed S S =Open", "Open(FailureRate)"},
		"a stream begun before counts in the window": {rate, "a1 a2 F F 1S =Closed 2S =Open", "Open(FailureRate)"},
		"calls are counted when they end":            {rate, "a1 a2 a3 a4 +1h 1F 2F 3F 4F =Open", "Open(FailureRate)"},
		"what has left the window does not count":    {rate, "F F +10s F F =Closed", ""},
		"what is within the window counts":           {rate, "F F +9s F F =Open", "Open(FailureRate)"},
		"percent 0 turns it off":                     {with(func(s *Settings) { s.FailureThreshold = 0 }), strings.Repeat("F ", 50) + "=Closed", ""},
		"a minimum of 0 needs one call all the same": {with(func(s *Settings) { s.FailureRate = RateRule{Percent: 100} }), "=Closed F =Open", "Open(FailureRate)"},
		"slow to the end":                            {slow, "a1 a2 +2s 1S =Closed 2S =Open", "Open(SlowCallRate)"},
		"quicker than slow":                          {slow, "a1 a2 +1999ms 1S 2S =Closed", ""},
		"slow is measured to the first token":        {slow, "a1 a2 +1s t1 t2 +1h 1S 2S =Closed", ""},
		"a late first token is slow":                 {slow, "a1 a2 +2s t1 t2 1S 2S =Open", "Open(SlowCallRate)"},
		"a failed stream too":                        {slow, "a1 a2 +1s t1 t2 +9s 1F 2F =Closed", ""},
		"slow failures are slow":                     {slow, "a1 a2 +2s 1F 2F =Open", "Open(SlowCallRate)"},
		"ignored calls are not slow":                 {slow, "a1 a2 +1h 1I 2I S S =Closed", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.settings)
			r.play(tt.script)
			if got := r.reasons(); got != tt.told {
				t.Errorf("told %q, want %q", got, tt.told)
			}
		})
	}
}

func TestTheFirstRuleToFireNamesTheReason(t *testing.T) {
	all := with(func(s *Settings) {
		s.FailureRate = RateRule{Percent: 50, MinimumRequests: 3}
		s.SlowCallRate = SlowRule{Percent: 50, Duration: time.Second, MinimumRequests: 3}
	})
	rates := all
	rates.FailureThreshold = 0
	for name, tt := range map[string]struct {
		settings Settings
		want     Reason
	}{
		"all three":        {all, ConsecutiveFailures},
		"rate before slow": {rates, FailureRate},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tt.settings)
			r.play("a1 a2 a3 +1s 1F 2F 3F =Open")
			if got := r.observe().Last.Reason; got != tt.want {
				t.Errorf("reason %s, want %s", got, tt.want)
			}
		})
	}
}

// TestEveryPercentIsExact holds 100 calls against each percentage: exactly so
// many failures open, one fewer does not, in either rule.
func TestEveryPercentIsExact(t *testing.T) {
	for percent := 1; percent <= 100; percent++ {
		for _, bad := range []int{percent - 1, percent} {
			for _, rule := range []string{"failures", "slow"} {
				s := with(func(s *Settings) { s.FailureThreshold = 0 })
				if rule == "failures" {
					s.FailureRate = RateRule{percent, 100}
				} else {
					s.SlowCallRate = SlowRule{percent, time.Second, 100}
				}
				c := New(s, 0, Options{})
				for i := range 100 {
					at, outcome := time.Duration(0), Success
					if i < bad && rule == "slow" {
						at = -time.Second
					} else if i < bad {
						outcome = Failure
					}
					p, _, ok := c.Acquire(at)
					if !ok {
						t.Fatalf("%d%% of %s: refused call %d", percent, rule, i)
					}
					p.End(Result{Outcome: outcome}, 0)
				}
				want := Closed
				if bad == percent {
					want = Open
				}
				if got := c.Observe(0).State; got != want {
					t.Errorf("%d of 100 %s at %d%%: %v, want %v", bad, rule, percent, got, want)
				}
			}
		}
	}
}

func TestCountsTellWhatStoodBehindTheDecision(t *testing.T) {
	r := newRig(t, with(func(s *Settings) {
		s.FailureThreshold = 5
		s.FailureRate = RateRule{60, 20}
		s.Window = 30 * time.Second
	}))
	for _, label := range []string{"timeout", "HTTP 503", "timeout", "HTTP 503", "HTTP 503"} {
		r.call(Result{Outcome: Failure, Label: label})
	}
	r.play("reset")
	for i := range 20 {
		res := Result{Outcome: Success}
		if i%5 > 1 {
			res = Result{Outcome: Failure, Label: fmt.Sprintf("HTTP 50%d", i%5)}
		}
		r.call(res)
	}
	want := []string{
		"5 consecutive failures: 3 × HTTP 503, 2 × timeout",
		"reset by hand",
		"12 of 20 calls failed within 30s: 4 × HTTP 503, 4 × HTTP 502, 4 × HTTP 504",
	}
	for i, tr := range r.transitions() {
		if got := tr.Message(); got != want[i] {
			t.Errorf("transition %d: %q, want %q", i, got, want[i])
		}
	}
	if got := len(r.transitions()); got != len(want) {
		t.Errorf("%d transitions, want %d", got, len(want))
	}
}
