package gateway

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// dialGuard refuses to connect to addresses that a route's author must not
// reach through the gateway: the gateway's own loopback, link-local addresses
// (metadata services among them), multicast and unspecified. It looks at the
// address that is really dialled, after DNS, so that a name cannot hide it.
type dialGuard struct {
	allow []netip.Prefix // exceptions
}

// addressNotAllowedError says which address was refused.
type addressNotAllowedError struct{ addr netip.Addr }

func (e addressNotAllowedError) Error() string {
	return fmt.Sprintf("the address %s is not allowed for a backend (see --allow-backend-cidr)", e.addr)
}

func (g dialGuard) check(addr netip.Addr) error {
	if AddressAllowed(addr, g.allow) {
		return nil
	}
	return addressNotAllowedError{addr.Unmap().WithZone("")}
}

// AddressAllowed reports whether a backend may have an address: not one that is
// loopback, link-local, multicast or unspecified, but for those within allow.
func AddressAllowed(addr netip.Addr, allow []netip.Prefix) bool {
	addr = addr.Unmap().WithZone("")
	forbidden := addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() ||
		addr.IsMulticast() || addr.IsInterfaceLocalMulticast()
	return !forbidden || slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// checkHost checks a host that is written as an address; a name passes, to be
// checked when it is dialled.
func (g dialGuard) checkHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.check(addr)
	}
	return nil
}

// control is a net.Dialer's ControlContext.
func (g dialGuard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("checking the address %q: %w", address, err)
	}
	return g.check(ap.Addr())
}

// dialer returns a dialer that asks the guard.
func (g dialGuard) dialer() *net.Dialer {
	return &net.Dialer{Timeout: dialLimit, ControlContext: g.control}
}
