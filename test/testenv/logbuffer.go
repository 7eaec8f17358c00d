package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// LogBuffer keeps what a process prints. The zero value is ready.
type LogBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

// Write is io.Writer's.
func (l *LogBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all that was printed so far.
func (l *LogBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Tail is the end of it, for a failed test.
func (l *LogBuffer) Tail() string {
	const lines = 30
	all := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// Leads reports whether the operator that printed it thinks that it leads.
func (l *LogBuffer) Leads() bool {
	log := l.String()
	return strings.LastIndex(log, "Became the leader") > strings.LastIndex(log, "Not the leader any more")
}

// Check looks for what must never be in an operator's log.
func (l *LogBuffer) Check() error {
	var errs []error
	for line := range strings.Lines(l.String()) {
		for _, never := range []string{"DATA RACE", "panic", "forbidden"} {
			if strings.Contains(line, never) {
				errs = append(errs, fmt.Errorf("the operator's log says %q: %s", never, line))
			}
		}
	}
	return errors.Join(errs...)
}
