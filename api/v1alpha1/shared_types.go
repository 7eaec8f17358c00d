package v1alpha1

// SecretKeyReference names one key of a Secret in the object's own namespace.
// The Secret must carry the label switchgear.dev/credentials: "true", which is
// its owner's consent.
type SecretKeyReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// key within the Secret's data.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key"`
}

// CircuitPolicyReference names a CircuitPolicy in the object's own namespace.
type CircuitPolicyReference struct {
	// name of the CircuitPolicy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`
}

// CircuitState is the state of a circuit as callers meet it.
// +kubebuilder:validation:Enum=Closed;Open;HalfOpen
type CircuitState string

// The states of a circuit. The worst is Open, then HalfOpen, then Closed.
const (
	// CircuitClosed lets every call through.
	CircuitClosed CircuitState = "Closed"
	// CircuitOpen refuses every call.
	CircuitOpen CircuitState = "Open"
	// CircuitHalfOpen lets a few probes through and refuses all other calls.
	CircuitHalfOpen CircuitState = "HalfOpen"
)
