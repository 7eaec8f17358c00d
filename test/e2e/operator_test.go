package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/testenv"
)

// stopTimeout is how long an operator may take to end, beside its grace period.
const stopTimeout = 30 * time.Second

// operator is the operator's process, and what it has printed.
type operator struct {
	*testenv.Operator
	log    *logBuffer
	killed bool // by the test
}

// usual are the flags of every operator here: providers are on loopback, and
// most speak plain HTTP.
var usual = []string{"--allow-backend-cidr=127.0.0.0/8", "--allow-plaintext-credentials", "--grace-period=20s", "--shutdown-delay=0s"}

func launch(ctx context.Context, o testenv.OperatorOptions) (*operator, error) {
	log := &logBuffer{}
	o.Binary, o.Log, o.Args = binary, log, slices.Concat(usual, o.Args)
	p, err := cluster.StartOperator(ctx, o)
	if err != nil {
		return nil, err
	}
	op := &operator{Operator: p, log: log}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := op.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, op.stop())
	}
	return op, nil
}

// startOperator starts an operator that ends with the test. Where the shared one
// runs, this one does not lead.
func startOperator(t *testing.T, o testenv.OperatorOptions) *operator {
	t.Helper()
	op, err := launch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := op.stop(); err != nil {
			t.Error(err)
		}
	})
	return op
}

// stop ends the process and looks for what must never be in its log.
func (op *operator) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := op.Stop(ctx)
	for line := range strings.Lines(op.log.String()) {
		for _, never := range []string{"DATA RACE", "panic", "forbidden"} {
			if strings.Contains(line, never) {
				err = errors.Join(err, fmt.Errorf("the operator's log says %q: %s", never, line))
			}
		}
	}
	if err != nil {
		err = fmt.Errorf("%w; its log ends with:\n%s", err, op.log.tail())
	}
	return err
}

// shared is the operator of all tests that run side by side. It leads.
var shared sharedOperator

type sharedOperator struct {
	once sync.Once
	op   *operator
	err  error
}

// sharePlace has the test run side by side with others, in a place of its own on
// the shared operator. The first to call it starts that.
func sharePlace(t *testing.T) *place {
	t.Helper()
	t.Parallel()
	shared.once.Do(func() { shared.op, shared.err = launch(context.Background(), testenv.OperatorOptions{}) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return newPlace(t, shared.op)
}

func (s *sharedOperator) stop() error {
	if s.op == nil {
		return nil
	}
	return s.op.stop()
}

// logBuffer keeps what a process prints.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// tail is the end of it, for a failed test.
func (l *logBuffer) tail() string {
	const lines = 30
	all := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
