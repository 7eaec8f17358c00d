package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// clients ask the gateway for chat completions, whole and streamed in turn, one
// after the other, and count what they get.
type clients struct {
	url    string
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	every time.Duration   // guarded by mu; 0: paused
	seen  map[outcome]int // guarded by mu
	whole string          // guarded by mu: the last unstreamed answer
}

// outcome is who answered with what.
type outcome struct {
	backend string
	status  int
	code    string // of the gateway's own errors
}

func (o outcome) String() string {
	switch {
	case o.status == 0:
		return "no answer at all"
	case o.code != "":
		return fmt.Sprintf("HTTP %d %s", o.status, o.code)
	}
	return fmt.Sprintf("HTTP %d from %s", o.status, o.backend)
}

func startClients(ctx context.Context, url string) *clients {
	ctx, cancel := context.WithCancel(ctx)
	c := &clients{url: url, cancel: cancel, done: make(chan struct{}), seen: map[outcome]int{}}
	go c.run(ctx)
	return c
}

func (c *clients) stop() {
	c.cancel()
	<-c.done
}

// pace says how often to ask; 0 pauses.
func (c *clients) pace(every time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.every = every
}

// forget starts counting afresh.
func (c *clients) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.seen)
}

// tally is what was counted so far.
func (c *clients) tally() map[outcome]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

func describe(seen map[outcome]int) string {
	var parts []string
	for o, n := range seen {
		parts = append(parts, fmt.Sprintf("%d × %s", n, o))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func (c *clients) run(ctx context.Context) {
	defer close(c.done)
	for n := 0; ctx.Err() == nil; n++ {
		c.mu.Lock()
		every := c.every
		c.mu.Unlock()
		if every > 0 {
			c.ask(ctx, n%2 == 1)
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(every, 10*time.Millisecond)):
		}
	}
}

// broken is the code of an answer that is not what an OpenAI client expects.
const broken = "and no chat completion"

func (c *clients) ask(ctx context.Context, streamed bool) {
	body := fmt.Sprintf(`{"model": "azure/gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "stream": %v}`, streamed)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		return // the URL is ours
	}
	var o outcome
	var answer []byte
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		answer, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read
		o = outcome{resp.Header.Get("X-Switchgear-Backend"), resp.StatusCode, resp.Header.Get("X-Switchgear-Error")}
		if o.status == http.StatusOK && !isWhole(string(answer), streamed) {
			o.code = broken
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		o = outcome{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[o]++
	if !streamed {
		c.whole = string(answer)
	}
}

// isWhole reports whether an answer is one that an OpenAI client understands, to
// its end.
func isWhole(answer string, streamed bool) bool {
	if streamed {
		return strings.Contains(answer, `"object":"chat.completion.chunk"`) && strings.HasSuffix(answer, "data: [DONE]\n\n")
	}
	return strings.Contains(answer, `"object":"chat.completion"`) && strings.Contains(answer, `"finish_reason":"stop"`)
}

// lastWhole is the last unstreamed answer.
func (c *clients) lastWhole() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.whole
}
