package gateway

import (
	"math"
	"net/http"
	"time"
)

// delay is how long to wait before attempt n+1 after attempt n failed. A
// provider's Retry-After is a floor, which jitter only adds to.
func (r *Retry) delay(n int, retryAfter time.Duration, random func() float64) time.Duration {
	jitter := float64(r.JitterPercent) / 100
	d := float64(r.InitialDelay) * math.Pow(float64(r.Multiplier), float64(n-1))
	d *= 1 + jitter*(2*random()-1)
	wait := time.Duration(min(d, float64(r.MaxDelay)))
	if wait < retryAfter {
		wait = retryAfter + time.Duration(float64(retryAfter)*jitter*random())
	}
	return wait
}

// again decides whether attempt n, which failed, is to be repeated on the same
// backend, and after what wait.
func (p *pursuit) again(a *attempt, e *ending, n int, rest []int) (time.Duration, bool) {
	r := &p.target.route.Retry
	if n >= r.MaxAttempts || !p.repeatable(a.b, e) {
		return 0, false
	}
	switch e.class.repeats() {
	case repeatNever:
		return 0, false
	case repeatOnce:
		if n > 1 {
			return 0, false
		}
	case repeatLastResort:
		// A streamed call that was the last has had the rest of the route's time.
		if p.left(rest, e.class) || e.class == Timeout && a.streamed() && a.last {
			return 0, false
		}
	}
	if e.retryAfter > r.MaxRetryAfter || e.class == RateLimited && r.MaxRetryAfter == 0 {
		return 0, false
	}
	now := p.g.now()
	wait := r.delay(n, e.retryAfter, p.g.options.Rand)
	if !p.committed && now+wait >= p.deadline {
		return 0, false
	}
	if _, ok := a.c.Admits(now); !ok && !p.bypass {
		return 0, false // that failure opened the circuit
	}
	if !p.target.route.budget.take(now, r.BudgetPercent) {
		p.g.metrics.budgetSpent(p.target.route, a.b)
		return 0, false
	}
	return wait, true
}

// repeatable reports whether the request may be sent once more, to that backend,
// after a call that ended so.
func (x *exchange) repeatable(b *liveBackend, e *ending) bool {
	if x.committed && x.streaming() {
		return x.resumesOn(b) && x.transcript != nil && x.transcript.Resumable()
	}
	return !e.acted || x.idempotent()
}

// idempotent reports whether the request means the same when it is sent twice (RFC
// 9110, 9.2.2). A call of a model does, whatever its method: it changes nothing,
// unless it goes on with a conversation that the provider keeps.
func (x *exchange) idempotent() bool {
	if x.endpoint != nil && !x.endpoint.Other {
		return !x.request.Conversation
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// pause waits. It reports false if the client leaves meanwhile.
func (x *exchange) pause(wait time.Duration) bool {
	if wait <= 0 {
		return x.r.Context().Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
		return false
	}
}
