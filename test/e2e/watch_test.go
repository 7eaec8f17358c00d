package e2e

import (
	"bufio"
	"strings"
	"sync"
	"testing"
	"time"
)

// watch is a running `kubectl get --watch`, and when it printed what.
type watch struct {
	t      *testing.T
	header []string

	mu    sync.Mutex
	lines []watchLine // guarded by mu
}

type watchLine struct {
	at     time.Time
	fields map[string]string // by column
}

// watchPolicies starts `kubectl get circuitpolicies --watch` and waits for its
// first line.
func (p *place) watchPolicies(args ...string) *watch {
	p.t.Helper()
	cmd := cluster.KubectlCommand(p.t.Context(), append([]string{"-n", p.ns, "get", "circuitpolicies", "--watch"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	w := &watch{t: p.t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := bufio.NewScanner(out); s.Scan(); {
			w.add(time.Now(), strings.Fields(s.Text()))
		}
	}()
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it watches until it is killed
		<-done
		_ = cmd.Wait() // killed on purpose
	})
	w.wait(time.Time{}, "anything", func(map[string]string) bool { return true })
	return w
}

func (w *watch) add(at time.Time, fields []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.header == nil {
		w.header = fields
		return
	}
	line := watchLine{at, map[string]string{}}
	for i, f := range fields {
		if i < len(w.header) {
			line.fields[w.header[i]] = f
		}
	}
	w.lines = append(w.lines, line)
}

// wait returns the first line printed after a moment that is as wanted.
func (w *watch) wait(after time.Time, what string, wanted func(map[string]string) bool) watchLine {
	w.t.Helper()
	var found watchLine
	eventually(w.t, "kubectl prints "+what, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, l := range w.lines {
			if l.at.After(after) && wanted(l.fields) {
				found = l
				return nil
			}
		}
		return errNotYet
	})
	return found
}

// waitState returns the first line after a moment with the policy in that state.
func (w *watch) waitState(after time.Time, policy, state string) watchLine {
	w.t.Helper()
	return w.wait(after, policy+" "+state, func(f map[string]string) bool { return f["NAME"] == policy && f["STATE"] == state })
}
