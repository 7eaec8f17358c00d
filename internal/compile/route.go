package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

const (
	maxModels   = 64
	maxBackends = 16
	maxName     = 256 // of a model, in bytes
	// defaultRouteTimeout bounds a request where the route does not.
	defaultRouteTimeout = 5 * time.Minute
)

// routeSpec is a route's spec, read and checked, without what it refers to. It
// is immutable.
type routeSpec struct {
	generation int64
	patterns   []string // models, or the one path prefix
	path       bool
	headers    []gateway.Header
	// headerSet is the same for equal sets of headers, in whatever order and
	// case the names stand.
	headerSet string
	timeout   time.Duration
	retry     gateway.Retry
	fallback  gateway.ClassSet
	recovery  gateway.StreamRecovery
	backends  []backendSpec
	secrets   []string // names, each once
}

// newRouteSpec reads and checks a route. Where there are problems, the result
// must not be used.
func newRouteSpec(r *v1alpha1.ProviderRoute, o *Options) (*routeSpec, []Problem) {
	c := newChecker()
	s := &r.Spec
	out := &routeSpec{generation: r.Generation, path: s.PathPrefix != "", timeout: defaultRouteTimeout}
	switch {
	case out.path == (len(s.Models) > 0):
		c.wrong("models", "and spec.pathPrefix: exactly one of them must be set")
	case out.path:
		checkPathPrefix(c, s.PathPrefix)
		out.patterns = []string{s.PathPrefix}
	default:
		checkModels(c, s.Models)
		out.patterns = s.Models
	}
	out.headers, out.headerSet = routeHeaders(c, s.Headers)
	if s.Timeout != nil {
		out.timeout = c.duration("timeout", *s.Timeout, minDuration)
	}
	out.retry = routeRetry(c, orEmpty(s.Retry))
	out.fallback = routeFallback(c, s.Fallback)
	out.recovery = streamRecovery(c, s.StreamRecovery)
	if n := len(s.Backends); n < 1 || n > maxBackends {
		c.wrong("backends", fmt.Sprintf("has %d items: must have from 1 to %d", n, maxBackends))
	}
	out.backends = make([]backendSpec, len(s.Backends))
	for i := range s.Backends {
		c.backend = i
		out.backends[i] = newBackendSpec(c, &s.Backends[i], out.path)
		if slices.ContainsFunc(s.Backends[:i], func(b v1alpha1.Backend) bool { return b.Name == s.Backends[i].Name }) {
			c.fail("name", s.Backends[i].Name, "must not be the name of two backends")
		}
		out.backends[i].objections = o.objections(i, &out.backends[i])
		out.note(&s.Backends[i])
	}
	c.backend = -1
	checkPassthrough(c, out.backends)
	checkObjections(c, out.backends)
	return out, c.problems
}

// note remembers the Secrets that a backend refers to.
func (s *routeSpec) note(b *v1alpha1.Backend) {
	for _, ref := range []*v1alpha1.SecretKeyReference{orEmpty(b.Credentials).SecretRef, orEmpty(b.TLS).CASecretRef} {
		if ref != nil && !slices.Contains(s.secrets, ref.Name) {
			s.secrets = append(s.secrets, ref.Name)
		}
	}
}

func checkModels(c *checker, models []string) {
	if len(models) > maxModels {
		c.wrong("models", fmt.Sprintf("has %d items: must have at most %d", len(models), maxModels))
	}
	for i, m := range models {
		if len(m) > maxName || !printable(m) || strings.Contains(m[:len(m)-1], "*") {
			c.fail(fmt.Sprintf("models[%d]", i), m, "must be a model's name, or a prefix with a trailing *, in printable ASCII without spaces, of at most 256 characters")
		}
		if slices.Contains(models[:i], m) {
			c.fail(fmt.Sprintf("models[%d]", i), m, "must not stand twice in one route")
		}
	}
}

// reservedSegments are what the gateway serves itself.
var reservedSegments = []string{"v1", "ns", "healthz", "readyz", "metrics"}

func checkPathPrefix(c *checker, prefix string) {
	rest, rooted := strings.CutPrefix(prefix, "/")
	segments := strings.Split(rest, "/")
	wrong := !rooted || len(prefix) > maxName
	for _, s := range segments {
		wrong = wrong || s == "" || s == "." || s == ".." || strings.ContainsFunc(s, notInPath)
	}
	if wrong {
		c.fail("pathPrefix", prefix, "must be one or more segments such as /ext/weather, of letters, digits and ._~@:+-, without a trailing / and without a segment . or .., and at most 256 characters")
	}
	if slices.Contains(reservedSegments, segments[0]) {
		c.fail("pathPrefix", prefix, "must not be under /v1, /ns, /healthz, /readyz or /metrics, which are the gateway's own")
	}
}

func notInPath(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("._~@:+-", r)
}

// routeHeaders reads the headers that a request must have, and makes the one
// form of their set.
func routeHeaders(c *checker, headers []v1alpha1.HeaderMatch) ([]gateway.Header, string) {
	if len(headers) == 0 {
		return nil, ""
	}
	out := make([]gateway.Header, len(headers))
	set := make([]gateway.Header, len(headers))
	for i, h := range headers {
		out[i] = gateway.Header{Name: h.Name, Value: h.Value}
		set[i] = gateway.Header{Name: strings.ToLower(h.Name), Value: h.Value}
		field := fmt.Sprintf("headers[%d]", i)
		switch {
		case !httpguts.ValidHeaderFieldName(h.Name):
			c.fail(field+".name", h.Name, "must be a header's name")
		case credentialHeaders[set[i].Name]:
			c.fail(field+".name", h.Name, "must not match on a credential")
		case h.Value == "" || !httpguts.ValidHeaderFieldValue(h.Value):
			c.fail(field+".value", h.Value, "must be a header's value, and not empty")
		}
		if slices.ContainsFunc(set[:i], func(o gateway.Header) bool { return o.Name == set[i].Name }) {
			c.fail(field+".name", h.Name, "must not name a header twice: upper and lower case are the same")
		}
	}
	slices.SortFunc(set, func(a, b gateway.Header) int { return cmp.Compare(a.Name, b.Name) })
	var form strings.Builder
	for _, h := range set {
		form.WriteString(h.Name + ": " + h.Value + "\n") // neither can hold a line's end
	}
	return out, form.String()
}

// checkPassthrough keeps a client's credential with one provider.
func checkPassthrough(c *checker, backends []backendSpec) {
	first := -1
	for i := range backends {
		b := &backends[i]
		switch {
		case b.base.Credential.Kind != gateway.CredentialPassthrough || b.base.URL == nil:
		case first < 0:
			first = i
		case b.origin != backends[first].origin:
			c.wrong(fmt.Sprintf("backends[%d].url", i), fmt.Sprintf(
				"has the origin %s and passes the client's credential on, like spec.backends[%d] with the origin %s: backends with passthrough credentials must all have the same origin",
				b.origin, first, backends[first].origin))
		}
	}
}
