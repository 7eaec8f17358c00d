package compile

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// backendURL reads a backend's URL and finds its origin. Both are empty where
// the URL cannot be used.
func backendURL(c *checker, raw string) (*url.URL, string) {
	const want = "must be an absolute http:// or https:// URL with a host, without user, password, query or fragment"
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(raw, "#") {
		c.fail("url", raw, want)
		return nil, ""
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			c.fail("url", raw, "must have a port from 1 to 65535")
			return nil, ""
		}
	}
	return u, origin(u)
}

// origin is the one form of scheme://host:port: the host in lower case and
// without a trailing dot, an address in its shortest form, the scheme's own port
// left out.
func origin(u *url.URL) string {
	host := canonicalHost(u)
	port := strings.TrimLeft(u.Port(), "0")
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return u.Scheme + "://" + host
	}
	return u.Scheme + "://" + net.JoinHostPort(host, port)
}

func canonicalHost(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String()
	}
	return host
}
