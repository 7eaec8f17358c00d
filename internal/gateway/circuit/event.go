package circuit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Reason says what made a circuit change its state.
type Reason string

// The reasons.
const (
	ConsecutiveFailures Reason = "ConsecutiveFailures"
	FailureRate         Reason = "FailureRate"
	SlowCallRate        Reason = "SlowCallRate"
	ThrottledByProvider Reason = "Throttled"
	WarnedByReplica     Reason = "Warned"
	ProbeFailed         Reason = "ProbeFailed"
	ProbeTimedOut       Reason = "ProbeTimedOut"
	ProbesSucceeded     Reason = "ProbesSucceeded"
	ResetTimeoutElapsed Reason = "ResetTimeoutElapsed"
	WasReset            Reason = "Reset"
	WasRestored         Reason = "Restored"
	OverrideBegan       Reason = "OverrideBegan"
	OverrideEnded       Reason = "OverrideEnded"
	ModeChanged         Reason = "ModeChanged"
)

// Transition is one change of the state that callers meet.
type Transition struct {
	From, To State
	Reason   Reason
	At       time.Duration
	// Until is when the first probe is due, where To is Open; 0: never.
	Until        time.Duration
	BackoffLevel int
	// Counts are what stood behind the decision.
	Counts Counts
}

// Counts are the calls that a decision was taken on.
type Counts struct {
	Consecutive           int
	Calls, Failures, Slow int // of the window
	Window                time.Duration
	Labels                []LabelCount // of the failures, the most frequent first
}

// LabelCount is how many failures bore a label.
type LabelCount struct {
	Label string
	Count int
}

// Message tells the transition to people, such as "5 consecutive failures:
// 3 × HTTP 503, 2 × timeout".
func (t Transition) Message() string {
	c := t.Counts
	switch t.Reason {
	case ConsecutiveFailures:
		return fmt.Sprintf("%d consecutive failures%s", c.Consecutive, c.list())
	case FailureRate:
		return fmt.Sprintf("%d of %d calls failed within %v%s", c.Failures, c.Calls, c.Window, c.list())
	case SlowCallRate:
		return fmt.Sprintf("%d of %d calls were slow within %v", c.Slow, c.Calls, c.Window)
	case ThrottledByProvider:
		return "the provider asked to wait" + c.list()
	case WarnedByReplica:
		return "a failure after a warning from another replica" + c.list()
	case ProbeFailed:
		return "a probe failed" + c.list()
	case ProbeTimedOut:
		return "a probe did not end in time"
	case ProbesSucceeded:
		return "the probes succeeded"
	case ResetTimeoutElapsed:
		return "the reset timeout elapsed: probes are let through"
	case WasReset:
		return "reset by hand"
	case WasRestored:
		return "as it was before the restart"
	case OverrideBegan:
		return "an override came into force"
	case OverrideEnded:
		return "the override ended"
	case ModeChanged:
		return "the policy's mode changed"
	}
	return string(t.Reason)
}

func (c Counts) list() string {
	if len(c.Labels) == 0 {
		return ""
	}
	parts := make([]string, len(c.Labels))
	for i, l := range c.Labels {
		parts[i] = fmt.Sprintf("%d × %s", l.Count, l.Label)
	}
	return ": " + strings.Join(parts, ", ")
}

// list returns the labels that have a count, the most frequent first.
func (l *labels) list(counts *[maxLabels]int) []LabelCount {
	var out []LabelCount
	for i, n := range counts {
		if n > 0 {
			out = append(out, LabelCount{l.name(i), n})
		}
	}
	slices.SortStableFunc(out, func(a, b LabelCount) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// teller hands transitions to a listener: each once, in order, on a goroutine
// of its own that lives while there is something to tell, so that a listener
// can be slow, panic or call back into the circuit and harm nobody.
type teller struct {
	listener func(Transition)

	mu      sync.Mutex
	pending []Transition // guarded by mu
	telling bool         // guarded by mu
}

// add queues a transition. It only takes its own short lock, and so may be
// called under the circuit's, which keeps the order.
func (t *teller) add(tr Transition) {
	if t.listener == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, tr)
	if !t.telling {
		t.telling = true
		go t.run()
	}
}

func (t *teller) run() {
	for {
		t.mu.Lock()
		if len(t.pending) == 0 {
			t.pending = nil
			t.telling = false
			t.mu.Unlock()
			return
		}
		next := t.pending[0]
		t.pending = t.pending[1:]
		t.mu.Unlock()
		t.tell(next)
	}
}

func (t *teller) tell(tr Transition) {
	defer func() { _ = recover() }() // the listener's panic is not the circuit's
	t.listener(tr)
}
