package gateway

import "time"

// SetPulseEvery sets how often a client whose stream is held back hears a
// comment.
func (g *Gateway) SetPulseEvery(d time.Duration) { g.pulseEvery = d }
