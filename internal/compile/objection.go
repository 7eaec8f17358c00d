package compile

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

// objections are the reasons that the process itself has not to call a backend,
// whatever its references lead to.
func (o *Options) objections(backend int, b *backendSpec) []Problem {
	if b.base.URL == nil {
		return nil
	}
	var out []Problem
	object := func(reason, message string) {
		out = append(out, Problem{
			Condition: v1alpha1.ConditionAccepted,
			Reason:    reason,
			Message:   fmt.Sprintf("spec.backends[%d].url: %s %s", backend, b.origin, message),
		})
	}
	// What a name resolves to is looked at when it is dialled.
	addr, err := netip.ParseAddr(canonicalHost(b.base.URL))
	if err == nil && !gateway.AddressAllowed(addr, o.AllowBackendCIDRs) {
		object(v1alpha1.ReasonAddressNotAllowed,
			"has an address that is never dialled (loopback, link-local, multicast or unspecified): use another, or permit it with --allow-backend-cidr")
	}
	if o.plaintext(&b.base) {
		object(v1alpha1.ReasonPlaintextCredentials,
			"would get a credential unencrypted: use https://, or permit it with --allow-plaintext-credentials")
	}
	return out
}

// checkObjections refuses a spec if there are objections to all of its backends.
// Where any other is left they are no reason to take that one away: the route is
// accepted, with warnings.
func checkObjections(c *checker, backends []backendSpec) {
	if slices.ContainsFunc(backends, func(b backendSpec) bool { return len(b.objections) == 0 }) {
		return
	}
	for i := range backends {
		c.problems = append(c.problems, backends[i].objections...)
	}
}

// plaintext reports whether a backend would send a credential unencrypted where
// that is not allowed. A client's credential counts like the gateway's own.
func (o *Options) plaintext(b *gateway.Backend) bool {
	switch {
	case b.Credential.Kind == gateway.CredentialNone, b.URL.Scheme == "https", o.AllowPlaintextCredentials:
		return false
	case o.AllowLoopbackPlaintext:
		return !loopback(canonicalHost(b.URL))
	}
	return true
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host == "localhost"
	}
	return addr.Unmap().IsLoopback()
}
