package circuit

import "time"

// State is a breaker's state, the better the smaller.
type State uint8

// The states.
const (
	Closed State = iota
	HalfOpen
	Open
)

// String returns the state's name as the API spells it.
func (s State) String() string { return [...]string{"Closed", "HalfOpen", "Open"}[s] }

// Outcome is what a call meant to its circuit.
type Outcome uint8

// The outcomes.
const (
	Success Outcome = iota
	Failure
	Throttled // opens at once
	Ignored   // decides nothing
)

// String returns the outcome's name.
func (o Outcome) String() string {
	return [...]string{"Success", "Failure", "Throttled", "Ignored"}[o]
}

// Result is how a call ended.
type Result struct {
	Outcome Outcome
	// Label names the kind of failure in a transition's message, such as
	// "HTTP 503". Labels should be few.
	Label string
	// RetryAfter is the provider's own word on when to come back; 0: none.
	RetryAfter time.Duration
	// Repeated means that the failure is one that was counted already, such as the
	// death of a connection with many calls on it. It counts in the window, and
	// not in the run of consecutive failures.
	Repeated bool
}

// RefusalReason says why a call was refused.
type RefusalReason uint8

// The reasons.
const (
	NotRefused      RefusalReason = iota
	CircuitOpen                   // open
	ProbesBusy                    // half-open, and no place for a probe is free
	ForcedOpen                    // an override keeps it open
	BulkheadFull                  // no slot free and no place in the queue
	BulkheadTimeout               // waited for as long as one may
	Cancelled                     // the caller left while waiting

	numRefusals
)

// String returns the reason's name.
func (r RefusalReason) String() string {
	return [...]string{"NotRefused", "CircuitOpen", "ProbesBusy", "ForcedOpen",
		"BulkheadFull", "BulkheadTimeout", "Cancelled"}[r]
}

// Refusal says why a call was refused and when to come back.
type Refusal struct {
	Reason RefusalReason
	At     time.Duration // an instant; 0: unknown
}
