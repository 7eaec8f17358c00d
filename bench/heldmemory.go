package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// heldStreams end all at about the same time, so that a gateway that holds them
// holds them all.
var heldStreams = plan{streams: 200, over: 100 * time.Millisecond, tokens: 200, every: 20 * time.Millisecond}

// holding is what one round of streams took of memory.
type holding struct {
	held     float64 // the gateway's own gauge, at its highest
	resident float64 // the peak's distance from idle
}

// heldMemory compares the memory of streams that are passed on with that of
// streams that are held until they are whole.
func heldMemory(ctx context.Context, rounds int) error {
	up, err := start("upstream", "")
	if err != nil {
		return err
	}
	defer up.stop()
	models := []string{resilient, buffered}
	values, err := interleave(rounds, len(models), func(i int) (holding, error) { return holdStreams(ctx, up, models[i]) })
	if err != nil {
		return err
	}
	n := float64(heldStreams.streams)
	held := medians(values, func(h holding) float64 { return h.held / n })
	resident := medians(values, func(h holding) float64 { return h.resident / n })
	size := float64(len(chatSpeech.begin) + heldStreams.tokens*len(chatSpeech.token) + len(chatSpeech.finish))
	t := newTable(fmt.Sprintf("Memory of one of %d streams of %s", heldStreams.streams, kibibytes(size)),
		"streamRecovery", "held, by the gateway's own count", "to the stream's size", "resident memory")
	for i, name := range []string{"Resume, passed on", "Buffer, held until whole"} {
		t.row(name, kibibytes(held[i]), ratio(held[i], size), kibibytes(resident[i]))
	}
	return nil
}

func holdStreams(ctx context.Context, up *process, model string) (h holding, err error) {
	p, err := start("gateway", up.url)
	if err != nil {
		return h, err
	}
	defer p.stop()
	if f := warmStreams.run(ctx, p.url, model); f.lost != nil {
		return h, f.lost
	}
	idle, _, err := p.memory()
	if err != nil {
		return h, err
	}
	ended := make(chan flow, 1)
	go func() { ended <- heldStreams.run(ctx, p.url, model) }()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case f := <-ended:
			_, peak, err := p.memory()
			if err == nil {
				err = f.lost
			}
			h.resident = peak - idle
			return h, err
		case <-look.C:
			text, err := get(p.debug + heldPath)
			if err != nil {
				return h, err
			}
			now, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return h, err
			}
			h.held = max(h.held, now)
		}
	}
}
