package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CircuitPolicyStatus is what the gateway observes of a policy's circuits.
type CircuitPolicyStatus struct {
	// observedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// state is that of the worst circuit on the worst replica.
	// +optional
	State CircuitState `json:"state,omitempty"`

	// failureCount is how many consecutive failures the worst circuit has seen.
	// +optional
	FailureCount int32 `json:"failureCount"`

	// healthScore is the health of the worst circuit, from 0 to 100: 90 is
	// excellent, 70 good, 50 fair, 30 poor, less is critical.
	// +optional
	HealthScore int32 `json:"healthScore"`

	// queued is how many calls wait for a place in a bulkhead, over all circuits.
	// +optional
	Queued int32 `json:"queued"`

	// openedTime is since when the worst circuit has been open or half-open.
	// +optional
	OpenedTime *metav1.Time `json:"openedTime,omitempty"`

	// nextProbeTime is when the worst circuit, if open, lets a probe through.
	// +optional
	NextProbeTime *metav1.Time `json:"nextProbeTime,omitempty"`

	// openCount is how often circuits of this policy have opened.
	// +optional
	OpenCount int64 `json:"openCount"`

	// lastReset is the value of the annotation switchgear.dev/reset-requested-at
	// that was acted on last.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	LastReset string `json:"lastReset,omitempty"`

	// lastTransition is the latest change of a circuit's state.
	// +optional
	LastTransition *Transition `json:"lastTransition,omitempty"`

	// effective are the values in force, those of the profile included.
	// +optional
	Effective *EffectivePolicy `json:"effective,omitempty"`

	// replicas sums up the gateway's replicas.
	// +optional
	Replicas *ReplicaSummary `json:"replicas,omitempty"`

	// circuits are the policy's circuits, the worst first.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Circuits []CircuitStatus `json:"circuits,omitempty"`

	// conditions are Accepted, Programmed, Ready and Healthy.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Transition is one change of a circuit's state.
type Transition struct {
	// from is the state before.
	// +required
	From CircuitState `json:"from"`

	// to is the state after.
	// +required
	To CircuitState `json:"to"`

	// reason in one word, such as ConsecutiveFailures.
	// +required
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason"`

	// message says what stood behind it, such as "5 consecutive failures: 3 × HTTP
	// 503, 2 × timeout".
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// time of the change.
	// +required
	Time metav1.Time `json:"time"`
}

// ReplicaSummary sums up the gateway's replicas.
type ReplicaSummary struct {
	// total is how many replicas the status is drawn from.
	// +required
	Total int32 `json:"total"`

	// open is how many of them have a circuit of this policy open.
	// +required
	Open int32 `json:"open"`

	// summary is both in one, such as "2/3", because a printed column can show one
	// value only.
	// +required
	// +kubebuilder:validation:MaxLength=32
	Summary string `json:"summary"`
}

// CircuitStatus is one circuit of a policy.
type CircuitStatus struct {
	// name of the circuit within its policy, made of what its scope says: the
	// credential's reference, the provider's address and the model.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Name string `json:"name"`

	// state that callers meet.
	// +required
	State CircuitState `json:"state"`

	// failureCount is how many consecutive failures the circuit has seen.
	// +optional
	FailureCount int32 `json:"failureCount"`

	// healthScore from 0 to 100.
	// +optional
	HealthScore int32 `json:"healthScore"`

	// openedTime is since when the circuit has been open or half-open.
	// +optional
	OpenedTime *metav1.Time `json:"openedTime,omitempty"`

	// nextProbeTime is when the circuit, if open, lets a probe through.
	// +optional
	NextProbeTime *metav1.Time `json:"nextProbeTime,omitempty"`

	// backoffLevel is how often the circuit has reopened without a healthy spell
	// between.
	// +optional
	BackoffLevel int32 `json:"backoffLevel,omitempty"`

	// openReplicas is on how many replicas the circuit is open or half-open.
	// +optional
	OpenReplicas int32 `json:"openReplicas,omitempty"`
}

// EffectivePolicy has all values in force, as the spec, the profile and the
// defaults together give them. What is absent is off.
type EffectivePolicy struct {
	// mode as in the spec.
	// +required
	Mode Mode `json:"mode"`

	// scope as in the spec.
	// +required
	Scope Scope `json:"scope"`

	// profile as in the spec.
	// +required
	Profile Profile `json:"profile"`

	// failureThreshold as in the spec.
	// +required
	FailureThreshold int32 `json:"failureThreshold"`

	// failureRate as in the spec.
	// +required
	FailureRate FailureRate `json:"failureRate"`

	// slowCallRate as in the spec; absent: off.
	// +optional
	SlowCallRate *SlowCallRate `json:"slowCallRate,omitempty"`

	// window as in the spec.
	// +required
	Window Duration `json:"window"`

	// successThreshold as in the spec.
	// +required
	SuccessThreshold int32 `json:"successThreshold"`

	// resetTimeout as in the spec.
	// +required
	ResetTimeout Duration `json:"resetTimeout"`

	// resetBackoff as in the spec.
	// +required
	ResetBackoff ResetBackoff `json:"resetBackoff"`

	// halfOpen as in the spec.
	// +required
	HalfOpen HalfOpen `json:"halfOpen"`

	// rateLimit as in the spec.
	// +required
	RateLimit RateLimit `json:"rateLimit"`

	// failureStatusCodes as in the spec.
	// +required
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=3
	FailureStatusCodes []string `json:"failureStatusCodes"`

	// timeouts as in the spec.
	// +required
	Timeouts Timeouts `json:"timeouts"`

	// bulkhead as in the spec; absent: no limit.
	// +optional
	Bulkhead *Bulkhead `json:"bulkhead,omitempty"`

	// sharing as in the spec.
	// +optional
	Sharing Sharing `json:"sharing,omitempty"`
}
