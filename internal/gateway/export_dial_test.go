package gateway

import (
	"context"
	"net"
)

// SetDial replaces how connections to providers are made, by their host and
// port. Call it after Apply and before the first request.
func (g *Gateway) SetDial(dial func(ctx context.Context, address string) (net.Conn, error)) {
	for _, p := range g.transports.pools {
		p.Proxy = nil
		p.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			c, err := dial(ctx, address)
			if err != nil {
				return nil, err
			}
			return &providerConn{Conn: c}, nil
		}
	}
}
