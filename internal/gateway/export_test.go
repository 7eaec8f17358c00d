package gateway

import "time"

// SetClientStall sets how long a client may take nothing before it counts as
// gone.
func (g *Gateway) SetClientStall(d time.Duration) { g.clientStall = d }
