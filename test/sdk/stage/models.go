package stage

import "time"

// The models, by the dialect of the backends that serve them, whatever the SDK's
// is. What follows the
// name, one of the suffixes below or nothing, says how it is served: by the
// primary, or by the fallback while the primary's circuit is open, which five
// failures in a row bring about for half a second.
const (
	OpenAIModel    = "gpt-4o"
	AnthropicModel = "claude-sonnet"
)

// Across has a fallback of the other dialect.
const Across = "-across"

// The suffixes. Behind all of them is the primary alone.
const (
	// Once is never asked again, and its circuit does not open.
	Once = "-once"
	// Repeated is asked twice if need be. Its circuit does not open.
	Repeated = "-repeated"
	// Touchy is never asked again, and the first failure opens its circuit for
	// OpenFor.
	Touchy = "-touchy"
	// Impatient is Once with half a second for an answer, or for its beginning.
	Impatient = "-impatient"
	// Revoked is Once with a credential that the provider does not take.
	Revoked = "-revoked"
)

// The header, and its value, with which a request that names no model reaches the
// primary's account.
const (
	AccountHeader = "x-account"
	Account       = "main"
)

// OpenFor is how long the circuit of Touchy stays open.
const OpenFor = 30 * time.Second
