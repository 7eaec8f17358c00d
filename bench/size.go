package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/test/testenv"
)

const (
	editsPerSize = 200
	// settleFor is how long an operator that has started is left alone before its
	// memory is looked at: the runtime gives back what it needs no more in the
	// background.
	settleFor = 40 * time.Second
)

// sized is what one operator costs with so many policies and routes.
type sized struct {
	objects        int
	start          time.Duration // of the process, until it serves
	resident, heap float64       // idle, in bytes
	edits          []time.Duration
	// cpu, garbage and collections are what one edit takes, in seconds, bytes and
	// runs of the collector.
	cpu, garbage, collections float64
}

func (s *stage) size(ctx context.Context, n int) (out sized, err error) {
	out.objects = n
	if err := s.setObjects(ctx, n); err != nil {
		return out, err
	}
	begun := time.Now()
	if err := s.startOperators(ctx, 1); err != nil {
		return out, err
	}
	out.start = time.Since(begun)
	op := s.operators[0]
	if err := s.rest(ctx); err != nil {
		return out, err
	}
	if err := pause(ctx, settleFor); err != nil {
		return out, err
	}
	if out.resident, _, err = memoryOf(op.PID); err != nil {
		return out, err
	}
	before, err := operatorMetrics(ctx, op)
	if err != nil {
		return out, err
	}
	out.heap = before["go_memstats_heap_alloc_bytes"]
	for i := range editsPerSize {
		took, err := s.edit(ctx, op, i*7%n, fmt.Sprintf("edit-%d", i))
		if err != nil {
			return out, err
		}
		out.edits = append(out.edits, took)
	}
	after, err := operatorMetrics(ctx, op)
	if err != nil {
		return out, err
	}
	each := func(name string) float64 { return (after[name] - before[name]) / editsPerSize }
	out.cpu, out.garbage, out.collections = each("process_cpu_seconds_total"), each("go_memstats_alloc_bytes_total"), each("go_gc_duration_seconds_count")
	return out, s.stopOperators(ctx)
}

// edit renames the backend of one route, and returns how long it took from the
// API server's answer to the first request that was served so.
func (s *stage) edit(ctx context.Context, op *testenv.Operator, i int, backend string) (time.Duration, error) {
	route := s.routeOf(i)
	if err := s.client.Get(ctx, client.ObjectKeyFromObject(route), route); err != nil {
		return 0, err
	}
	patch := client.MergeFrom(route.DeepCopy())
	route.Spec.Backends[0].Name = backend
	if err := s.client.Patch(ctx, route, patch); err != nil {
		return 0, err
	}
	begun := time.Now()
	for time.Since(begun) < patience {
		_, by, err := s.ask(ctx, op, i, false)
		took := time.Since(begun)
		if err != nil {
			return 0, err
		}
		if by == backend {
			return took, nil
		}
		// Often enough to be exact to a fiftieth, and no more often, so that what is
		// measured is not the asking.
		if err := pause(ctx, max(time.Millisecond, took/50)); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("route %d was not served by %s in time", i, backend)
}

func tellSizes(all []sized) {
	t := newTable("One operator, by the number of objects",
		"policies and routes, each", "start until it serves", "resident memory, idle", "live heap and garbage", "an edit of a route until it is live: p50", "p99", "CPU of an edit", "garbage of an edit", "collections in an edit")
	for _, s := range all {
		t.row(strconv.Itoa(s.objects), s.start.Round(10*time.Millisecond).String(), mebibytes(s.resident), mebibytes(s.heap),
			millis(float64(percentile(s.edits, 50))), millis(float64(percentile(s.edits, 99))),
			millis(s.cpu*1e9), mebibytes(s.garbage), fmt.Sprintf("%.2f", s.collections))
		switch s.objects {
		case 1000:
			target("apply → live, 1,000 policies and routes, p99", float64(percentile(s.edits, 99))/1e6, 100, "ms")
		case 10000:
			target("apply → live, 10,000 policies and routes, p99", float64(percentile(s.edits, 99))/1e6, 500, "ms")
			target("memory, 10,000 policies and routes, idle", s.resident/(1<<20), 400, "MiB")
		}
	}
}
