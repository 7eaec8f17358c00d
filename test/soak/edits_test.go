package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// edits are what an administrator changes meanwhile. What would keep a circuit
// from closing is taken back; the rest stays.
func edits() []maker {
	return []maker{
		func(rng *rand.Rand) fault {
			return edit("policy", "default", fmt.Sprintf(`{"spec":{"failureThreshold":%d,"successThreshold":%d,"resetTimeout":"%dms"}}`,
				2+rng.IntN(5), 1+rng.IntN(3), 500+rng.IntN(1000)))
		},
		func(rng *rand.Rand) fault {
			return edit("policy", "default", fmt.Sprintf(`{"spec":{"bulkhead":{"maxConcurrent":%d,"maxQueued":%d}}}`,
				2+rng.IntN(maxConcurrent-1), rng.IntN(12)))
		},
		func(rng *rand.Rand) fault {
			return edit("policy", "default", fmt.Sprintf(`{"spec":{"sharing":%q,"window":"%ds"}}`, pick(rng, "Fleet", "Replica"), 2+rng.IntN(6)))
		},
		func(rng *rand.Rand) fault {
			return undone(rng, "policy", "default", fmt.Sprintf(`{"spec":{"override":{"state":%q,"reason":"soak"}}}`, pick(rng, "Open", "Closed")), `{"spec":{"override":null}}`)
		},
		func(rng *rand.Rand) fault {
			return undone(rng, "policy", "lone", fmt.Sprintf(`{"spec":{"mode":%q}}`, pick(rng, "Observe", "Disabled")), `{"spec":{"mode":"Enforce"}}`)
		},
		func(rng *rand.Rand) fault {
			return edit("policy", pick(rng, "default", "lone"), fmt.Sprintf(`{"metadata":{"annotations":{"switchgear.dev/reset-requested-at":"reset %d"}}}`, rng.IntN(1e9)))
		},
		func(rng *rand.Rand) fault {
			return edit("route", pick(rng, "gpt", "lone"), fmt.Sprintf(`{"spec":{"retry":{"maxAttempts":%d},"timeout":"%ds"}}`, 1+rng.IntN(3), 6+rng.IntN(4)))
		},
		func(rng *rand.Rand) fault {
			first := rng.IntN(2)
			return edit("route", pick(rng, "gpt", "claude"), fmt.Sprintf(
				`[{"op":"replace","path":"/spec/backends/0/priority","value":%d},{"op":"replace","path":"/spec/backends/1/priority","value":%d}]`, first, 1-first))
		},
		func(rng *rand.Rand) fault {
			return edit("route", "claude", fmt.Sprintf(`{"spec":{"streamRecovery":%q}}`, pick(rng, "None", "Buffer")))
		},
		func(rng *rand.Rand) fault {
			return undone(rng, "route", "gpt", `{"spec":{"models":["gpt","gpt-other"]}}`, `{"spec":{"models":["gpt"]}}`)
		},
		func(rng *rand.Rand) fault {
			f := edit("secret", "openai", fmt.Sprintf(`{"stringData":{"api-key":"key-%d"}}`, rng.IntN(1e9)))
			f.what = "the Secret's key: " + f.what
			return f
		},
	}
}

// edit stays.
func edit(kind, name, raw string) fault {
	return fault{
		what:  fmt.Sprintf("a %s, %s, becomes %s", kind, name, raw),
		begin: func(ctx context.Context, _ *stage) error { return patch(ctx, kind, name, raw) },
	}
}

// undone is taken back after a while.
func undone(rng *rand.Rand, kind, name, raw, back string) fault {
	f := edit(kind, name, raw)
	f.lasts = between(rng, 500*time.Millisecond, 3*time.Second)
	f.end = func(ctx context.Context, _ *stage) error { return patch(ctx, kind, name, back) }
	return f
}
