package compile

import (
	"fmt"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// policy is a policy with every value resolved, and what the gateway need not
// know of it.
type policy struct {
	gateway.Policy
	scope      v1alpha1.Scope
	effective  *v1alpha1.EffectivePolicy
	generation int64
}

// newPolicy resolves and checks a policy. Where there are problems, the policy
// must not be used.
func newPolicy(p *v1alpha1.CircuitPolicy) (*policy, []Problem) {
	c := newChecker()
	e := effectivePolicy(&p.Spec)
	if _, ok := profiles[e.Profile]; !ok {
		// What the profile would have filled in is unknown, so nothing else can
		// be said.
		c.fail("profile", e.Profile, "must be Balanced, Conservative, Aggressive or HighThroughput")
		return nil, c.problems
	}
	out := &policy{
		Policy: gateway.Policy{
			ID:        PolicyID(p),
			Namespace: p.Namespace,
			Name:      p.Name,
			Circuit: circuit.Settings{
				Mode:             mode(c, e.Mode),
				FailureThreshold: c.number("failureThreshold", e.FailureThreshold, 0, 1000),
				FailureRate: circuit.RateRule{
					Percent:         c.number("failureRate.percent", *e.FailureRate.Percent, 0, 100),
					MinimumRequests: c.number("failureRate.minimumRequests", *e.FailureRate.MinimumRequests, 1, 100000),
				},
				SlowCallRate:     slowRule(c, e.SlowCallRate),
				Window:           c.duration("window", e.Window, minLongDuration),
				SuccessThreshold: c.number("successThreshold", e.SuccessThreshold, 1, 100),
				ResetTimeout:     c.duration("resetTimeout", e.ResetTimeout, minLongDuration),
				ResetBackoff: circuit.Backoff{
					Multiplier:    c.number("resetBackoff.multiplier", *e.ResetBackoff.Multiplier, 1, 10),
					Max:           c.duration("resetBackoff.max", *e.ResetBackoff.Max, minLongDuration),
					JitterPercent: c.number("resetBackoff.jitterPercent", *e.ResetBackoff.JitterPercent, 0, 100),
				},
				MaxProbes: c.number("halfOpen.maxProbes", *e.HalfOpen.MaxProbes, 1, 100),
				Bulkhead:  bulkhead(c, e.Bulkhead),
			},
			Timeouts:  timeouts(c, &e.Timeouts),
			RateLimit: rateLimit(c, e.RateLimit.Action),
			// It decides nothing about a circuit, and so is no part of what is in force.
			AllowBypass: p.Spec.AllowBypass,
			SharesTrips: sharing(c, e.Sharing),
		},
		scope:      e.Scope,
		effective:  e,
		generation: p.Generation,
	}
	s := &out.Circuit
	// A probe may take as long as the attempt that it is, streamed or not, and no
	// longer.
	s.ProbeLease = max(out.Timeouts.Attempt, out.Timeouts.FirstToken)
	if s.ResetBackoff.Max > 0 && s.ResetBackoff.Max < s.ResetTimeout {
		c.fail("resetBackoff.max", *e.ResetBackoff.Max,
			fmt.Sprintf("must be at least resetTimeout, which is %s (profile %s)", e.ResetTimeout, e.Profile))
	}
	out.FailureStatus = failureStatus(c, e.FailureStatusCodes)
	s.Override.Kind, out.OverrideUntil = override(c, p.Spec.Override)
	checkScope(c, p.Name, e.Scope)
	return out, c.problems
}

// PolicyID is the identity of a policy and so of its circuits.
func PolicyID(p *v1alpha1.CircuitPolicy) string {
	if p.UID != "" {
		return string(p.UID)
	}
	return p.Namespace + "/" + p.Name
}

// newBuiltIn is the policy of backends that have none: Balanced, of scope Model.
func newBuiltIn(namespace string) *policy {
	empty := &v1alpha1.CircuitPolicy{}
	empty.Namespace = namespace
	p, _ := newPolicy(empty) // defaults are valid
	p.ID = "built-in/" + namespace
	return p
}

func mode(c *checker, m v1alpha1.Mode) circuit.Mode {
	switch m {
	case v1alpha1.ModeEnforce:
	case v1alpha1.ModeObserve:
		return circuit.Observe
	case v1alpha1.ModeDisabled:
		return circuit.Disabled
	default:
		c.fail("mode", m, "must be Enforce, Observe or Disabled")
	}
	return circuit.Enforce
}

func sharing(c *checker, s v1alpha1.Sharing) bool {
	switch s {
	case v1alpha1.SharingReplica:
	case v1alpha1.SharingFleet:
		return true
	default:
		c.fail("sharing", s, "must be Replica or Fleet")
	}
	return false
}

func checkScope(c *checker, name string, s v1alpha1.Scope) {
	switch s {
	case v1alpha1.ScopeModel, v1alpha1.ScopeProvider:
	case v1alpha1.ScopePolicy:
		if name == v1alpha1.DefaultPolicyName {
			c.fail("scope", s, "must be Model or Provider in the policy named default: all backends of the namespace that name no policy would share one circuit")
		}
	default:
		c.fail("scope", s, "must be Model, Provider or Policy")
	}
}

func slowRule(c *checker, s *v1alpha1.SlowCallRate) circuit.SlowRule {
	if s == nil {
		return circuit.SlowRule{}
	}
	return circuit.SlowRule{
		Percent:         c.number("slowCallRate.percent", s.Percent, 0, 100),
		Duration:        c.duration("slowCallRate.duration", s.Duration, minDuration),
		MinimumRequests: c.number("slowCallRate.minimumRequests", *s.MinimumRequests, 1, 100000),
	}
}

func bulkhead(c *checker, b *v1alpha1.Bulkhead) circuit.BulkheadSettings {
	if b == nil {
		return circuit.BulkheadSettings{}
	}
	return circuit.BulkheadSettings{
		MaxConcurrent: c.number("bulkhead.maxConcurrent", *b.MaxConcurrent, 1, 100000),
		MaxQueued:     c.number("bulkhead.maxQueued", *b.MaxQueued, 0, 100000),
		QueueTimeout:  c.duration("bulkhead.queueTimeout", *b.QueueTimeout, minDuration),
	}
}

func timeouts(c *checker, t *v1alpha1.Timeouts) gateway.Timeouts {
	return gateway.Timeouts{
		Connect:     c.duration("timeouts.connect", *t.Connect, minDuration),
		FirstToken:  c.duration("timeouts.firstToken", *t.FirstToken, minDuration),
		Attempt:     c.duration("timeouts.attempt", *t.Attempt, minDuration),
		StreamIdle:  c.duration("timeouts.streamIdle", *t.StreamIdle, minLongDuration),
		StreamTotal: c.duration("timeouts.streamTotal", *t.StreamTotal, minDuration),
		Abandoned:   c.duration("timeouts.abandoned", *t.Abandoned, minDuration),
	}
}

func rateLimit(c *checker, a v1alpha1.RateLimitAction) gateway.RateLimitAction {
	switch a {
	case v1alpha1.RateLimitFailure:
	case v1alpha1.RateLimitCooldown:
		return gateway.RateLimitCooldown
	case v1alpha1.RateLimitIgnore:
		return gateway.RateLimitIgnore
	default:
		c.fail("rateLimit.action", a, "must be Failure, Cooldown or Ignore")
	}
	return gateway.RateLimitFailure
}

// failureStatus reads the codes. Those below 400 are answers, not failures.
func failureStatus(c *checker, codes []string) gateway.StatusSet {
	for i, code := range codes {
		if _, err := gateway.ParseStatusSet([]string{code}); err != nil || code < "4" {
			c.fail(fmt.Sprintf("failureStatusCodes[%d]", i), code, "must be a code from 400 to 599, such as 503, or a class, 4xx or 5xx")
		}
	}
	set, _ := gateway.ParseStatusSet(codes)
	return set
}

// override reads an operator's override. Whether it has ended is the gateway's
// to know, which has a clock.
func override(c *checker, o *v1alpha1.Override) (circuit.OverrideKind, time.Time) {
	if o == nil {
		return circuit.NoOverride, time.Time{}
	}
	var until time.Time
	if o.Until != nil {
		until = o.Until.Time
	}
	switch o.State {
	case v1alpha1.OverrideOpen:
		return circuit.ForceOpen, until
	case v1alpha1.OverrideClosed:
		return circuit.ForceClosed, until
	}
	c.fail("override.state", o.State, "must be Open or Closed")
	return circuit.NoOverride, time.Time{}
}
