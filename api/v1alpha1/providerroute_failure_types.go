package v1alpha1

// Retry says how often and when one backend is asked again before the next one
// is. What is repeated at all depends on how the call failed.
//
// +kubebuilder:validation:XValidation:rule="!has(self.initialDelay) || !has(self.maxDelay) || duration(self.maxDelay) >= duration(self.initialDelay)",message="maxDelay must be at least initialDelay"
type Retry struct {
	// maxAttempts is how often one backend is asked for one request, the first
	// time included. 1: never again. Default: 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	MaxAttempts *int32 `json:"maxAttempts,omitempty"`

	// initialDelay passes before the second attempt, from 1ms to 24h. Default:
	// 500ms, or maxDelay if that is shorter.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1ms') && duration(self) <= duration('24h')",message="must be from 1ms to 24h"
	InitialDelay *Duration `json:"initialDelay,omitempty"`

	// maxDelay is the longest delay, jitter included, from 10ms to 24h. Default:
	// 10s, or initialDelay if that is longer.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	MaxDelay *Duration `json:"maxDelay,omitempty"`

	// multiplier of the delay at every further attempt. Default: 2.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Multiplier *int32 `json:"multiplier,omitempty"`

	// jitterPercent is by how much of itself the delay is varied at random, to
	// either side; a provider's Retry-After is only ever lengthened. Default: 25.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	JitterPercent *int32 `json:"jitterPercent,omitempty"`

	// maxRetryAfter is the longest Retry-After of a provider that is waited for,
	// up to 24h; beyond it the next backend is asked at once. 0s: a provider that
	// limits the rate is never waited for. Default: 5s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('24h')",message="must be at most 24h"
	MaxRetryAfter *Duration `json:"maxRetryAfter,omitempty"`

	// budgetPercent is how many repeats there may be for each hundred of the
	// route's recent requests; 3 a second are always allowed. Only a repeat on the
	// same backend counts. Default: 20.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	BudgetPercent *int32 `json:"budgetPercent,omitempty"`
}

// Fallback says when the next backend is asked.
type Fallback struct {
	// classes of failures after which the next backend is asked.
	// Default: all. None: [].
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=12
	Classes []FailureClass `json:"classes,omitzero"`
}

// FailureClass is a way in which a call can fail, as far as another backend can
// make good for it. docs/failures.md tells the signs of each.
// +kubebuilder:validation:Enum=ServerError;ConnectionError;Timeout;InvalidResponse;StreamError;RateLimited;QuotaExhausted;CredentialRejected;ModelUnavailable;ContextLengthExceeded;CircuitOpen;BulkheadFull
type FailureClass string

// StreamRecovery says what becomes of a stream that breaks off after its first
// output.
// +kubebuilder:validation:Enum=None;Resume;Buffer
type StreamRecovery string

// The ways to recover a stream.
const (
	// StreamRecoveryNone ends it with an error event.
	StreamRecoveryNone StreamRecovery = "None"
	// StreamRecoveryResume has a backend with supportsPrefill continue the text.
	StreamRecoveryResume StreamRecovery = "Resume"
	// StreamRecoveryBuffer holds an answer until it is whole.
	StreamRecoveryBuffer StreamRecovery = "Buffer"
)
