package status

import (
	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

// maxTransitionMessage is what the schema lets lastTransition.message hold, in
// bytes to be on the safe side.
const maxTransitionMessage = 1024

// lastTransition returns the newest transition. One from before the process
// began is kept for as long as it explains the state.
func lastTransition(circuits []gateway.CircuitStatus, old *v1alpha1.Transition, state v1alpha1.CircuitState) *v1alpha1.Transition {
	if t := Newest(circuits); t != nil {
		return &v1alpha1.Transition{
			From:    stateName(t.From),
			To:      stateName(t.To),
			Reason:  string(t.Reason),
			Message: Clip(t.Message, maxTransitionMessage),
			Time:    *seconds(t.Time),
		}
	}
	if old != nil && old.To == state {
		return old
	}
	return nil
}

// Newest returns the last transition of all circuits; nil if there was none.
func Newest(circuits []gateway.CircuitStatus) *gateway.Transition {
	var last *gateway.Transition
	for _, c := range circuits {
		if c.Last != nil && (last == nil || c.Last.Time.After(last.Time)) {
			last = c.Last
		}
	}
	return last
}
