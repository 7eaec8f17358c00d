package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// tokenStreams show what one token costs: as many as come, as fast as they go.
var tokenStreams = plan{streams: 64, tokens: 2000}

// translated measures what it costs that client and backend speak two dialects,
// beside the same client's requests to a backend of its own.
func translated(ctx context.Context, rounds int) error {
	up, err := start("upstream", "")
	if err != nil {
		return err
	}
	defer up.stop()
	gateway := func(upstream string) (*process, error) { return start("gateway", upstream) }
	ways := []way{
		{"chat completions", plain, gateway, chat},
		{"chat completions, from Anthropic", claude, gateway, chat},
		{"messages", claude, gateway, messages},
		{"messages, from OpenAI", plain, gateway, messages},
	}
	if err := translatedRequests(ctx, rounds, ways, up); err != nil {
		return err
	}
	return translatedStreams(ctx, rounds, ways, up)
}

// untranslated is the way that a way is held against.
func untranslated(i int) int { return i &^ 1 }

func translatedRequests(ctx context.Context, rounds int, ways []way, up *process) error {
	processes, stop, err := startWays(ways, up)
	if err != nil {
		return err
	}
	defer stop()
	clients := make([]*asker, len(ways))
	for i, w := range ways {
		clients[i] = w.door.asker(processes[i].url, w.model, http.StatusOK)
	}
	alone, err := interleave(rounds, len(ways), func(i int) (float64, error) { return clients[i].p50(ctx) })
	if err != nil {
		return err
	}
	under, err := interleave(rounds, len(ways), func(i int) (time.Duration, error) {
		return processes[i].spends(func() error {
			_, err := clients[i].load(ctx, cpuRequests)
			return err
		})
	})
	if err != nil {
		return err
	}
	p50 := medians(alone, itself)
	cpu := medians(under, func(d time.Duration) float64 { return float64(d) / cpuRequests })
	t := newTable(fmt.Sprintf("Translated, unstreamed: p50 of one client, CPU of the process for one request of %d", cpuClients),
		"request", "p50", "added", "CPU", "to the untranslated")
	for i, w := range ways {
		t.row(w.name, micros(p50[i]), micros(p50[i]-p50[untranslated(i)]), micros(cpu[i]), ratio(cpu[i], cpu[untranslated(i)]))
	}
	return nil
}

// spent is one round of tokens.
type spent struct {
	tokens  time.Duration // CPU
	streams streaming
}

func translatedStreams(ctx context.Context, rounds int, ways []way, up *process) error {
	values, err := interleave(rounds, len(ways), func(i int) (s spent, err error) {
		if s.streams, err = streamOver(ctx, ways[i], up); err != nil {
			return s, err
		}
		s.tokens, err = tokensOver(ctx, ways[i], up)
		return s, err
	})
	if err != nil {
		return err
	}
	each := float64(tokenStreams.streams * tokenStreams.tokens)
	n := float64(manyStreams.streams)
	token := medians(values, func(s spent) float64 { return float64(s.tokens) / each })
	memory := medians(values, func(s spent) float64 { return s.streams.memory / n })
	p50 := medians(values, func(s spent) float64 { return float64(percentile(s.streams.first, 50)) })
	p99 := medians(values, func(s spent) float64 { return float64(percentile(s.streams.first, 99)) })
	t := newTable(fmt.Sprintf("Translated streams: CPU of a token, %d streams at full speed; the rest of %d at once", tokenStreams.streams, manyStreams.streams),
		"stream", "lost", "CPU of a token", "to the untranslated", "first token, p50", "added", "p99", "added", "memory of a stream", "to the untranslated")
	for i, w := range ways {
		u, lost := untranslated(i), 0
		for _, s := range values[i] {
			lost += manyStreams.streams - s.streams.whole
		}
		t.row(w.name, fmt.Sprintf("%d of %d", lost, len(values[i])*manyStreams.streams), micros(token[i]), ratio(token[i], token[u]),
			millis(p50[i]), millis(p50[i]-p50[u]), millis(p99[i]), millis(p99[i]-p99[u]), kibibytes(memory[i]), ratio(memory[i], memory[u]))
	}
	return nil
}

// tokensOver measures the CPU of a process that does nothing but pass tokens on.
func tokensOver(ctx context.Context, w way, up *process) (time.Duration, error) {
	p, err := w.start(up.url)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	if f := warmStreams.at(w.door).run(ctx, p.url, w.model); f.lost != nil {
		return 0, fmt.Errorf("%s: %w", w.name, f.lost)
	}
	return p.spends(func() error {
		if f := tokenStreams.at(w.door).run(ctx, p.url, w.model); f.lost != nil {
			return fmt.Errorf("%s: %w", w.name, f.lost)
		}
		return ctx.Err()
	})
}
