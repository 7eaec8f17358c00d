package soak

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// record is what has happened, and the first thing that should not have. After
// that the soak ends.
type record struct {
	t      *testing.T
	begun  time.Time
	cancel context.CancelFunc

	mu       sync.Mutex
	lines    []string       // guarded by mu; the last of them
	outcomes map[string]int // guarded by mu; of requests
	broken   bool           // guarded by mu
	stacks   string         // of a process that has grown
}

// kept is how many happenings are told with a violation.
const kept = 60

func newRecord(t *testing.T, cancel context.CancelFunc) *record {
	return &record{t: t, begun: time.Now(), cancel: cancel, outcomes: map[string]int{}}
}

// note keeps a line for the case of a violation.
func (r *record) note(format string, args ...any) string {
	line := fmt.Sprintf("%8.3fs  ", time.Since(r.begun).Seconds()) + fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	r.lines = r.lines[max(0, len(r.lines)-kept):]
	return line
}

// tell notes a line and prints it.
func (r *record) tell(format string, args ...any) {
	line := r.note(format, args...)
	_, _ = fmt.Fprintln(r.t.Output(), line) // it goes where the test's log goes
}

// ended counts a request.
func (r *record) ended(outcome string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes[outcome]++
}

// violate fails the test with what happened last, once, and ends the soak.
func (r *record) violate(format string, args ...any) {
	line := r.note("VIOLATION: "+format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return
	}
	r.broken = true
	r.t.Errorf("%s\n\nwhat happened last:\n%s\n\nrun it again with SEED=%d", line, strings.Join(r.lines, "\n"), *seed)
	r.cancel()
}

// wait polls until check is content, and calls it a violation if that takes too
// long. It reports whether all is well.
func (r *record) wait(ctx context.Context, limit time.Duration, what string, check func() error) bool {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-deadline.C:
			r.violate("it took longer than %s until %s: %v", limit, what, err)
			return false
		case <-tick.C:
		}
	}
}
