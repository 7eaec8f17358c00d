package circuit

import "time"

// Settings are the rules of a circuit, every value resolved. They are
// comparable: equal settings mean that nothing changes.
type Settings struct {
	Mode             Mode
	FailureThreshold int // consecutive failures that open; 0 turns the rule off
	FailureRate      RateRule
	SlowCallRate     SlowRule
	Window           time.Duration
	SuccessThreshold int // successful probes that close
	ResetTimeout     time.Duration
	ResetBackoff     Backoff
	MaxProbes        int // probes at a time while half-open
	// ProbeLease is how long a probe may keep its place. Then it counts as a
	// failure, whatever becomes of it.
	ProbeLease time.Duration
	Bulkhead   BulkheadSettings
	Override   Override
}

// RateRule opens the circuit when this share of the window's calls, from a
// minimum of calls on, has failed. Percent 0 turns it off.
type RateRule struct{ Percent, MinimumRequests int }

// SlowRule is a RateRule for calls that took Duration or longer: to the first
// token for a streamed call, to the end for others.
type SlowRule struct {
	Percent         int
	Duration        time.Duration
	MinimumRequests int
}

// Backoff lengthens ResetTimeout: by Multiplier for each reopening, at most to
// Max, by chance up to JitterPercent more or less.
type Backoff struct {
	Multiplier    int
	Max           time.Duration
	JitterPercent int
}

// BulkheadSettings bound the calls that run and that wait. MaxConcurrent 0 is
// no bound.
type BulkheadSettings struct {
	MaxConcurrent, MaxQueued int
	QueueTimeout             time.Duration
}

// Override is a hand on the switch. Until 0 is without end.
type Override struct {
	Kind  OverrideKind
	Until time.Duration
}

// OverrideKind says what an override forces.
type OverrideKind uint8

// The kinds of override.
const (
	NoOverride  OverrideKind = iota
	ForceOpen                // admits nothing, probes nothing
	ForceClosed              // refuses nothing
)

// Mode says what becomes of a circuit's decisions.
type Mode uint8

// The modes.
const (
	Enforce  Mode = iota // decides and refuses
	Observe              // decides and reports, refuses nothing
	Disabled             // records nothing
)

// String returns the mode's name as the API spells it.
func (m Mode) String() string { return [...]string{"Enforce", "Observe", "Disabled"}[m] }
