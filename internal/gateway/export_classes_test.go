package gateway

import "github.com/switchgear/switchgear/internal/gateway/circuit"

// Row is what the code says of a class, in the words of docs/failures.md: to the
// circuit, to the same backend and to the next. Classes of refusals are never
// recorded.
func (c Class) Row() (records, again, next string) {
	outcomes := map[circuit.Outcome]bool{}
	for _, action := range [...]RateLimitAction{RateLimitFailure, RateLimitCooldown, RateLimitIgnore} {
		outcomes[c.outcome(&Policy{RateLimit: action}, false)] = true
	}
	switch {
	case c == CircuitOpen, c == BulkheadFull:
		records = "no call"
	case len(outcomes) > 1:
		records = "by `rateLimit.action`"
	case outcomes[circuit.Failure]:
		records = "failure"
	case outcomes[circuit.Throttled]:
		records = "open for `resetBackoff.max`"
	case outcomes[circuit.Ignored]:
		records = "ignored"
	}
	again = map[repetition]string{
		repeatNever: "no", repeatUsually: "yes", repeatOnce: "once", repeatLastResort: "only if none is left",
	}[c.repeats()]
	next = "no"
	if FallbackClasses.Has(c) {
		next = "yes"
	}
	return records, again, next
}

// Classes are the names of all classes of failures.
func Classes() []string { return classNames[Success+1:] }
