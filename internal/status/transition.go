package status

import (
	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// maxTransitionMessage is what the schema lets lastTransition.message hold, in
// bytes to be on the safe side.
const maxTransitionMessage = 1024

// lastTransition returns the newest transition. One from before the process
// began is kept for as long as it explains the state, and that a process has
// taken over such a state explains nothing.
func lastTransition(circuits []gateway.CircuitStatus, old *v1alpha1.Transition, state v1alpha1.CircuitState) *v1alpha1.Transition {
	t := newest(circuits, func(t *gateway.Transition) bool { return t.Reason != circuit.WasRestored })
	explained := old != nil && old.To == state
	if t == nil && !explained {
		t = newest(circuits, func(*gateway.Transition) bool { return true })
	}
	switch {
	case t != nil:
		return &v1alpha1.Transition{
			From:    stateName(t.From),
			To:      stateName(t.To),
			Reason:  string(t.Reason),
			Message: Clip(t.Message, maxTransitionMessage),
			Time:    *seconds(t.Time),
		}
	case explained:
		return old
	}
	return nil
}

// newest returns the last transition of all circuits that counts; nil if there
// was none.
func newest(circuits []gateway.CircuitStatus, counts func(*gateway.Transition) bool) *gateway.Transition {
	var last *gateway.Transition
	for _, c := range circuits {
		if c.Last != nil && counts(c.Last) && (last == nil || c.Last.Time.After(last.Time)) {
			last = c.Last
		}
	}
	return last
}
