package v1alpha1

const (
	// CredentialsLabel on a Secret, with the value CredentialsLabelValue, is its
	// owner's consent to its use by ProviderRoutes of the same namespace.
	CredentialsLabel = "switchgear.dev/credentials"
	// CredentialsLabelValue is the one value of CredentialsLabel that counts.
	CredentialsLabelValue = "true"

	// ResetAnnotation on a CircuitPolicy asks for all of its circuits to be
	// closed and zeroed. Any value that differs from status.lastReset is a
	// request; by custom it is the time of asking.
	ResetAnnotation = "switchgear.dev/reset-requested-at"

	// DefaultPolicyName is the name of the CircuitPolicy that a backend takes
	// which names none.
	DefaultPolicyName = "default"
)
