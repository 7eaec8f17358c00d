package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is what is measured as a process of its own, so that its CPU time and
// its memory are its alone.
type process struct {
	url   string
	debug string // of the roles of this program: pprof is served there
	cmd   *exec.Cmd
}

// start runs this program in one of its roles.
func start(role, target string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-role", role, "-target", target)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("starting %s: %w", role, err)
	}
	p.url, p.debug, _ = strings.Cut(strings.TrimSpace(line), " ")
	return p, nil
}

// launch runs another's program, which serves at the URL once it is ready.
func launch(base string, cmd *exec.Cmd) (*process, error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{url: base, cmd: cmd}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", u.Host); err == nil {
			return p, conn.Close()
		}
	}
	p.stop()
	return nil, fmt.Errorf("%s does not serve: %s", cmd.Path, said.String())
}

// stop ends the process and those that it has started itself.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.cmd.Wait()
}

// pids are the process and those that it has started, as nginx does.
func (p *process) pids() ([]int, error) {
	pids := []int{p.cmd.Process.Pid}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pids[0]))
	if err != nil {
		return nil, err
	}
	for f := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// ticksPerSecond is USER_HZ, which Linux has fixed at 100 for all that read /proc.
const ticksPerSecond = 100

// cpu is the user and system time that was used.
func (p *process) cpu() (time.Duration, error) {
	pids, err := p.pids()
	if err != nil {
		return 0, err
	}
	var ticks int64
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		// The second field, the name, may hold spaces; the rest follows its bracket.
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		const utime, stime = 11, 12
		for _, f := range []int{utime, stime} {
			n, err := strconv.ParseInt(fields[f], 10, 64)
			if err != nil {
				return 0, err
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// memory is the resident memory in bytes: now, and the most that it ever was.
func (p *process) memory() (now, peak float64, err error) {
	pids, err := p.pids()
	if err != nil {
		return 0, 0, err
	}
	return memoryOf(pids...)
}

func memoryOf(pids ...int) (now, peak float64, err error) {
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, 0, err
		}
		for line := range strings.Lines(string(b)) {
			name, value, _ := strings.Cut(line, ":")
			var kilobytes float64
			if name == "VmRSS" || name == "VmHWM" {
				if _, err := fmt.Sscan(value, &kilobytes); err != nil {
					return 0, 0, err
				}
			}
			if name == "VmRSS" {
				now += kilobytes * 1024
			}
			if name == "VmHWM" {
				peak += kilobytes * 1024
			}
		}
	}
	return now, peak, nil
}

// spends is the CPU time that the process uses while work is done.
func (p *process) spends(work func() error) (time.Duration, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	if err := work(); err != nil {
		return 0, err
	}
	after, err := p.cpu()
	return after - before, err
}
