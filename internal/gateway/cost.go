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
	tokens dialect.Tokens
	// first is when a stream's first output came, and whole when it was whole; 0:
	// never.
	first, whole time.Duration
	// asked means that the gateway has asked for the usage of a stream, on its own.
	asked bool
}

// perToken is how long each token of a whole stream took after the first.
func (c *cost) perToken() (time.Duration, bool) {
	if c.first == 0 || c.whole == 0 || c.tokens.Output < 2 {
		return 0, false
	}
	return (c.whole - c.first) / time.Duration(c.tokens.Output-1), true
}

// account tells, in metrics and traces, of an attempt that ended so.
func (a *attempt) account(c Class, status int, took time.Duration) {
	s := a.b.stats
	s.spend(a.cost.tokens)
	if each, ok := a.cost.perToken(); ok && c == Success {
		s.perToken(each)
	}
	a.x.sum.tokens = a.x.sum.tokens.Plus(a.cost.tokens)
	a.tellConventions(c, took)
	a.endSpan(c, status)
}

// unwillingFor is how long a backend is not asked for usage after it has refused
// to be.
const unwillingFor = time.Hour

var streamOptions = []byte("stream_options")

// learnsFrom reports whether a refusal is due to the gateway's own asking for
// usage, so that the call is made once more without, as if for the first time.
func (a *attempt) learnsFrom(status int, body []byte) bool {
	if !a.cost.asked || status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
		return false
	}
	if !bytes.Contains(body, streamOptions) {
		return false
	}
	a.begun = a.x.g.now()
	a.call.answered.Store(false)
	a.b.stats.unwillingUntil.Store(int64(a.begun + unwillingFor))
	return true
}
