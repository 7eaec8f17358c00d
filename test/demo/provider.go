package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// provider is a simulated provider's process.
type provider struct {
	url string
	cmd *exec.Cmd
}

func startProvider(binary, name, key string) (*provider, error) {
	cmd := exec.Command(binary, "-name", name, "-api-key", key, "-latency", "20ms")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for the demo
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting provider %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting provider %s: %w", name, err)
	}
	p := &provider{cmd: cmd}
	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("starting provider %s: %w", name, err)
	}
	fields := strings.Fields(first) // listening on http://…
	p.url = fields[len(fields)-1]
	return p, nil
}

// breakDown makes the provider answer every request in this way until it heals.
func (p *provider) breakDown(ctx context.Context, fault string) error {
	return p.admin(ctx, http.MethodPut, fault)
}

func (p *provider) heal(ctx context.Context) error { return p.admin(ctx, http.MethodDelete, "") }

func (p *provider) admin(ctx context.Context, method, body string) error {
	_, err := p.call(ctx, method, "fault", body)
	return err
}

// request is what a provider was asked.
type request struct{ Path, Body string }

// lastRequest is the last that it was asked and has answered whole, unstreamed.
func (p *provider) lastRequest(ctx context.Context) (request, error) {
	b, err := p.call(ctx, http.MethodGet, "requests", "")
	if err != nil {
		return request{}, err
	}
	var log struct {
		Requests []struct {
			request
			Stream, Finished bool
		}
	}
	if err := json.Unmarshal(b, &log); err != nil {
		return request{}, fmt.Errorf("reading the provider's log: %w", err)
	}
	for _, r := range slices.Backward(log.Requests) {
		if r.Finished && !r.Stream {
			return r.request, nil
		}
	}
	return request{}, errors.New("the provider was asked nothing")
}

func (p *provider) call(ctx context.Context, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.url+"/_sim/"+path, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking the provider itself: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the provider itself: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = errors.New(resp.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("asking the provider itself: %w", err)
	}
	return b, nil
}

func (p *provider) stop() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()         // killed on purpose
}
