package compile

import (
	"fmt"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
)

// What a route does about failures where its spec is silent.
const (
	defaultMaxAttempts   = 3
	defaultInitialDelay  = "500ms"
	defaultMaxDelay      = "10s"
	defaultRetryFactor   = 2
	defaultRetryJitter   = 25
	defaultMaxRetryAfter = "5s"
	defaultBudgetPercent = 20
)

// routeRetry reads how often one backend is asked again.
func routeRetry(c *checker, r v1alpha1.Retry) gateway.Retry {
	out := gateway.Retry{
		MaxAttempts:   c.number("retry.maxAttempts", or(r.MaxAttempts, defaultMaxAttempts), 1, 10),
		InitialDelay:  c.duration("retry.initialDelay", or(r.InitialDelay, defaultInitialDelay), time.Millisecond),
		MaxDelay:      c.duration("retry.maxDelay", or(r.MaxDelay, defaultMaxDelay), minDuration),
		Multiplier:    c.number("retry.multiplier", or(r.Multiplier, defaultRetryFactor), 1, 10),
		JitterPercent: c.number("retry.jitterPercent", or(r.JitterPercent, defaultRetryJitter), 0, 100),
		MaxRetryAfter: c.duration("retry.maxRetryAfter", or(r.MaxRetryAfter, defaultMaxRetryAfter), 0),
		BudgetPercent: c.number("retry.budgetPercent", or(r.BudgetPercent, defaultBudgetPercent), 0, 100),
	}
	switch {
	case r.InitialDelay == nil:
		out.InitialDelay = min(out.InitialDelay, out.MaxDelay)
	case r.MaxDelay == nil:
		out.MaxDelay = max(out.InitialDelay, out.MaxDelay)
	case out.MaxDelay < out.InitialDelay:
		c.fail("retry.maxDelay", *r.MaxDelay, fmt.Sprintf("must be at least initialDelay, which is %s", *r.InitialDelay))
	}
	return out
}

// routeFallback reads after which failures the next backend is asked; by
// default, after all for which it could make good.
func routeFallback(c *checker, f *v1alpha1.Fallback) gateway.ClassSet {
	if f == nil || f.Classes == nil {
		return gateway.FallbackClasses
	}
	var out gateway.ClassSet
	for i, name := range f.Classes {
		class, ok := gateway.ParseClass(string(name))
		if !ok || !gateway.FallbackClasses.Has(class) {
			c.fail(fmt.Sprintf("fallback.classes[%d]", i), name, "must be one of "+gateway.FallbackClasses.String())
			continue
		}
		out = out.With(class)
	}
	return out
}

func streamRecovery(c *checker, r v1alpha1.StreamRecovery) gateway.StreamRecovery {
	switch r {
	case v1alpha1.StreamRecoveryNone, "":
	case v1alpha1.StreamRecoveryResume:
		return gateway.RecoverByResuming
	case v1alpha1.StreamRecoveryBuffer:
		return gateway.RecoverByBuffering
	default:
		c.fail("streamRecovery", r, "must be None, Resume or Buffer")
	}
	return gateway.RecoverNothing
}
