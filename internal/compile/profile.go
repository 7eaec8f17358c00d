package compile

import (
	"cmp"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

// profileValues are what a profile fills in where a policy is silent.
type profileValues struct {
	failureThreshold int32
	successThreshold int32
	resetTimeout     v1alpha1.Duration
	firstToken       v1alpha1.Duration
	// The bulkhead's count only where the policy has one.
	maxConcurrent int32
	maxQueued     int32
	queueTimeout  v1alpha1.Duration
}

var profiles = map[v1alpha1.Profile]profileValues{
	v1alpha1.ProfileBalanced:       {5, 2, "30s", "60s", 10, 50, "5s"},
	v1alpha1.ProfileConservative:   {10, 5, "2m", "2m", 5, 20, "10s"},
	v1alpha1.ProfileAggressive:     {3, 2, "15s", "15s", 20, 100, "2s"},
	v1alpha1.ProfileHighThroughput: {8, 3, "45s", "30s", 50, 200, "1s"},
}

// The defaults that no profile changes.
const (
	defaultFailurePercent  = 50
	defaultMinimumRequests = 20
	defaultWindow          = "30s"
	defaultMultiplier      = 1
	defaultBackoffMax      = "5m"
	defaultJitterPercent   = 10
	defaultMaxProbes       = 1
	defaultConnect         = "5s"
	defaultAttempt         = "10m"
	defaultStreamIdle      = "20s"
	defaultStreamTotal     = "1h"
	defaultAbandoned       = "30s"
)

// defaultFailureStatusCodes returns what counts as a failure where a policy is
// silent.
func defaultFailureStatusCodes() []string { return []string{"5xx", "408"} }

// effectivePolicy resolves policy, then profile, then default. The values are
// not checked; those of an unknown profile are zero.
func effectivePolicy(s *v1alpha1.CircuitPolicySpec) *v1alpha1.EffectivePolicy {
	profile := cmp.Or(s.Profile, v1alpha1.ProfileBalanced)
	p := profiles[profile]
	e := &v1alpha1.EffectivePolicy{
		Mode:             cmp.Or(s.Mode, v1alpha1.ModeEnforce),
		Scope:            cmp.Or(s.Scope, v1alpha1.ScopeModel),
		Profile:          profile,
		FailureThreshold: or(s.FailureThreshold, p.failureThreshold),
		Window:           or(s.Window, defaultWindow),
		SuccessThreshold: or(s.SuccessThreshold, p.successThreshold),
		ResetTimeout:     or(s.ResetTimeout, p.resetTimeout),
		Sharing:          cmp.Or(s.Sharing, v1alpha1.SharingReplica),
	}
	rate := orEmpty(s.FailureRate)
	e.FailureRate = v1alpha1.FailureRate{
		Percent:         new(or(rate.Percent, defaultFailurePercent)),
		MinimumRequests: new(or(rate.MinimumRequests, defaultMinimumRequests)),
	}
	if slow := s.SlowCallRate; slow != nil && slow.Percent != 0 {
		e.SlowCallRate = &v1alpha1.SlowCallRate{
			Percent:         slow.Percent,
			Duration:        slow.Duration,
			MinimumRequests: new(or(slow.MinimumRequests, defaultMinimumRequests)),
		}
	}
	backoff := orEmpty(s.ResetBackoff)
	e.ResetBackoff = v1alpha1.ResetBackoff{
		Multiplier:    new(or(backoff.Multiplier, defaultMultiplier)),
		Max:           new(or(backoff.Max, backoffMax(e.ResetTimeout))),
		JitterPercent: new(or(backoff.JitterPercent, defaultJitterPercent)),
	}
	e.HalfOpen.MaxProbes = new(or(orEmpty(s.HalfOpen).MaxProbes, defaultMaxProbes))
	e.RateLimit.Action = cmp.Or(orEmpty(s.RateLimit).Action, v1alpha1.RateLimitFailure)
	e.FailureStatusCodes = s.FailureStatusCodes
	if len(e.FailureStatusCodes) == 0 {
		e.FailureStatusCodes = defaultFailureStatusCodes()
	}
	e.Timeouts = effectiveTimeouts(orEmpty(s.Timeouts), p)
	if b := s.Bulkhead; b != nil {
		e.Bulkhead = &v1alpha1.Bulkhead{
			MaxConcurrent: new(or(b.MaxConcurrent, p.maxConcurrent)),
			MaxQueued:     new(or(b.MaxQueued, p.maxQueued)),
			QueueTimeout:  new(or(b.QueueTimeout, p.queueTimeout)),
		}
	}
	return e
}

func effectiveTimeouts(t v1alpha1.Timeouts, p profileValues) v1alpha1.Timeouts {
	return v1alpha1.Timeouts{
		Connect:     new(or(t.Connect, defaultConnect)),
		FirstToken:  new(or(t.FirstToken, p.firstToken)),
		Attempt:     new(or(t.Attempt, defaultAttempt)),
		StreamIdle:  new(or(t.StreamIdle, defaultStreamIdle)),
		StreamTotal: new(or(t.StreamTotal, defaultStreamTotal)),
		Abandoned:   new(or(t.Abandoned, defaultAbandoned)),
	}
}

// backoffMax is the default of resetBackoff.max: never below resetTimeout, which
// it would cut short.
func backoffMax(resetTimeout v1alpha1.Duration) v1alpha1.Duration {
	if d, err := resetTimeout.Duration(); err == nil && d > 5*time.Minute && d <= maxDuration {
		return resetTimeout
	}
	return defaultBackoffMax
}

// or returns what p points to, or the default.
func or[T any](p *T, value T) T {
	if p != nil {
		return *p
	}
	return value
}

// orEmpty returns what p points to, or the zero value.
func orEmpty[T any](p *T) T {
	var zero T
	return or(p, zero)
}
