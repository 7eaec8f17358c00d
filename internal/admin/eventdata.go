package admin

import (
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

// transitionData is the data of an event "transition".
type transitionData struct {
	Time      time.Time             `json:"time"`
	Namespace string                `json:"namespace"`
	Policy    string                `json:"policy,omitempty"`
	Circuit   string                `json:"circuit"`
	From      v1alpha1.CircuitState `json:"from"`
	To        v1alpha1.CircuitState `json:"to"`
	Reason    string                `json:"reason"`
	Message   string                `json:"message"`
}

// refusalData is the data of an event "refusal".
type refusalData struct {
	Time          time.Time  `json:"time"`
	Namespace     string     `json:"namespace"`
	Policy        string     `json:"policy,omitempty"`
	Circuit       string     `json:"circuit"`
	Route         string     `json:"route"`
	Backend       string     `json:"backend"`
	RequestID     string     `json:"requestID"`
	Reason        string     `json:"reason"`
	NextProbeTime *time.Time `json:"nextProbeTime,omitempty"`
}

// missedData is the data of an event "missed".
type missedData struct {
	Count uint64 `json:"count"`
}

func dataOfTransition(t *gateway.Transition) transitionData {
	return transitionData{
		Time:      milliseconds(t.Time),
		Namespace: t.Namespace,
		Policy:    t.Name,
		Circuit:   t.Circuit.String(),
		From:      v1alpha1.CircuitState(t.From.String()),
		To:        v1alpha1.CircuitState(t.To.String()),
		Reason:    string(t.Reason),
		Message:   t.Message,
	}
}

func dataOfRefusal(r *gateway.Refusal) refusalData {
	d := refusalData{
		Time:      milliseconds(r.Time),
		Namespace: r.Namespace,
		Policy:    r.Policy,
		Circuit:   r.Circuit.String(),
		Route:     r.Route,
		Backend:   r.Backend,
		RequestID: r.RequestID,
		Reason:    r.Reason.String(),
	}
	if !r.NextProbe.IsZero() {
		at := milliseconds(r.NextProbe)
		d.NextProbeTime = &at
	}
	return d
}

func milliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
