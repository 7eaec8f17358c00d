package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

const (
	latencyRequests = 3000
	cpuRequests     = 20000
	cpuClients      = 32
)

// requests measures what an unstreamed request costs on each way: the time it
// takes alone, and the CPU under load.
func requests(ctx context.Context, rounds int, ways []way) error {
	up, err := start("upstream", "")
	if err != nil {
		return err
	}
	defer up.stop()
	processes, stop, err := startWays(ways, up)
	if err != nil {
		return err
	}
	defer stop()
	clients := make([]*asker, len(ways))
	for i, w := range ways {
		clients[i] = newAsker(processes[i].url, w.model, http.StatusOK)
	}
	if err := latency(ctx, rounds, ways, clients); err != nil {
		return err
	}
	return load(ctx, rounds, ways, processes, clients)
}

func latency(ctx context.Context, rounds int, ways []way, clients []*asker) error {
	values, err := interleave(rounds, len(ways), func(i int) (float64, error) {
		return clients[i].p50(ctx)
	})
	if err != nil {
		return err
	}
	p50 := medians(values, itself)
	t := newTable("Latency, unstreamed, one client: p50", "way", "p50", "added to direct", "added, to the bare proxy's")
	for i, w := range ways {
		if i == direct {
			t.row(w.name, micros(p50[i]))
			continue
		}
		t.row(w.name, micros(p50[i]), micros(p50[i]-p50[direct]), ratio(p50[i]-p50[direct], p50[bare]-p50[direct]))
	}
	for _, i := range []int{ours, oursResilient} {
		target("latency added, "+ways[i].name, (p50[i]-p50[direct])/(p50[bare]-p50[direct]), 1.15, "× the bare proxy's")
	}
	return nil
}

// cost is that of one round of requests.
type cost struct {
	cpu  time.Duration
	rate float64 // requests a second
}

func load(ctx context.Context, rounds int, ways []way, processes []*process, clients []*asker) error {
	values, err := interleave(rounds, len(ways), func(i int) (c cost, err error) {
		c.cpu, err = processes[i].spends(func() (err error) {
			c.rate, err = clients[i].load(ctx, cpuRequests)
			return err
		})
		return c, err
	})
	if err != nil {
		return err
	}
	cpu := medians(values, func(c cost) float64 { return float64(c.cpu) / cpuRequests })
	rates := medians(values, func(c cost) float64 { return c.rate })
	t := newTable(fmt.Sprintf("CPU of the process for one request, %d clients", cpuClients),
		"process", "CPU", "to the bare proxy's", "requests a second")
	for i, w := range ways {
		if i == direct {
			t.row("the simulated provider itself, asked directly", micros(cpu[i]), "", fmt.Sprintf("%.0f", rates[i]))
			continue
		}
		t.row(w.name, micros(cpu[i]), ratio(cpu[i], cpu[bare]), fmt.Sprintf("%.0f", rates[i]))
	}
	for _, i := range []int{ours, oursResilient} {
		target("CPU for a request, "+ways[i].name, cpu[i]/cpu[bare], 1.25, "× the bare proxy's")
	}
	for i, w := range ways {
		if w.name == "Caddy" {
			target("CPU for a request, switchgear", cpu[ours]/cpu[i], 1, "× Caddy's")
		}
	}
	return nil
}
