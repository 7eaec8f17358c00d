package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxReportedCircuits is how many circuits a GatewayReplica holds at most.
const MaxReportedCircuits = 500

// GatewayReplica is what one replica of the gateway says of itself. Each writes
// its own, in the operator's namespace and under the name of its Pod: every 10
// seconds as a sign of life, and sooner when a circuit changes its state. Nobody
// else writes it. The leader draws the status of policies and routes from all of
// them, and deletes those whose replica is long gone.
//
// It has no status subresource: to write all of it at once is its only use.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:categories=switchgear
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the replica takes requests"
// +kubebuilder:printcolumn:name="Circuits",type=integer,JSONPath=`.status.circuitCount`,description="Circuits of the replica"
// +kubebuilder:printcolumn:name="Open",type=integer,JSONPath=`.status.openCircuits`,description="How many of them are open"
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`,description="The version that the replica runs"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GatewayReplica struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata. The owner is the replica's Pod,
	// where there is one.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// status is the replica's report.
	// +optional
	Status GatewayReplicaStatus `json:"status,omitzero"`
}

// GatewayReplicaList is a list of GatewayReplicas.
// +kubebuilder:object:root=true
type GatewayReplicaList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []GatewayReplica `json:"items"`
}

// GatewayReplicaStatus is a replica's report. Replicas of different versions
// read one another's: what one does not know it passes over.
type GatewayReplicaStatus struct {
	// instance is another with each start of the process.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Instance string `json:"instance,omitempty"`

	// version that the replica runs.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Version string `json:"version,omitempty"`

	// heartbeatTime is when the report was written, by the replica's clock. Others
	// go by when they saw it change, by theirs.
	// +optional
	HeartbeatTime *metav1.Time `json:"heartbeatTime,omitempty"`

	// configuration says how new the configuration is that the replica serves.
	// +optional
	Configuration *ReplicaConfiguration `json:"configuration,omitempty"`

	// circuitsOff means that the replica was started with --circuits=off and
	// refuses nothing.
	// +optional
	CircuitsOff bool `json:"circuitsOff,omitempty"`

	// circuitCount is how many circuits the replica has.
	// +optional
	// +kubebuilder:validation:Minimum=0
	CircuitCount int32 `json:"circuitCount"`

	// openCircuits is how many of them are open.
	// +optional
	// +kubebuilder:validation:Minimum=0
	OpenCircuits int32 `json:"openCircuits"`

	// circuits are those that are not at rest, or changed their state within the
	// last minute, the worst first and 500 at most: a circuit at rest is closed,
	// without failures, override and queue, and of good health.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=500
	Circuits []ReplicaCircuit `json:"circuits,omitempty"`

	// omittedCircuits is how many more there are that are not at rest.
	// +optional
	// +kubebuilder:validation:Minimum=0
	OmittedCircuits int32 `json:"omittedCircuits,omitempty"`

	// conditions are Ready alone: whether the replica takes requests.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ReplicaConfiguration says how new a configuration is: per kind the highest
// resourceVersion that it contains.
type ReplicaConfiguration struct {
	// circuitPolicies is that of the CircuitPolicies.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	CircuitPolicies string `json:"circuitPolicies,omitempty"`

	// providerRoutes is that of the ProviderRoutes.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	ProviderRoutes string `json:"providerRoutes,omitempty"`

	// secrets is that of the Secrets.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Secrets string `json:"secrets,omitempty"`
}

// ReplicaCircuit is one circuit of a replica.
type ReplicaCircuit struct {
	// policy is the UID of the CircuitPolicy, or built-in/ and a namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Policy string `json:"policy"`

	// name of the circuit within its policy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Name string `json:"name"`

	// state that callers meet.
	// +required
	State CircuitState `json:"state"`

	// failureCount is how many consecutive failures the circuit has seen.
	// +optional
	FailureCount int32 `json:"failureCount,omitempty"`

	// healthScore from 0 to 100.
	// +optional
	HealthScore int32 `json:"healthScore"`

	// queued is how many calls wait for a place in the bulkhead.
	// +optional
	Queued int32 `json:"queued,omitempty"`

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

	// opens is how often the circuit has opened in this instance.
	// +optional
	Opens int64 `json:"opens,omitempty"`

	// atRest means that the circuit is only here because it changed its state
	// within the last minute.
	// +optional
	AtRest bool `json:"atRest,omitempty"`

	// lastTransition is the latest change of the circuit's state.
	// +optional
	LastTransition *Transition `json:"lastTransition,omitempty"`
}
