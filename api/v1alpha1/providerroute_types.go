package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ProviderRoute says which provider answers a request: those for a model, or
// those under a path.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=proute,categories=switchgear
// +kubebuilder:printcolumn:name="Models",type=string,JSONPath=`.status.modelsSummary`,description="The models or the path prefix that the route matches"
// +kubebuilder:printcolumn:name="Active",type=string,JSONPath=`.status.activeBackend`,description="Where the next request would go"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether this generation is accepted and live"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ProviderRoute struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is asked for.
	// +required
	Spec ProviderRouteSpec `json:"spec"`

	// status is what the gateway observes. The operator writes it.
	// +optional
	Status ProviderRouteStatus `json:"status,omitzero"`
}

// ProviderRouteList is a list of ProviderRoutes.
// +kubebuilder:object:root=true
type ProviderRouteList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []ProviderRoute `json:"items"`
}

// ProviderRouteSpec is what a ProviderRoute asks for.
//
// Within a namespace an exact model wins over a prefix, a longer prefix over a
// shorter one, more headers over fewer, and the older route over the younger.
//
// +kubebuilder:validation:XValidation:rule="has(self.models) != has(self.pathPrefix)",message="exactly one of models and pathPrefix must be set"
// +kubebuilder:validation:XValidation:rule="!has(self.pathPrefix) || self.backends.all(b, b.type == 'HTTP')",message="every backend of a route with pathPrefix must have type HTTP"
// +kubebuilder:validation:XValidation:rule="!has(self.models) || self.backends.all(b, b.type != 'HTTP')",message="no backend of a route with models may have type HTTP: say OpenAI or Anthropic"
// +kubebuilder:validation:XValidation:rule="self.backends.all(a, !(has(a.credentials) && has(a.credentials.passthrough) && size(a.url) >= 8) || self.backends.all(b, !(has(b.credentials) && has(b.credentials.passthrough) && size(b.url) >= 8) || (a.url + '/').substring(0, (a.url + '/').indexOf('/', 8)).lowerAscii() == (b.url + '/').substring(0, (b.url + '/').indexOf('/', 8)).lowerAscii()))",message="backends with passthrough credentials must all have the same origin, written alike (scheme, host and port): a client's credential is for one provider"
type ProviderRouteSpec struct {
	// models that the route answers for: exact names, or prefixes with a trailing
	// *. A lone * also takes the requests that name no model or call none, such as
	// those for files. Exactly one of models and pathPrefix.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[!-)+-~]*[!-~]$')",message="must be a model's name, or a prefix with a trailing *, in printable ASCII without spaces"
	Models []string `json:"models,omitempty"`

	// pathPrefix matches requests for any other HTTP API by their path, in whole
	// segments: /ext/weather matches /ext/weather/today and not /ext/weathers.
	// Exactly one of models and pathPrefix.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9._~@:+-]+)+$')",message="must be one or more segments such as /ext/weather, of letters, digits and ._~@:+-, without a trailing /"
	// +kubebuilder:validation:XValidation:rule="!self.matches('/[.][.]?(/|$)')",message="must not have a segment . or .."
	// +kubebuilder:validation:XValidation:rule="!self.matches('^/(v1|ns|healthz|readyz|metrics)(/|$)')",message="must not be under /v1, /ns, /healthz, /readyz or /metrics, which are the gateway's own"
	PathPrefix string `json:"pathPrefix,omitempty"`

	// headers that a request must have, all of them, with exactly these values.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(h, self.exists_one(o, o.name.lowerAscii() == h.name.lowerAscii()))",message="must not name a header twice: upper and lower case are the same"
	Headers []HeaderMatch `json:"headers,omitempty"`

	// backends that can answer.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Backends []Backend `json:"backends"`

	// timeout bounds a request until its answer is committed, queueing included,
	// from 10ms to 24h.
	// +optional
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('24h')",message="must be from 10ms to 24h"
	Timeout *Duration `json:"timeout,omitempty"`

	// retry says how often one backend is asked again.
	// +optional
	Retry *Retry `json:"retry,omitempty"`

	// fallback says when the next backend is asked.
	// +optional
	Fallback *Fallback `json:"fallback,omitempty"`

	// streamRecovery says what becomes of a stream that breaks off after its first
	// output. None: the client is told by an error event. Resume: a backend with
	// supportsPrefill, of the client's dialect, goes on with the text, where the
	// answer is one plain text.
	// Buffer: the answer is held until it is whole, up to 16 MiB, so that the next
	// backend can answer instead unseen.
	// +optional
	// +kubebuilder:default=None
	StreamRecovery StreamRecovery `json:"streamRecovery,omitempty"`
}

// ProviderRouteStatus is what the gateway observes of a route.
type ProviderRouteStatus struct {
	// observedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// modelsSummary is what the route matches, in the width of a column.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	ModelsSummary string `json:"modelsSummary,omitempty"`

	// activeBackend is where the next request would go. Absent: nowhere.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ActiveBackend string `json:"activeBackend,omitempty"`

	// backends as the gateway sees them, in the order of the spec.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Backends []BackendStatus `json:"backends,omitempty"`

	// conditions are Accepted, ResolvedRefs, Programmed and Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// BackendStatus is the worst circuit of one backend.
type BackendStatus struct {
	// name of the backend.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// circuit is its name in the status of the CircuitPolicy.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Circuit string `json:"circuit,omitempty"`

	// state that callers meet.
	// +optional
	State CircuitState `json:"state,omitempty"`

	// failureCount is how many consecutive failures the circuit has seen.
	// +optional
	FailureCount int32 `json:"failureCount"`

	// healthScore from 0 to 100.
	// +optional
	HealthScore int32 `json:"healthScore"`
}
