package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CircuitPolicy says when calls to a provider stop and when they are tried
// again, how many may run at once, and how long they may take. One policy may
// govern many circuits: spec.scope says which calls share one.
//
// The policy named "default" is that of all backends of its namespace that name
// none.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=circuit,categories=switchgear
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`,description="The worst of the policy's circuits: Open, HalfOpen or Closed"
// +kubebuilder:printcolumn:name="Health",type=integer,JSONPath=`.status.healthScore`,description="Health of the worst circuit, 0 to 100"
// +kubebuilder:printcolumn:name="Failures",type=integer,JSONPath=`.status.failureCount`,description="Consecutive failures of the worst circuit"
// +kubebuilder:printcolumn:name="Queued",type=integer,JSONPath=`.status.queued`,description="Calls that wait for a place in the bulkhead"
// +kubebuilder:printcolumn:name="Open",type=string,JSONPath=`.status.replicas.summary`,description="Replicas with an open circuit, of all"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether this generation is accepted and live"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Mode",type=string,priority=1,JSONPath=`.spec.mode`,description="Enforce, Observe or Disabled"
// +kubebuilder:printcolumn:name="Next-Probe",type=string,priority=1,JSONPath=`.status.nextProbeTime`,description="When the next probe is due"
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.lastTransition.reason`,description="Why the state last changed"
// +kubebuilder:validation:XValidation:rule="self.metadata.name != 'default' || !has(self.spec.scope) || self.spec.scope != 'Policy'",message="the policy named default must not have scope Policy: all backends of the namespace that name no policy would share one circuit"
type CircuitPolicy struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is asked for. Everything has a default.
	// +optional
	// +kubebuilder:default={}
	Spec CircuitPolicySpec `json:"spec,omitzero"`

	// status is what the gateway observes. The operator writes it.
	// +optional
	Status CircuitPolicyStatus `json:"status,omitzero"`
}

// CircuitPolicyList is a list of CircuitPolicies.
// +kubebuilder:object:root=true
type CircuitPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []CircuitPolicy `json:"items"`
}

// CircuitPolicySpec is what a CircuitPolicy asks for. What it leaves out, its
// profile fills; status.effective shows the result.
//
// +kubebuilder:validation:XValidation:rule="!has(self.resetTimeout) || !has(self.resetBackoff) || !has(self.resetBackoff.max) || duration(self.resetBackoff.max) >= duration(self.resetTimeout)",message="resetBackoff.max must be at least resetTimeout"
type CircuitPolicySpec struct {
	// mode says what the policy does with its decisions. Enforce acts on them.
	// Observe takes and reports every decision and refuses nothing: try a policy
	// with it. Disabled records nothing; timeouts hold all the same.
	// +optional
	// +kubebuilder:default=Enforce
	Mode Mode `json:"mode,omitempty"`

	// scope says which calls share a circuit. Model: those with the same URL
	// origin, credential and upstream model, that is, one deployment. Provider:
	// those with the same URL origin and credential. Policy: all that refer to
	// this policy. A change of the scope starts new circuits.
	// +optional
	// +kubebuilder:default=Model
	Scope Scope `json:"scope,omitempty"`

	// profile fills what this policy leaves out.
	// +optional
	// +kubebuilder:default=Balanced
	Profile Profile `json:"profile,omitempty"`

	// failureThreshold is how many consecutive failures open the circuit. 0 turns
	// the rule off. Default by profile: Balanced 5, Conservative 10, Aggressive 3,
	// HighThroughput 8.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	FailureThreshold *int32 `json:"failureThreshold,omitempty"`

	// failureRate opens the circuit at a share of failed calls in the window.
	// +optional
	FailureRate *FailureRate `json:"failureRate,omitempty"`

	// slowCallRate opens the circuit at a share of slow calls in the window.
	// Default: off.
	// +optional
	SlowCallRate *SlowCallRate `json:"slowCallRate,omitempty"`

	// window is the length of the rolling window behind the rates, the counters
	// and the health score, from 100ms to 24h. Default: 30s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('100ms') && duration(self) <= duration('24h')",message="must be from 100ms to 24h"
	Window *Duration `json:"window,omitempty"`

	// successThreshold is how many successful probes close the circuit. Default
	// by profile: Balanced and Aggressive 2, Conservative 5, HighThroughput 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	SuccessThreshold *int32 `json:"successThreshold,omitempty"`

	// resetTimeout is how long the circuit stays open before the first probe, from
	// 100ms to 24h. Default by profile: Balanced 30s, Conservative 2m, Aggressive
	// 15s, HighThroughput 45s.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('100ms') && duration(self) <= duration('24h')",message="must be from 100ms to 24h"
	ResetTimeout *Duration `json:"resetTimeout,omitempty"`

	// resetBackoff lengthens the wait while probes go on failing.
	// +optional
	ResetBackoff *ResetBackoff `json:"resetBackoff,omitempty"`

	// halfOpen bounds the probes.
	// +optional
	HalfOpen *HalfOpen `json:"halfOpen,omitempty"`

	// rateLimit says what a provider's 429 means to the circuit.
	// +optional
	RateLimit *RateLimit `json:"rateLimit,omitempty"`

	// failureStatusCodes are the provider's HTTP status codes that count as
	// failures: codes such as "503", or classes such as "5xx". What 401, 402, 403
	// and 429 mean is settled elsewhere.
	// +optional
	// +listType=set
	// +kubebuilder:default={"5xx","408"}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=3
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[45]([0-9][0-9]|xx)$')",message="must be a status code from 400 to 599, such as 503, or a class, 4xx or 5xx"
	FailureStatusCodes []string `json:"failureStatusCodes,omitempty"`

	// timeouts bound one attempt. They hold in every mode.
	// +optional
	Timeouts *Timeouts `json:"timeouts,omitempty"`

	// bulkhead bounds how many calls run at once. Left out: no limit. Empty ({}):
	// the profile's limits.
	// +optional
	Bulkhead *Bulkhead `json:"bulkhead,omitempty"`

	// override is an operator's hand on the switch. It decides in place of the
	// breaker, which goes on tracking the state underneath.
	// +optional
	Override *Override `json:"override,omitempty"`

	// allowBypass lets a client opt a call out of breaker and bulkhead with the
	// header x-switchgear-circuit: bypass. Such a call is not recorded either.
	// Without it the header is answered with 403.
	// +optional
	AllowBypass bool `json:"allowBypass,omitempty"`

	// sharing says what a trip of a circuit on one replica means to the others.
	// Replica: nothing. Fleet: their circuits are warned. A warned circuit refuses
	// nothing; the next failure opens it, and a success clears the warning. So a
	// trip elsewhere saves the rest of the failures, and a replica that is alone in
	// its trouble shuts nothing.
	// +optional
	// +kubebuilder:default=Replica
	Sharing Sharing `json:"sharing,omitempty"`
}
