package compile

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

const (
	maxPriority   = 100
	maxWeight     = 1000
	defaultWeight = 100

	maxMaxTokens     = 1_000_000
	defaultMaxTokens = 4096
)

// backendSpec is one backend of a route's spec, read and checked, without what
// it refers to.
type backendSpec struct {
	// base lacks the policy, the credential's value and the CA bundle.
	base gateway.Backend
	// origin and credential are its part of a circuit's identity.
	origin, credential string
	objections         []Problem
	policyRef          string // a name; empty: none
	secretRef, caRef   *v1alpha1.SecretKeyReference
}

func newBackendSpec(c *checker, b *v1alpha1.Backend, path bool) backendSpec {
	if !backendName(b.Name) {
		c.fail("name", b.Name, "must be of lower case letters, digits and -, at most 63")
	}
	out := backendSpec{base: gateway.Backend{
		Name:    b.Name,
		Dialect: backendDialect(c, b.Type, path),
		Model:   b.Model,

		SupportsPrefill: b.SupportsPrefill,

		Priority: c.number("priority", b.Priority, 0, maxPriority),
		Weight:   c.number("weight", or(b.Weight, defaultWeight), 0, maxWeight),
	}}
	if path && b.SupportsPrefill {
		c.wrong("supportsPrefill", "is true: a backend of type HTTP has no turns to go on with")
	}
	switch {
	case b.Type == v1alpha1.BackendAnthropic:
		out.base.DefaultMaxTokens = c.number("defaultMaxTokens", or(b.DefaultMaxTokens, defaultMaxTokens), 1, maxMaxTokens)
	case b.DefaultMaxTokens != nil:
		c.wrong("defaultMaxTokens", "is set for a backend of type "+string(b.Type)+": only Anthropic's dialect requires a limit")
	}
	out.base.URL, out.origin = backendURL(c, b.URL)
	switch {
	case b.Model == "":
	case path:
		c.fail("model", b.Model, "must not be set for a backend of type HTTP")
	case len(b.Model) > maxName || !printable(b.Model) || strings.Contains(b.Model, "*"):
		c.fail("model", b.Model, "must be a model's name in printable ASCII without spaces and *, of at most 256 characters")
	}
	out.readCredentials(c, b)
	out.readAuth(c, b)
	out.readParameters(c, b)
	if b.TLS != nil {
		out.readTLS(c, b.TLS)
	}
	if b.CircuitPolicyRef != nil {
		c.reference("circuitPolicyRef.name", b.CircuitPolicyRef.Name)
		out.policyRef = b.CircuitPolicyRef.Name
	}
	return out
}

// backendName reports whether a name can stand in a header and in a label.
func backendName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 63
}

func backendDialect(c *checker, t v1alpha1.BackendType, path bool) gateway.Dialect {
	dialect := gateway.OpenAI
	switch t {
	case v1alpha1.BackendOpenAI:
	case v1alpha1.BackendAnthropic:
		dialect = gateway.Anthropic
	case v1alpha1.BackendHTTP:
		dialect = gateway.HTTP
	default:
		c.fail("type", t, "must be OpenAI, Anthropic or HTTP")
		return dialect
	}
	if path && t != v1alpha1.BackendHTTP {
		c.fail("type", t, "must be HTTP in a route with pathPrefix")
	}
	if !path && t == v1alpha1.BackendHTTP {
		c.fail("type", t, "must be OpenAI or Anthropic in a route with models")
	}
	return dialect
}

// readCredentials reads whose credential is sent. The identity is that of the
// reference: a rotated key has the same circuits.
func (s *backendSpec) readCredentials(c *checker, b *v1alpha1.Backend) {
	credentials := orEmpty(b.Credentials)
	set := 0
	if ref := credentials.SecretRef; ref != nil {
		set++
		c.reference("credentials.secretRef.name", ref.Name)
		c.reference("credentials.secretRef.key", ref.Key)
		s.base.Credential.Kind = gateway.CredentialSecret
		s.secretRef = ref
		s.credential = ref.Name + "/" + ref.Key
	}
	if credentials.Passthrough != nil {
		set++
		s.base.Credential.Kind = gateway.CredentialPassthrough
		s.credential = "passthrough"
	}
	if credentials.None != nil {
		set++
	}
	if b.Credentials != nil && set != 1 {
		c.wrong("credentials", fmt.Sprintf("has %d of secretRef, passthrough and none: exactly one must be set", set))
	}
}

// readAuth reads where the credential goes: by default into the header of the
// type, and after "Bearer " in the header Authorization alone.
func (s *backendSpec) readAuth(c *checker, b *v1alpha1.Backend) {
	auth := orEmpty(b.Auth)
	if b.Auth != nil && s.secretRef == nil {
		c.wrong("auth", "is set without credentials.secretRef: it says where that credential goes")
	}
	switch {
	case auth.Header != "":
		c.headerName("auth.header", auth.Header)
		s.base.AuthHeader = auth.Header
	case b.Type == v1alpha1.BackendAnthropic:
		s.base.AuthHeader = "x-api-key"
	default:
		s.base.AuthHeader = "Authorization"
	}
	switch {
	case auth.Prefix != nil:
		if !httpguts.ValidHeaderFieldValue(*auth.Prefix) {
			c.fail("auth.prefix", *auth.Prefix, "must be printable ASCII")
		}
		s.base.AuthPrefix = *auth.Prefix
	case http.CanonicalHeaderKey(s.base.AuthHeader) == "Authorization":
		s.base.AuthPrefix = "Bearer "
	}
}

// readParameters reads the headers and query parameters that are set.
func (s *backendSpec) readParameters(c *checker, b *v1alpha1.Backend) {
	for i, h := range b.Headers {
		field := fmt.Sprintf("headers[%d]", i)
		c.headerName(field+".name", h.Name)
		if credentialHeaders[strings.ToLower(h.Name)] {
			c.fail(field+".name", h.Name, "must not carry a credential: it belongs in a Secret, see credentials.secretRef and auth")
		}
		if !httpguts.ValidHeaderFieldValue(h.Value) {
			c.fail(field+".value", h.Value, "must be printable ASCII")
		}
		s.base.Headers = append(s.base.Headers, gateway.Header{Name: h.Name, Value: h.Value})
	}
	for i, q := range b.Query {
		if q.Name == "" {
			c.fail(fmt.Sprintf("query[%d].name", i), q.Name, "must not be empty")
		}
		s.base.Query = append(s.base.Query, gateway.Header{Name: q.Name, Value: q.Value})
	}
}

func (s *backendSpec) readTLS(c *checker, t *v1alpha1.BackendTLS) {
	if s.base.URL != nil && s.base.URL.Scheme == "http" {
		c.wrong("tls", "needs a url with https://")
	}
	if ref := t.CASecretRef; ref != nil {
		c.reference("tls.caSecretRef.name", ref.Name)
		c.reference("tls.caSecretRef.key", ref.Key)
		s.caRef = ref
	}
	s.base.TLS.ServerName = t.ServerName
}
