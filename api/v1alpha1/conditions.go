package v1alpha1

// The types of conditions, after those of Gateway API.
const (
	// ConditionAccepted says whether the object is valid. What the API server
	// alone cannot know (two objects that claim the same model, say) shows here.
	// While it is False, the last good version of the spec serves on.
	ConditionAccepted = "Accepted"
	// ConditionResolvedRefs says whether everything that a ProviderRoute refers
	// to exists and may be used.
	ConditionResolvedRefs = "ResolvedRefs"
	// ConditionProgrammed says whether this generation is live on the gateway.
	ConditionProgrammed = "Programmed"
	// ConditionReady sums up the conditions above. An open circuit is Ready:
	// opening is its work. Of a GatewayReplica it says whether the replica takes
	// requests.
	ConditionReady = "Ready"
	// ConditionHealthy says whether no circuit of a CircuitPolicy is open or
	// half-open.
	ConditionHealthy = "Healthy"
)

// Reasons of ConditionAccepted.
const (
	// ReasonAccepted is the reason of an object with nothing to report.
	ReasonAccepted = "Accepted"
	// ReasonInvalid means that the spec holds a value that cannot be used. The
	// message names the field, the value and what would be right.
	ReasonInvalid = "Invalid"
	// ReasonConflicted means that older routes claim every match of the route.
	ReasonConflicted = "Conflicted"
	// ReasonPartiallyConflicted is a warning: older routes claim some of the
	// route's matches. The message names the winners.
	ReasonPartiallyConflicted = "PartiallyConflicted"
	// ReasonPlaintextCredentials means that a backend would be called with a
	// credential over plain http://, which no flag permits. It is a warning while
	// another backend of the route may be called.
	ReasonPlaintextCredentials = "PlaintextCredentials"
	// ReasonAddressNotAllowed means that a backend's address is of a kind that
	// is never dialled, such as loopback or link-local. It is a warning while
	// another backend of the route may be called.
	ReasonAddressNotAllowed = "AddressNotAllowed"
	// ReasonSharedCircuit is a warning: two backends that stand in for one
	// another share a circuit, so both are refused together.
	ReasonSharedCircuit = "SharedCircuit"
	// ReasonTooManyCircuits is a warning: a policy has more circuits than are
	// allowed, and those beyond the limit share one.
	ReasonTooManyCircuits = "TooManyCircuits"
)

// Reasons of ConditionResolvedRefs.
const (
	// ReasonResolvedRefs means that every reference was found.
	ReasonResolvedRefs = "ResolvedRefs"
	// ReasonSecretNotFound means that there is no Secret of that name.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretNotLabelled means that the Secret is there, without the label
	// that permits its use.
	ReasonSecretNotLabelled = "SecretNotLabelled"
	// ReasonSecretKeyNotFound means that the Secret has no such key, or that its
	// value is empty.
	ReasonSecretKeyNotFound = "SecretKeyNotFound"
	// ReasonSecretInvalid means that the value of the key cannot be used as what
	// it should be: a credential, or certificates in PEM.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonPolicyNotFound means that there is no CircuitPolicy of that name.
	// The built-in defaults are in force in its place.
	ReasonPolicyNotFound = "PolicyNotFound"
)

// Reasons of ConditionProgrammed.
const (
	// ReasonProgrammed means that the gateway serves this generation.
	ReasonProgrammed = "Programmed"
	// ReasonNotProgrammed means that the gateway does not serve this generation
	// yet, or cannot.
	ReasonNotProgrammed = "NotProgrammed"
)

// ReasonReady is the reason of a true ConditionReady. A false one bears the
// reason of the first condition that keeps it so.
const ReasonReady = "Ready"

// Reasons of a GatewayReplica's ConditionReady.
const (
	// ReasonServing means that the replica takes requests.
	ReasonServing = "Serving"
	// ReasonDraining means that the replica has been told to end and lets what
	// runs finish. It counts no more.
	ReasonDraining = "Draining"
)

// Reasons of ConditionHealthy.
const (
	// ReasonHealthy means that every circuit is closed.
	ReasonHealthy = "Healthy"
	// ReasonCircuitOpen means that at least one circuit is open.
	ReasonCircuitOpen = "CircuitOpen"
	// ReasonCircuitHalfOpen means that no circuit is open, and at least one is
	// half-open.
	ReasonCircuitHalfOpen = "CircuitHalfOpen"
	// ReasonOverrideActive means that spec.override decides, and no provider.
	ReasonOverrideActive = "OverrideActive"
	// ReasonObserving means that spec.mode is Observe: what the state says is
	// reported, and nothing is refused.
	ReasonObserving = "Observing"
	// ReasonCircuitsOff means that the process was started with --circuits=off:
	// what the state says is reported, and nothing is refused.
	ReasonCircuitsOff = "CircuitsOff"
	// ReasonDisabled means that spec.mode is Disabled: nothing is recorded.
	ReasonDisabled = "Disabled"
)
