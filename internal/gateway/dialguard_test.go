package gateway_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestAddressesThatABackendMayNotHave are refused when they are dialled, however
// they are written.
func TestAddressesThatABackendMayNotHave(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, host string }{
		{"loopback", "127.0.0.1"},
		{"loopback, elsewhere", "127.8.8.8"},
		{"loopback, IPv6", "[::1]"},
		{"loopback, mapped", "[::ffff:127.0.0.1]"},
		{"loopback, mapped, in hexadecimal", "[::ffff:7f00:1]"},
		{"loopback, by name", "localhost"},
		{"a metadata service", "169.254.169.254"},
		{"a metadata service, mapped", "[::ffff:169.254.169.254]"},
		{"link-local", "[fe80::1]"},
		{"link-local, with a zone", "[fe80::1%25lo]"},
		{"unspecified", "0.0.0.0"},
		{"unspecified, IPv6", "[::]"},
		{"unspecified, mapped", "[::ffff:0.0.0.0]"},
		{"multicast", "224.0.0.251"},
		{"multicast, IPv6", "[ff02::fb]"},
		{"multicast, of the interface", "[ff01::1]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// Whoever reaches this machine under that address reaches the sim.
			sim := providersim.Start(t, providersim.Options{})
			_, port, _ := strings.Cut(sim.Addr, ":")
			r := newRig(t, noExceptions, doorRoutes(t, "http://"+tc.host+":"+port, newPolicy(t))...)
			for _, e := range doors {
				got := r.post(e)
				got.wantOwn(t, e, http.StatusBadGateway, "upstream_unavailable")
				if !strings.Contains(got.body, "is not allowed for a backend (see --allow-backend-cidr)") {
					t.Errorf("the client is told %s", got.body)
				}
			}
			if sim.Count() != 0 {
				t.Error("the provider was asked")
			}
			r.wantEnds(map[string]int{"ConnectionError": 3}, map[string]int{"Failure": 3})
		})
	}
}

// TestExceptions let through what they contain and nothing else.
func TestExceptions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, host, allow string
		ok                bool
	}{
		{"the range", "127.0.0.1", "127.0.0.0/8", true},
		{"the address", "127.0.0.1", "127.0.0.1/32", true},
		{"by name", "localhost", "127.0.0.0/8", true},
		{"mapped", "[::ffff:127.0.0.1]", "127.0.0.0/8", true},
		{"another address", "127.0.0.1", "127.0.0.2/32", false},
		{"another range", "127.0.0.1", "169.254.0.0/16", false},
		{"the IPv6 range", "127.0.0.1", "::/0", false},
		{"of all IPv4, for IPv6", "[::1]", "0.0.0.0/0", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			_, port, _ := strings.Cut(sim.Addr, ":")
			r := newRig(t, func(o *gateway.Options) {
				o.AllowBackendCIDRs = []netip.Prefix{netip.MustParsePrefix(tc.allow)}
			}, doorRoutes(t, "http://"+tc.host+":"+port, newPolicy(t))...)
			got := r.post(chatDoor)
			if !tc.ok {
				got.wantOwn(t, chatDoor, http.StatusBadGateway, "upstream_unavailable")
			} else if got.status != http.StatusOK {
				t.Errorf("status %d: %s", got.status, got.body)
			}
		})
	}
}
