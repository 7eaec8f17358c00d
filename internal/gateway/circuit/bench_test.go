package circuit

import (
	"testing"
	"time"
)

func benchSettings() Settings {
	return with(func(s *Settings) {
		s.FailureThreshold = 5
		s.FailureRate = RateRule{50, 20}
		s.Window = 30 * time.Second
		s.Bulkhead = BulkheadSettings{1 << 20, 0, 0}
	})
}

// The clock of these benchmarks goes on by a microsecond a call.

func BenchmarkAcquireEnd(b *testing.B) {
	c := New(benchSettings(), 0, Options{})
	b.ReportAllocs()
	now := time.Duration(0)
	for b.Loop() {
		now += time.Microsecond
		p, _, _ := c.Acquire(now)
		p.End(Result{Outcome: Success}, now)
	}
}

func BenchmarkAcquireEndParallel(b *testing.B) {
	c := New(benchSettings(), 0, Options{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		now := time.Duration(0)
		for pb.Next() {
			now += time.Microsecond
			p, _, _ := c.Acquire(now)
			p.End(Result{Outcome: Success}, now)
		}
	})
}

func BenchmarkAcquireRefused(b *testing.B) {
	c := New(benchSettings(), 0, Options{})
	p, _, _ := c.Acquire(0)
	p.End(Result{Outcome: Throttled}, 0)
	b.ReportAllocs()
	for b.Loop() {
		c.Acquire(1)
	}
}

func BenchmarkEnterLeave(b *testing.B) {
	c := New(benchSettings(), 0, Options{})
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		slot, _, _ := c.Enter(ctx, 0)
		slot.Leave()
	}
}

func BenchmarkEnterLeaveParallel(b *testing.B) {
	c := New(benchSettings(), 0, Options{})
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			slot, _, _ := c.Enter(ctx, 0)
			slot.Leave()
		}
	})
}
