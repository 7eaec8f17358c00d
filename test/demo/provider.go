package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
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
	req, err := http.NewRequestWithContext(ctx, method, p.url+"/_sim/fault", bytes.NewReader([]byte(body)))
	if err != nil {
		return fmt.Errorf("switching the provider's fault: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("switching the provider's fault: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing in it is needed
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("switching the provider's fault: %s", resp.Status)
	}
	return nil
}

func (p *provider) stop() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()         // killed on purpose
}
