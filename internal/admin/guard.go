package admin

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard lets those requests through that a program of this machine means. The
// listener asks nobody who they are, so a page in a browser on the same machine
// must not be able to speak to it: neither by a name that leads to loopback (DNS
// rebinding), nor by a request of another site's (cross-site request forgery).
type guard struct {
	next  http.Handler
	host  string // of the address that was asked for; empty: all
	sites *http.CrossOriginProtection
}

func newGuard(address string, next http.Handler) *guard {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return &guard{next: next, host: host, sites: http.NewCrossOriginProtection()}
}

// ServeHTTP refuses, or passes on.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if host := hostOf(r.Host); !g.known(host) {
		fail(w, http.StatusForbidden, "host_not_allowed", fmt.Sprintf(
			"the Host %q is not this listener's: ask for it by %s", host, g.names()))
		return
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" || g.sites.Check(r) != nil {
		fail(w, http.StatusForbidden, "cross_site", "the request comes from a page of another site: open this address itself, or use a program")
		return
	}
	g.next.ServeHTTP(w, r)
}

// known reports whether a program of this machine can mean that host.
func (g *guard) known(host string) bool {
	return safe(host) || host != "" && strings.EqualFold(host, g.host)
}

// safe reports whether nobody else can have a say in where a host leads.
func safe(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || strings.EqualFold(host, "localhost")
}

// names says by what it may be asked for.
func (g *guard) names() string {
	names := "an IP address or localhost"
	if g.host != "" && !safe(g.host) {
		names += " or " + g.host
	}
	return names
}

// hostOf is a Host header without its port.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
