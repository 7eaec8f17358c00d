package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// The operator's identity, as config/default has it.
const (
	OperatorNamespace      = "switchgear-system"
	OperatorServiceAccount = "switchgear-controller-manager"
)

// Install applies config/default as a user would, and so the operator's
// ServiceAccount and its RBAC.
func (c *Cluster) Install(ctx context.Context) error { return c.InstallFrom(ctx, "default") }

// InstallFrom applies another directory of config.
func (c *Cluster) InstallFrom(ctx context.Context, dir string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	_, err = c.Kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-k", filepath.Join(root, "config", dir))
	return err
}

// OperatorOptions say how the operator's process is started.
type OperatorOptions struct {
	// Binary is the path of the built switchgear.
	Binary string
	// Listen is the gateway's address; empty: a free port of loopback.
	Listen string
	// Args come after those that this package sets, and so win.
	Args []string
	// Log gets what the process prints; nil: nobody does.
	Log io.Writer
	// Pod is the name of the Pod that the process stands for; empty: a new one.
	Pod string
	// Server is the address by which it reaches the API server; empty: directly.
	Server string
}

// Operator is the operator as a process of its own, signed in as its own
// ServiceAccount.
type Operator struct {
	// GatewayURL, ProbesURL, MetricsURL and AdminURL are where it listens.
	GatewayURL, ProbesURL, MetricsURL, AdminURL string
	// Pod is the name of the Pod that the process stands for, and so of its
	// replica.
	Pod string
	// PID is the process's.
	PID int

	cmd  *exec.Cmd
	done chan struct{}
	err  error // of the process; set before done is closed
}

// StartOperator starts the operator's process, outside the cluster but with the
// rights that it has inside. The caller stops it.
func (c *Cluster) StartOperator(ctx context.Context, o OperatorOptions) (*Operator, error) {
	pod, err := c.pod(ctx, o.Pod)
	if err != nil {
		return nil, err
	}
	kubeconfig, err := c.podKubeconfig(ctx, pod, o.Server)
	if err != nil {
		return nil, err
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	addresses, err := freeAddresses(o.Listen, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(o.Binary, append([]string{
		"operator", "--kubeconfig", kubeconfig,
		"--listen", addresses[0], "--health-probe-bind-address", addresses[1], "--metrics-bind-address", addresses[2],
		"--admin-listen", addresses[3],
	}, o.Args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG=",
		"POD_NAMESPACE="+OperatorNamespace, "POD_NAME="+pod.Name, "POD_UID="+string(pod.UID))
	cmd.Stdout, cmd.Stderr = o.Log, o.Log
	// A Ctrl-C at the terminal is for whoever started this, who stops it in turn.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the operator: %w", err)
	}
	p := &Operator{
		GatewayURL: "http://" + addresses[0], ProbesURL: "http://" + addresses[1], MetricsURL: "https://" + addresses[2], AdminURL: "http://" + addresses[3],
		Pod: pod.Name, PID: cmd.Process.Pid, cmd: cmd, done: make(chan struct{}),
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// freeAddresses fills in the ports that are left to choice, all held at once so
// that none is given twice.
func freeAddresses(addresses ...string) ([]string, error) {
	out := make([]string, len(addresses))
	for i, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		defer l.Close() //nolint:errcheck // it was never used
		out[i] = l.Addr().String()
	}
	return out, nil
}

// WaitReady waits until the operator says that it is ready to serve.
func (p *Operator) WaitReady(ctx context.Context) error {
	for {
		last := p.ready(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("the operator has ended: %w", p.exit())
		case <-ctx.Done():
			return fmt.Errorf("waiting for the operator: %w: %w", ctx.Err(), last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (p *Operator) ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.ProbesURL+"/readyz?verbose", nil)
	if err != nil {
		return fmt.Errorf("asking whether it is ready: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("asking whether it is ready: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it is not ready: %s: %s", resp.Status, body)
	}
	return nil
}

// Signal sends a signal to the process.
func (p *Operator) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Done is closed when the process has ended.
func (p *Operator) Done() <-chan struct{} { return p.done }

// Stop ends the process as Kubernetes would: SIGTERM, and when the context ends
// first, SIGKILL. It returns how the process ended: nil for exit code 0.
func (p *Operator) Stop(ctx context.Context) error {
	select {
	case <-p.done:
		return p.exit()
	default:
	}
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping the operator: %w", err)
	}
	select {
	case <-p.done:
		return p.exit()
	case <-ctx.Done():
		_ = p.cmd.Process.Kill() // it may have ended meanwhile
		<-p.done
		return fmt.Errorf("the operator did not stop: %w", ctx.Err())
	}
}

// exit is how the process ended; only after done.
func (p *Operator) exit() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("the operator's process: %w", p.err)
}
