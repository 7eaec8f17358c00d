package stage

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startTimeout bounds how long the gateway takes until it serves.
const startTimeout = 30 * time.Second

var serving = regexp.MustCompile(`msg=Serving address=(\S+)`)

// process is the gateway. Its log is kept, for the errors.
type process struct {
	cmd   *exec.Cmd
	found chan string   // where it serves
	ended chan struct{} // closed when err is there
	err   error

	mu sync.Mutex
	// Guarded by mu.
	log strings.Builder
}

func startProcess(binary string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(binary, args...), found: make(chan string, 1), ended: make(chan struct{})}
	// With the race detector, a process sleeps for a second at its end unless told.
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	// A Ctrl-C at the terminal is for whoever started this, who stops it in turn.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the gateway: %w", err)
	}
	go func() {
		defer close(p.ended)
		p.read(stderr)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// read keeps the log to its end, and tells the address as soon as it is there.
func (p *process) read(log io.Reader) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		if m := serving.FindStringSubmatch(lines.Text()); m != nil {
			p.found <- m[1]
		}
	}
	_, _ = io.Copy(io.Discard, log) // after a line too long to be scanned
}

func (p *process) address() (string, error) {
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case a := <-p.found:
		return a, nil
	case <-p.ended:
		return "", fmt.Errorf("the gateway ended before it served:\n%s", p.logged())
	case <-timer.C:
		return "", fmt.Errorf("the gateway does not serve after %s:\n%s", startTimeout, p.logged())
	}
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// stop ends the gateway as Kubernetes would, and if need be by force.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it fails only if it has ended
	timer := time.AfterFunc(startTimeout, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.ended
	if p.err != nil {
		return fmt.Errorf("the gateway ended: %w\n%s", p.err, p.logged())
	}
	return nil
}
