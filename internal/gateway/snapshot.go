package gateway

import (
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// Snapshot is one complete configuration of the gateway. It is immutable from
// the moment it is given to [Gateway.Apply]; a request works with the snapshot
// that was live when it came, to its end.
type Snapshot struct {
	// Version names the configuration in dumps and logs. It is opaque.
	Version string
	// Policies are all circuit policies, those no route refers to included.
	Policies []*Policy
	// Routes stand in order of precedence among equals: the older first, then
	// by name. Two routes of one namespace never claim the same match.
	Routes []*Route
}

// Policy is a circuit policy with every value resolved.
type Policy struct {
	// ID is the identity of the policy. Its circuits live on across snapshots
	// for as long as the ID stays the same.
	ID              string
	Namespace, Name string
	Circuit         circuit.Settings
	// OverrideUntil ends Circuit.Override, on the wall clock; zero is no end.
	// Apply translates it into Circuit.Override.Until.
	OverrideUntil time.Time
	Timeouts      Timeouts
	RateLimit     RateLimitAction
	FailureStatus StatusSet
	// AllowBypass lets a client opt a call out with a header.
	AllowBypass bool
	// SharesTrips means that the policy's circuits are warned of trips in other
	// processes. By whom is not the gateway's to know.
	SharesTrips bool
}

// Timeouts bound one attempt. All are above zero.
type Timeouts struct {
	// Connect bounds dialling, the TLS handshake included.
	Connect time.Duration
	// FirstToken bounds a streamed attempt up to the first event with output.
	FirstToken time.Duration
	// Attempt bounds an unstreamed attempt.
	Attempt time.Duration
	// StreamIdle bounds the provider's silence between two events.
	StreamIdle time.Duration
	// StreamTotal bounds a whole streamed attempt.
	StreamTotal time.Duration
	// Abandoned is how long a provider must have been silent for a client's
	// leaving to count as the provider's failure.
	Abandoned time.Duration
}

// RateLimitAction says what a provider's 429 means to a circuit.
type RateLimitAction uint8

// The rate limit actions.
const (
	RateLimitFailure  RateLimitAction = iota // counts as a failure
	RateLimitCooldown                        // opens the circuit until Retry-After
	RateLimitIgnore                          // counts as nothing
)

// Route sends the requests that it matches to one of its backends.
type Route struct {
	Namespace, Name string
	// Matches are the models or, where Path is true, the one path prefix that
	// this route has won.
	Matches []Match
	Path    bool
	// Headers must all be present with exactly these values.
	Headers []Header
	// Timeout bounds a request until its answer is committed.
	Timeout time.Duration
	Retry   Retry
	// Fallback holds the classes of failures after which the next backend is
	// asked.
	Fallback ClassSet
	Recovery StreamRecovery
	Backends []*Backend
}

// Retry says how often and when one backend is asked again for one request. Its
// zero value never asks again.
type Retry struct {
	// MaxAttempts counts the first one too.
	MaxAttempts int
	// InitialDelay passes before the second attempt. It grows by Multiplier for
	// each further one, at most to MaxDelay, by chance up to JitterPercent more or
	// less.
	InitialDelay, MaxDelay    time.Duration
	Multiplier, JitterPercent int
	// MaxRetryAfter is the longest Retry-After that is waited for. With 0, a
	// provider that limits the rate is never waited for.
	MaxRetryAfter time.Duration
	// BudgetPercent bounds repeats by the route's recent requests.
	BudgetPercent int
}

// StreamRecovery says what becomes of a stream that breaks off after its first
// output.
type StreamRecovery uint8

// The ways to recover a stream.
const (
	RecoverNothing     StreamRecovery = iota // the client is told by an error event
	RecoverByResuming                        // a backend that supports prefill goes on
	RecoverByBuffering                       // the answer is held until it is whole
)

// String returns the way's name as the API spells it.
func (r StreamRecovery) String() string { return [...]string{"None", "Resume", "Buffer"}[r] }

// Match is one model pattern (exact, or a prefix with a trailing *) or one
// path prefix, and the circuit that each backend uses under it.
type Match struct {
	Pattern string
	// Circuits has one key for each of the route's backends, in their order.
	Circuits []CircuitKey
}

// Header is a name and a value: a header to match, or one to set; or a query
// parameter.
type Header struct{ Name, Value string }

// Dialect is the wire format that a backend speaks.
type Dialect = dialect.Dialect

// The dialects.
const (
	OpenAI    = dialect.OpenAI
	Anthropic = dialect.Anthropic
	HTTP      = dialect.HTTP
)

// Backend is one deployment of a provider.
type Backend struct {
	Name    string
	Dialect Dialect
	// URL is the base URL as the dialect's official SDK understands it. For a
	// path route it takes the place of the prefix.
	URL *url.URL
	// Model is asked of the provider; empty: what the client asked for.
	Model      string
	Credential Credential
	// AuthHeader carries the credential, after AuthPrefix.
	AuthHeader, AuthPrefix string
	Headers                []Header
	Query                  []Header
	TLS                    TLS
	// Priority orders backends, the lower first; Weight shares requests among
	// equals, 0 is never picked while another of its priority is left.
	Priority, Weight int
	Policy           *Policy
	// DefaultMaxTokens is asked for where the dialect requires a limit and the
	// client, who speaks another, has named none.
	DefaultMaxTokens int
	// SupportsPrefill means that the model goes on with an assistant's turn.
	SupportsPrefill bool
	// Unavailable says why the backend must not be called (a Secret that is
	// missing, say); empty means that it may be.
	Unavailable string
}

// CredentialKind says whose credential a backend is called with.
type CredentialKind uint8

// The kinds of credential.
const (
	CredentialNone        CredentialKind = iota // no credential is sent
	CredentialSecret                            // the gateway's own
	CredentialPassthrough                       // the client's
)

// Credential is what a backend is called with.
type Credential struct {
	Kind CredentialKind
	Key  Secret // of kind CredentialSecret
}

// Secret is a value that no log, dump or error shows.
type Secret string

const redacted = "(redacted)"

// String returns a placeholder.
func (Secret) String() string { return redacted }

// GoString returns a placeholder.
func (Secret) GoString() string { return redacted }

// MarshalText returns a placeholder, for dumps.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// TLS is how a backend's certificate is checked.
type TLS struct {
	// CA is a PEM bundle that replaces the system's roots; empty: the system's.
	CA string
	// ServerName replaces the URL's host in the handshake.
	ServerName string
}

// CircuitKey is the identity of a circuit: its policy, and what the policy's
// scope says. It never contains a string of a client.
type CircuitKey struct {
	Policy     string // the policy's ID
	Origin     string // scheme://host:port; empty with scope Policy
	Credential string // the reference, never the value; empty: none
	Model      string // the upstream model or the route's pattern; scope Model only
	// Overflow marks the one circuit that all those beyond the policy's limit
	// share.
	Overflow bool
}

// String names the circuit for people, uniquely within its policy:
// "openai/api-key@api.openai.com/gpt-4o". A named circuit is "(policy)".
func (k CircuitKey) String() string {
	if k.Overflow {
		return "(overflow)"
	}
	if k.Origin == "" {
		return "(policy)"
	}
	s := strings.TrimPrefix(k.Origin, "https://")
	if k.Credential != "" {
		s = k.Credential + "@" + s
	}
	if k.Model != "" {
		s += "/" + k.Model
	}
	return s
}
