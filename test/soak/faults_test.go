package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
)

// providerFaults are all faults that a provider can have, and that it is gone,
// slow, or breaks off what it is answering.
func providerFaults(name string) []maker {
	var deck []maker
	for _, kind := range providersim.Kinds() {
		deck = append(deck, func(rng *rand.Rand) fault {
			f := providerFault(rng, kind)
			return fault{
				what: "fault/" + describe(f), lasts: between(rng, time.Second, 4*time.Second),
				begin: func(_ context.Context, s *stage) error { return s.provider(name).setFault(f) },
				end:   func(_ context.Context, s *stage) error { return s.provider(name).heal() },
			}
		})
	}
	return append(deck, func(rng *rand.Rand) fault {
		return fault{
			what: "gone", lasts: between(rng, time.Second, 4*time.Second),
			begin: func(_ context.Context, s *stage) error { return s.provider(name).leave() },
			end:   func(_ context.Context, s *stage) error { return s.provider(name).come() },
		}
	}, func(*rand.Rand) fault {
		return fault{what: "drops every connection", begin: func(_ context.Context, s *stage) error {
			return s.provider(name).live(func(in *providersim.Instance) error { in.Drop(); return nil })
		}}
	}, func(rng *rand.Rand) fault {
		f := providersim.Fault{
			HeaderDelay: between(rng, 0, time.Second), FirstTokenDelay: between(rng, 0, time.Second), TokenDelay: between(rng, 0, 200*time.Millisecond),
			KeepAlive: pick(rng, "", providersim.KeepAliveComment, providersim.KeepAlivePing),
		}
		return fault{
			what: fmt.Sprintf("slow (%s, %s, %s)", f.HeaderDelay, f.FirstTokenDelay, f.TokenDelay), lasts: between(rng, time.Second, 4*time.Second),
			begin: func(_ context.Context, s *stage) error { return s.provider(name).setFault(f) },
			end:   func(_ context.Context, s *stage) error { return s.provider(name).heal() },
		}
	})
}

// providerFault is a fault of a kind, with what else that kind can vary.
func providerFault(rng *rand.Rand, kind providersim.Kind) providersim.Fault {
	f := providersim.Fault{Kind: kind, AfterTokens: rng.IntN(8) - 1}
	switch kind {
	case providersim.Status:
		f.Status = pick(rng, 400, 401, 402, 403, 404, 408, 413, 429, 500, 502, 503, 529)
		f.RetryAfter = pick(rng, "", "1", "2", "60")
	case providersim.Redirect:
		f.Location = "http://127.0.0.1:9/elsewhere"
	case providersim.EarlyAnswer:
		f.Status = pick(rng, 400, 429, 500, 503)
	case providersim.Malformed:
		f.Events = pick(rng, 1, 1, 2)
	}
	return f
}

func describe(f providersim.Fault) string {
	out := string(f.Kind)
	if f.Status != 0 {
		out += fmt.Sprintf(" %d", f.Status)
	}
	if f.RetryAfter != "" {
		out += " Retry-After " + f.RetryAfter
	}
	return fmt.Sprintf("%s after %d tokens", out, f.AfterTokens)
}

// apiServerFaults cut replicas off from the API server, which stays there for the
// administrator's edits.
func apiServerFaults() []maker {
	cut := func(what string, which func(*stage) []*replica, lasts time.Duration) fault {
		return fault{
			what: what, lasts: lasts,
			begin: func(_ context.Context, s *stage) error { each(which(s), (*replica).cut); return nil },
			end:   func(_ context.Context, s *stage) error { each(which(s), (*replica).mend); return nil },
		}
	}
	return []maker{
		func(rng *rand.Rand) fault {
			return cut("gone from all replicas", func(s *stage) []*replica { return s.replicas }, between(rng, 2*time.Second, 12*time.Second))
		},
		func(rng *rand.Rand) fault {
			i := rng.IntN(numReplicas)
			return cut(fmt.Sprintf("gone from one replica, the %s", names[i]), func(s *stage) []*replica { return s.replicas[i : i+1] }, between(rng, 2*time.Second, 12*time.Second))
		},
		func(rng *rand.Rand) fault {
			return cut("gone from all replicas for a moment", func(s *stage) []*replica { return s.replicas }, between(rng, 50*time.Millisecond, time.Second))
		},
	}
}

func each(all []*replica, do func(*replica)) {
	for _, r := range all {
		do(r)
	}
}

func (r *replica) cut()  { r.wire.Cut() }
func (r *replica) mend() { r.wire.Mend() }

// replicaFaults befall one replica at a time: a given one, or whichever leads.
func replicaFaults() []maker {
	on := func(what string, lasts func(*rand.Rand) time.Duration, begin func(context.Context, *replica) error, end func(context.Context, *replica) error) maker {
		return func(rng *rand.Rand) fault {
			i, leader := rng.IntN(numReplicas), rng.IntN(2) == 0
			whom := "the " + names[i]
			if leader {
				whom = "the leader"
			}
			var victim *replica
			f := fault{what: what + " for " + whom, lasts: lasts(rng), begin: func(ctx context.Context, s *stage) error {
				if victim = s.leader(); !leader || victim == nil {
					victim = s.replicas[i]
				}
				return begin(ctx, victim)
			}}
			if end != nil {
				f.end = func(ctx context.Context, _ *stage) error { return end(ctx, victim) }
			}
			return f
		}
	}
	short := func(rng *rand.Rand) time.Duration { return between(rng, 0, 2*time.Second) }
	again := func(ctx context.Context, r *replica) error { return r.start(ctx, r.now().Pod) }
	return []maker{
		on("SIGKILL", short, func(_ context.Context, r *replica) error { return r.kill() }, again),
		on("SIGTERM", short, func(ctx context.Context, r *replica) error { return r.end(ctx) },
			func(ctx context.Context, r *replica) error { return r.replace(ctx) }),
		on("SIGSTOP", func(rng *rand.Rand) time.Duration { return between(rng, time.Second, 10*time.Second) },
			func(_ context.Context, r *replica) error { return r.freeze() },
			func(_ context.Context, r *replica) error { return r.thaw() }),
		on("restart", short, func(ctx context.Context, r *replica) error { return r.end(ctx) }, again),
	}
}
