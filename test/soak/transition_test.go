package soak

import (
	"fmt"
	"slices"
	"testing"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// step is one change of a circuit's state, as /events and status tell it.
type step struct {
	From   v1alpha1.CircuitState `json:"from"`
	To     v1alpha1.CircuitState `json:"to"`
	Reason string                `json:"reason"`
}

const (
	closed   = v1alpha1.CircuitClosed
	halfOpen = v1alpha1.CircuitHalfOpen
	open     = v1alpha1.CircuitOpen
)

type change struct{ from, to v1alpha1.CircuitState }

// ways are where each of the breaker's own reasons leads. A provider that asks to
// wait opens a circuit whatever it was.
var ways = map[string][]change{
	"ConsecutiveFailures": {{closed, open}},
	"FailureRate":         {{closed, open}},
	"SlowCallRate":        {{closed, open}},
	"Warned":              {{closed, open}},
	"Throttled":           {{closed, open}, {halfOpen, open}},
	"ProbeFailed":         {{halfOpen, open}},
	"ProbeTimedOut":       {{halfOpen, open}},
	"ResetTimeoutElapsed": {{open, halfOpen}},
	"ProbesSucceeded":     {{halfOpen, closed}},
}

// byHand are the reasons that lead from any state to any other.
var byHand = map[string]bool{"Reset": true, "Restored": true, "OverrideBegan": true, "OverrideEnded": true, "ModeChanged": true}

// legal says what is wrong with a step by itself.
func (s step) legal() error {
	if byHand[s.Reason] && s.From != s.To {
		return nil
	}
	if slices.Contains(ways[s.Reason], change{s.From, s.To}) {
		return nil
	}
	return fmt.Errorf("a circuit goes from %s to %s because of %s, as no breaker may", s.From, s.To, s.Reason)
}

// chains are where the circuits of one process are.
type chains map[string]v1alpha1.CircuitState

// take takes a circuit's next step: it must begin where the last one ended.
func (c chains) take(circuit string, s step) error {
	last, known := c[circuit]
	c[circuit] = s.To
	if known && last != s.From {
		return fmt.Errorf("a circuit goes on from %s to %s (%s), although it was %s", s.From, s.To, s.Reason, last)
	}
	return s.legal()
}

func TestLegalSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps []step
		want  bool
	}{
		"a whole round":              {[]step{{closed, open, "FailureRate"}, {open, halfOpen, "ResetTimeoutElapsed"}, {halfOpen, closed, "ProbesSucceeded"}}, true},
		"a probe that fails":         {[]step{{open, halfOpen, "ResetTimeoutElapsed"}, {halfOpen, open, "ProbeFailed"}}, true},
		"closed without a probe":     {[]step{{open, closed, "ProbesSucceeded"}}, false},
		"half-open out of nothing":   {[]step{{closed, halfOpen, "ResetTimeoutElapsed"}}, false},
		"a reset":                    {[]step{{open, closed, "Reset"}}, true},
		"a change that is none":      {[]step{{open, open, "Reset"}}, false},
		"a reason that nobody knows": {[]step{{closed, open, "Whim"}}, false},
		"a step that is missing":     {[]step{{closed, open, "FailureRate"}, {halfOpen, closed, "ProbesSucceeded"}}, false},
		"a step that is told twice":  {[]step{{closed, open, "FailureRate"}, {closed, open, "FailureRate"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c2, got := chains{}, true
			for _, s := range c.steps {
				got = got && c2.take("one", s) == nil
			}
			if got != c.want {
				t.Errorf("legal: %t, want %t", got, c.want)
			}
		})
	}
}
