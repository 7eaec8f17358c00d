package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// door is an endpoint: what it is asked, and by what a client knows a token and the
// end of its stream.
type door struct {
	name, path, request string
	token, end          []byte
}

var (
	chat = &door{
		"chat completions", "/v1/chat/completions",
		`{"model":"%s",%s"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"%s"}]}`,
		[]byte(`"content":" token"`), []byte("data: [DONE]\n"),
	}
	messages = &door{
		"messages", "/v1/messages",
		`{"model":"%s",%s"max_tokens":1000,"system":"You are a helpful assistant.","messages":[{"role":"user","content":"%s"}]}`,
		[]byte(`"text":" token"`), []byte("data: {\"type\":\"message_stop\"}\n"),
	}
)

var prompt = strings.Repeat("Tell me about circuit breakers. ", 40)

// asker asks with one body, over connections that it keeps.
type asker struct {
	url, body string
	want      int // status; 0: any
	http      *http.Client
}

func newAsker(base, model string, want int) *asker { return chat.asker(base, model, want) }

func (d *door) asker(base, model string, want int) *asker {
	return &asker{
		url: base + d.path, body: fmt.Sprintf(d.request, model, "", prompt), want: want,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: cpuClients, DisableCompression: true}},
	}
}

func (c *asker) ask(ctx context.Context) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(c.body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	begun := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	took := time.Since(begun)
	if c.want != 0 && resp.StatusCode != c.want {
		return 0, fmt.Errorf("%s answered %s, not %d", c.url, resp.Status, c.want)
	}
	return took, nil
}

// p50 is the median latency of requests one after the other.
func (c *asker) p50(ctx context.Context) (float64, error) {
	times := make([]time.Duration, latencyRequests)
	for i := range times {
		var err error
		if times[i], err = c.ask(ctx); err != nil {
			return 0, err
		}
	}
	return float64(percentile(times, 50)), nil
}

// load asks from many goroutines and returns the requests in a second.
func (c *asker) load(ctx context.Context, requests int) (float64, error) {
	var wg sync.WaitGroup
	errs := make(chan error, cpuClients)
	begun := time.Now()
	for range cpuClients {
		wg.Go(func() {
			for range requests / cpuClients {
				if _, err := c.ask(ctx); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
		return float64(requests) / time.Since(begun).Seconds(), nil
	}
}
