package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/semaphore"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

const (
	windowLength = 30 * time.Second
	// operations of one round, enough for a tenth of a second and more.
	operations = 1_000_000
)

// subject is one implementation: a function that does one operation, made anew
// for each goroutine.
type subject struct {
	name string
	op   func() func()
}

func settings() circuit.Settings {
	return circuit.Settings{
		FailureThreshold: 5,
		FailureRate:      circuit.RateRule{Percent: 50, MinimumRequests: 20},
		Window:           windowLength, SuccessThreshold: 2, ResetTimeout: windowLength,
		ResetBackoff: circuit.Backoff{Multiplier: 1, Max: time.Hour}, MaxProbes: 1, ProbeLease: time.Minute,
	}
}

// breakers are closed and take a call that succeeds.
func breakers() []subject {
	ours := circuit.New(settings(), 0, circuit.Options{})
	base := time.Now()
	failsafe := circuitbreaker.NewBuilder[any]().WithFailureRateThreshold(0.5, 20, windowLength).Build()
	sony := gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Interval: windowLength, BucketPeriod: windowLength / 10, Timeout: windowLength,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.Requests >= 20 && c.TotalFailures*2 >= c.Requests },
	})
	return []subject{
		{"switchgear, now supplied", func() func() {
			now := time.Since(base)
			return func() {
				p, _, _ := ours.Acquire(now)
				p.End(circuit.Result{}, now)
			}
		}},
		{"switchgear, reading the clock at each edge", func() func() {
			return func() {
				p, _, _ := ours.Acquire(time.Since(base))
				p.End(circuit.Result{}, time.Since(base))
			}
		}},
		{"failsafe-go, time window", func() func() {
			return func() {
				if failsafe.TryAcquirePermit() {
					failsafe.RecordSuccess()
				}
			}
		}},
		{"gobreaker, rolling window", func() func() {
			return func() {
				if done, err := sony.Allow(); err == nil {
					done(nil)
				}
			}
		}},
	}
}

// bulkheads have slots enough, so that nobody waits.
func bulkheads(work func()) []subject {
	s := settings()
	s.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1000, MaxQueued: 1000, QueueTimeout: time.Second}
	ours := circuit.New(s, 0, circuit.Options{})
	weighted := semaphore.NewWeighted(1000)
	ctx := context.Background()
	return []subject{
		{"switchgear bulkhead", func() func() {
			return func() {
				slot, _, _ := ours.Enter(ctx, 0)
				work()
				slot.Leave()
			}
		}},
		{"x/sync semaphore", func() func() {
			return func() {
				if weighted.Acquire(ctx, 1) == nil {
					work()
					weighted.Release(1)
				}
			}
		}},
	}
}

func engine(rounds int) {
	const failsafe = 2
	subjects := breakers()
	serial, parallel := measure(rounds, subjects, 1), measure(rounds, subjects, runtime.GOMAXPROCS(0))
	t := newTable("Breaker: acquire and end of a call that succeeds, closed", "subject", "serial", "to failsafe-go", "parallel", "to failsafe-go", "allocations")
	for i, s := range subjects {
		t.row(s.name, nanos(serial[i]), ratio(serial[i], serial[failsafe]),
			nanos(parallel[i]), ratio(parallel[i], parallel[failsafe]), fmt.Sprint(allocations(s)))
	}
	target("breaker, closed path", serial[0]/serial[failsafe], 0.5, "× failsafe-go's")
	target("breaker, closed path", allocations(subjects[0]), 0, "allocations")

	nothing, working := bulkheads(func() {}), bulkheads(spin(50*time.Nanosecond))
	serial, parallel = measure(rounds, nothing, 1), measure(rounds, working, runtime.GOMAXPROCS(0))
	t = newTable("Bulkhead: acquire and release of a free slot", "subject", "serial", "to x/sync", "parallel, 50 ns of work", "to x/sync", "allocations")
	for i, s := range nothing {
		t.row(s.name, nanos(serial[i]), ratio(serial[i], serial[1]),
			nanos(parallel[i]), ratio(parallel[i], parallel[1]), fmt.Sprint(allocations(s)))
	}
	target("bulkhead, serial", serial[0]/serial[1], 1, "× x/sync's")
	target("bulkhead, parallel", parallel[0]/parallel[1], 1, "× x/sync's")
}

// measure returns the median time of an operation for each subject, in
// nanoseconds of wall time: of all goroutines together, where there are more.
func measure(rounds int, subjects []subject, goroutines int) []float64 {
	times := make([][]float64, len(subjects))
	for range rounds {
		for i, s := range subjects {
			runtime.GC()
			var wg sync.WaitGroup
			begun := time.Now()
			for range goroutines {
				wg.Go(func() {
					op := s.op()
					for range operations / goroutines {
						op()
					}
				})
			}
			wg.Wait()
			times[i] = append(times[i], float64(time.Since(begun))/operations)
		}
	}
	out := make([]float64, len(subjects))
	for i := range times {
		out[i] = median(times[i])
	}
	return out
}

func allocations(s subject) float64 { return testing.AllocsPerRun(1000, s.op()) }

func nanos(ns float64) string { return fmt.Sprintf("%.0f ns", ns) }

// spin returns a function that keeps a processor busy for about so long.
func spin(d time.Duration) func() {
	turns := 1 << 20
	begun := time.Now()
	turn(turns)
	turns = int(float64(turns) * float64(d) / float64(time.Since(begun)))
	return func() { turn(turns) }
}

//go:noinline
func turn(n int) {
	x := uint64(1)
	for range n {
		x ^= x << 13
		x ^= x >> 7
	}
	runtime.KeepAlive(x)
}
