package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Mode says what a policy does with its decisions.
// +kubebuilder:validation:Enum=Enforce;Observe;Disabled
type Mode string

// The modes.
const (
	ModeEnforce  Mode = "Enforce"
	ModeObserve  Mode = "Observe"
	ModeDisabled Mode = "Disabled"
)

// Scope says which calls share a circuit.
// +kubebuilder:validation:Enum=Model;Provider;Policy
type Scope string

// The scopes.
const (
	ScopeModel    Scope = "Model"
	ScopeProvider Scope = "Provider"
	ScopePolicy   Scope = "Policy"
)

// Profile names a set of defaults.
// +kubebuilder:validation:Enum=Balanced;Conservative;Aggressive;HighThroughput
type Profile string

// The profiles.
const (
	ProfileBalanced       Profile = "Balanced"
	ProfileConservative   Profile = "Conservative"
	ProfileAggressive     Profile = "Aggressive"
	ProfileHighThroughput Profile = "HighThroughput"
)

// Sharing says what a trip on one replica means to the others.
// +kubebuilder:validation:Enum=Replica;Fleet
type Sharing string

// The ways of sharing.
const (
	SharingReplica Sharing = "Replica"
	SharingFleet   Sharing = "Fleet"
)

// FailureRate opens the circuit at a share of failed calls.
type FailureRate struct {
	// percent of the calls in the window that must have failed. 0 turns the rule
	// off. Default: 50.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent *int32 `json:"percent,omitempty"`

	// minimumRequests is how many calls the window must hold for the rule to
	// count. Default: 20.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MinimumRequests *int32 `json:"minimumRequests,omitempty"`
}

// SlowCallRate opens the circuit at a share of slow calls.
type SlowCallRate struct {
	// percent of the calls in the window that must have been slow. 0 turns the
	// rule off.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent"`

	// duration from which on a call is slow, from 10ms to 24h: up to the first
	// output of a streamed call, up to the end of any other.
	// +required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	Duration Duration `json:"duration"`

	// minimumRequests is how many calls the window must hold for the rule to
	// count. Default: 20.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MinimumRequests *int32 `json:"minimumRequests,omitempty"`
}

// ResetBackoff lengthens the wait before a probe while probes go on failing.
type ResetBackoff struct {
	// multiplier of the wait at every reopening: 2 doubles it, 1 leaves it alone.
	// Default: 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Multiplier *int32 `json:"multiplier,omitempty"`

	// max is the longest wait, a provider's Retry-After included, from 100ms to
	// 24h. Default: 5m, or resetTimeout if that is longer.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('100ms') && duration(self) <= duration('24h')",message="must be from 100ms to 24h"
	Max *Duration `json:"max,omitempty"`

	// jitterPercent is by how much of itself the wait is varied at random, to
	// either side. Default: 10.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	JitterPercent *int32 `json:"jitterPercent,omitempty"`
}

// HalfOpen bounds the probes of a half-open circuit.
type HalfOpen struct {
	// maxProbes is how many probes may be under way at once. Default: 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxProbes *int32 `json:"maxProbes,omitempty"`
}

// RateLimit says what a provider's 429 means to the circuit.
type RateLimit struct {
	// action on a 429. Failure: it counts as one. Cooldown: the circuit opens
	// until the provider's Retry-After, or else for resetTimeout. Ignore: it
	// counts as nothing.
	// +optional
	// +kubebuilder:default=Failure
	Action RateLimitAction `json:"action,omitempty"`
}

// RateLimitAction is what a circuit does on a 429.
// +kubebuilder:validation:Enum=Failure;Cooldown;Ignore
type RateLimitAction string

// The actions on a 429.
const (
	RateLimitFailure  RateLimitAction = "Failure"
	RateLimitCooldown RateLimitAction = "Cooldown"
	RateLimitIgnore   RateLimitAction = "Ignore"
)

// Timeouts bound one attempt at a backend.
type Timeouts struct {
	// connect bounds dialling, the TLS handshake included, from 10ms to 24h.
	// Default: 5s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	Connect *Duration `json:"connect,omitempty"`

	// firstToken bounds a streamed attempt up to the first event that carries
	// output, from 10ms to 24h. Default by profile: Balanced 60s, Conservative 2m,
	// Aggressive 15s, HighThroughput 30s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	FirstToken *Duration `json:"firstToken,omitempty"`

	// attempt bounds an attempt that is not streamed, from 10ms to 24h. Default:
	// 10m.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	Attempt *Duration `json:"attempt,omitempty"`

	// streamIdle bounds the provider's silence after the first output, from 100ms
	// to 24h. Only time in which the gateway waits for the provider counts.
	// Default: 20s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('100ms') && duration(self) <= duration('24h')",message="must be from 100ms to 24h"
	StreamIdle *Duration `json:"streamIdle,omitempty"`

	// streamTotal bounds a whole streamed attempt, from 10ms to 24h. Default: 1h.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	StreamTotal *Duration `json:"streamTotal,omitempty"`

	// abandoned is how long a provider must have been silent for a client's
	// leaving to count as the provider's failure, from 10ms to 24h. Default: 30s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	Abandoned *Duration `json:"abandoned,omitempty"`
}

// Bulkhead bounds how many calls run at once on a circuit.
type Bulkhead struct {
	// maxConcurrent is how many calls may run at once. Default by profile:
	// Balanced 10, Conservative 5, Aggressive 20, HighThroughput 50.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MaxConcurrent *int32 `json:"maxConcurrent,omitempty"`

	// maxQueued is how many more may wait for a place, first come, first served.
	// 0: none waits. Default by profile: Balanced 50, Conservative 20, Aggressive
	// 100, HighThroughput 200.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	MaxQueued *int32 `json:"maxQueued,omitempty"`

	// queueTimeout is the longest wait for a place, from 10ms to 24h. Default by
	// profile: Balanced 5s, Conservative 10s, Aggressive 2s, HighThroughput 1s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	QueueTimeout *Duration `json:"queueTimeout,omitempty"`
}

// Override decides in place of the breaker.
type Override struct {
	// state that callers meet. Open refuses every call and never probes; Closed
	// lets every call through.
	// +required
	State OverrideState `json:"state"`

	// until ends the override by itself. Left out: it lasts until it is taken out
	// of the spec.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`

	// reason is for the people who will find the circuit overridden.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Reason string `json:"reason,omitempty"`
}

// OverrideState is a state that an operator can force.
// +kubebuilder:validation:Enum=Open;Closed
type OverrideState string

// The states that can be forced.
const (
	OverrideOpen   OverrideState = "Open"
	OverrideClosed OverrideState = "Closed"
)
