package main

import (
	"context"
	"fmt"
	"time"
)

// manyStreams all run at once for as long again as it takes to open them, and
// twice that.
var manyStreams = plan{streams: 2000, over: 2 * time.Second, tokens: 25, every: 250 * time.Millisecond}

// flood shows what the simulated provider can do.
var flood = plan{streams: 64, tokens: 2000}

// warmStreams bring a process to where its memory counts as idle.
var warmStreams = plan{streams: 50, over: 100 * time.Millisecond, tokens: 3, every: 10 * time.Millisecond}

// streaming is one round of streams on one way.
type streaming struct {
	flow
	cpu    time.Duration
	memory float64 // the peak's distance from idle
}

// streams measures many streams at once on each way, with a process that is new
// in each round: the memory of one that has served before tells nothing.
func streams(ctx context.Context, rounds int, ways []way) error {
	up, err := start("upstream", "")
	if err != nil {
		return err
	}
	defer up.stop()
	values, err := interleave(rounds, len(ways), func(i int) (streaming, error) {
		return streamOver(ctx, ways[i], up)
	})
	if err != nil {
		return err
	}
	limit := medians([][]flow{{flood.run(ctx, up.url, plain)}}, func(f flow) float64 {
		return float64(flood.streams*flood.tokens) / f.took.Seconds()
	})[0]
	streamTables(ways, values, limit)
	return nil
}

// streamOver measures one way once.
func streamOver(ctx context.Context, w way, up *process) (s streaming, err error) {
	p := up
	if w.start != nil {
		if p, err = w.start(up.url); err != nil {
			return s, err
		}
		defer p.stop()
	}
	if f := warmStreams.at(w.door).run(ctx, p.url, w.model); f.lost != nil {
		return s, fmt.Errorf("%s: %w", w.name, f.lost)
	}
	idle, _, err := p.memory()
	if err != nil {
		return s, err
	}
	s.cpu, err = p.spends(func() error {
		s.flow = manyStreams.at(w.door).run(ctx, p.url, w.model)
		return ctx.Err()
	})
	if err != nil {
		return s, err
	}
	_, peak, err := p.memory()
	s.memory = peak - idle
	return s, err
}

func streamTables(ways []way, values [][]streaming, limit float64) {
	n := float64(manyStreams.streams)
	cpu := medians(values, func(s streaming) float64 { return float64(s.cpu) / n })
	memory := medians(values, func(s streaming) float64 { return s.memory / n })
	p50 := medians(values, func(s streaming) float64 { return float64(percentile(s.first, 50)) })
	p99 := medians(values, func(s streaming) float64 { return float64(percentile(s.first, 99)) })
	rate := n * float64(manyStreams.tokens) / (manyStreams.over + manyStreams.length()).Seconds()

	fmt.Printf("\nThe simulated provider sends %.0f events a second at most, to %d clients that ask it directly; the streams below are %.0f a second.\n",
		limit, flood.streams, rate)
	t := newTable(fmt.Sprintf("Streams: %d opened within %v, each %d tokens, one every %v", manyStreams.streams, manyStreams.over, manyStreams.tokens, manyStreams.every),
		"way", "lost", "at once", "CPU of a stream", "to the bare proxy's", "memory of a stream", "to the bare proxy's")
	lost := make([]int, len(ways))
	for i, w := range ways {
		atOnce := manyStreams.streams
		for _, s := range values[i] {
			lost[i] += manyStreams.streams - s.whole
			atOnce = min(atOnce, s.atOnce)
		}
		cells := []string{w.name, fmt.Sprintf("%d of %d", lost[i], len(values[i])*manyStreams.streams), fmt.Sprint(atOnce)}
		if i != direct {
			cells = append(cells, micros(cpu[i]), ratio(cpu[i], cpu[bare]), kibibytes(memory[i]), ratio(memory[i], memory[bare]))
		}
		t.row(cells...)
	}
	t = newTable("First token, under the load of those streams", "way", "p50", "added to direct", "p99", "added to direct", "added to the bare proxy's p99")
	for i, w := range ways {
		cells := []string{w.name, millis(p50[i]), millis(p50[i] - p50[direct]), millis(p99[i]), millis(p99[i] - p99[direct]), millis(p99[i] - p99[bare])}
		if i == direct {
			cells = []string{w.name, cells[1], "", cells[3]}
		}
		t.row(cells...)
	}
	for _, i := range []int{ours, oursResilient} {
		name := ways[i].name
		target("streams lost, "+name, float64(lost[i]), 0, "")
		target("CPU of a stream, "+name, cpu[i]/cpu[bare], 1.1, "× the bare proxy's")
		target("memory of a stream, "+name, memory[i]/memory[bare], 1.1, "× the bare proxy's")
		target("first token p99 added to the bare proxy's, "+name, (p99[i]-p99[bare])/1e6, 1, "ms")
	}
}
