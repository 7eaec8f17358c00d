package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	log    *testenv.LogBuffer
	killed bool // by the test
}

// usual are the flags of every operator here: providers are on loopback, and
// most speak plain HTTP.
var usual = []string{"--allow-backend-cidr=127.0.0.0/8", "--allow-plaintext-credentials", "--grace-period=20s", "--shutdown-delay=0s"}

func launch(ctx context.Context, o testenv.OperatorOptions) (*operator, error) {
	log := &testenv.LogBuffer{}
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
	err := errors.Join(op.Stop(ctx), op.log.Check())
	if err != nil {
		err = fmt.Errorf("%w; its log ends with:\n%s", err, op.log.Tail())
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
