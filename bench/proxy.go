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

const (
	latencyRequests = 3000
	cpuRequests     = 20000
	cpuClients      = 32
)

// asker asks with one body, over connections that it keeps.
type asker struct {
	url, body string
	want      int
	http      *http.Client
}

func newAsker(base, model string, want int) *asker {
	prompt := strings.Repeat("Tell me about circuit breakers. ", 40)
	body := strings.Replace(fmt.Sprintf(requestOf, prompt), `"gpt-4o"`, `"`+model+`"`, 1)
	return &asker{
		url: base + "/v1/chat/completions", body: body, want: want,
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
func (c *asker) load(ctx context.Context) (float64, error) {
	var wg sync.WaitGroup
	errs := make(chan error, cpuClients)
	begun := time.Now()
	for range cpuClients {
		wg.Go(func() {
			for range cpuRequests / cpuClients {
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
		return cpuRequests / time.Since(begun).Seconds(), nil
	}
}

// proxies measures what a request costs on its way through.
func proxies(ctx context.Context, rounds int) error {
	up, err := start("upstream", "")
	if err != nil {
		return err
	}
	defer up.stop()
	named := map[string]*process{}
	for _, role := range []string{"bareproxy", "gateway", "refuser"} {
		p, err := start(role, up.url)
		if err != nil {
			return err
		}
		defer p.stop()
		named[role] = p
	}
	if err := latency(ctx, rounds, up, named); err != nil {
		return err
	}
	if err := refusals(ctx, rounds, named); err != nil {
		return err
	}
	return cpuTime(ctx, rounds, named)
}

func latency(ctx context.Context, rounds int, up *process, named map[string]*process) error {
	values, err := interleave(ctx, rounds, []*asker{
		newAsker(up.url, model, http.StatusOK),
		newAsker(named["bareproxy"].url, model, http.StatusOK),
		newAsker(named["gateway"].url, model, http.StatusOK),
	})
	if err != nil {
		return err
	}
	direct, bare, ours := values[0], values[1], values[2]
	t := newTable("Latency, unstreamed, one client: p50", "way", "p50", "added to direct", "added, to the bare proxy's")
	t.row("direct", micros(direct))
	t.row("bare ReverseProxy that reads the body first", micros(bare), micros(bare-direct), "1.00")
	t.row("switchgear", micros(ours), micros(ours-direct), ratio(ours-direct, bare-direct)+" (target: at most 1.15)")
	return nil
}

func refusals(ctx context.Context, rounds int, named map[string]*process) error {
	opening := newAsker(named["gateway"].url, broken, 0)
	for range 10 {
		if _, err := opening.ask(ctx); err != nil {
			return err
		}
	}
	values, err := interleave(ctx, rounds, []*asker{
		newAsker(named["refuser"].url, broken, http.StatusServiceUnavailable),
		newAsker(named["gateway"].url, broken, http.StatusServiceUnavailable),
	})
	if err != nil {
		return err
	}
	t := newTable("Open circuit, one client: p50", "who", "p50", "to the bare handler's")
	t.row("bare handler that reads the body and answers 503", micros(values[0]), "1.00")
	t.row("switchgear, circuit open", micros(values[1]), ratio(values[1], values[0])+" (target: at most 1.2)")
	return nil
}

func interleave(ctx context.Context, rounds int, clients []*asker) ([]float64, error) {
	values := make([][]float64, len(clients))
	for range rounds {
		for i, c := range clients {
			v, err := c.p50(ctx)
			if err != nil {
				return nil, err
			}
			values[i] = append(values[i], v)
		}
	}
	out := make([]float64, len(clients))
	for i := range values {
		out[i] = median(values[i])
	}
	return out, nil
}

func cpuTime(ctx context.Context, rounds int, named map[string]*process) error {
	roles := []string{"bareproxy", "gateway"}
	used, speed := map[string][]float64{}, map[string][]float64{}
	for range rounds {
		for _, role := range roles {
			p := named[role]
			before, err := p.cpu()
			if err != nil {
				return err
			}
			rate, err := newAsker(p.url, model, http.StatusOK).load(ctx)
			if err != nil {
				return err
			}
			after, err := p.cpu()
			if err != nil {
				return err
			}
			used[role] = append(used[role], float64(after-before)/cpuRequests)
			speed[role] = append(speed[role], rate)
		}
	}
	bare := median(used["bareproxy"])
	t := newTable(fmt.Sprintf("CPU of the process for one request, %d clients", cpuClients), "process", "CPU", "to the bare proxy's", "requests a second")
	for i, name := range []string{"bare ReverseProxy that reads the body first", "switchgear"} {
		cpu := median(used[roles[i]])
		target := ""
		if i == 1 {
			target = " (target: at most 1.25)"
		}
		t.row(name, micros(cpu), ratio(cpu, bare)+target, fmt.Sprintf("%.0f", median(speed[roles[i]])))
	}
	return nil
}
