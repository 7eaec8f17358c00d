package gateway

import (
	"bytes"
	"net/http"
	"time"

	"github.com/switchgear/switchgear/internal/gateway/dialect"
)

// cost is what an attempt has cost, as its provider says, and when its output
// came.
type cost struct {
	usage dialect.Usage
	// first is when a stream's first output came, and whole when it was whole; 0:
	// never.
	first, whole time.Duration
}

// perToken is how long each token of a whole stream took after the first.
func (c *cost) perToken() (time.Duration, bool) {
	if c.first == 0 || c.whole == 0 || c.usage.Output < 2 {
		return 0, false
	}
	return (c.whole - c.first) / time.Duration(c.usage.Output-1), true
}

// account tells the metrics what an attempt has cost that ended so.
func (a *attempt) account(c Class) {
	s := a.b.stats
	s.spend(a.cost.usage)
	if each, ok := a.cost.perToken(); ok && c == Success {
		s.perToken(each)
	}
}

// asksUsage reports whether the gateway itself asks for what a stream has cost,
// which the client has not.
func (a *attempt) asksUsage() bool {
	x := a.x
	return x.streaming() && x.endpoint.TellsUsageIfAsked() && !x.request.Usage && !a.b.stats.unwilling(a.begun)
}

// unwillingFor is how long a backend is not asked for usage after it has refused
// to be.
const unwillingFor = time.Hour

var streamOptions = []byte("stream_options")

// learnsFrom reports whether a refusal is due to the gateway's own asking for
// usage, so that the call is made once more without.
func (a *attempt) learnsFrom(status int, body []byte) bool {
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
		return false
	}
	if !bytes.Contains(body, streamOptions) || !a.asksUsage() {
		return false
	}
	a.b.stats.unwillingUntil.Store(int64(a.begun + unwillingFor))
	return true
}
