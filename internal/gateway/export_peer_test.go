package gateway

import "net/url"

// PeerOf tells who a backend of that dialect at that URL is, as conventions say
// it.
func PeerOf(d Dialect, u *url.URL) (provider, address string, port int) {
	p := peerOf(d, u)
	return p.provider, p.address, p.port
}
