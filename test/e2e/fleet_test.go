package e2e

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/testenv"
)

// replicas are several operators of one installation, each with a Pod of its
// own. They end with the test.
type replicas struct {
	t   *testing.T
	ops []*operator
}

func startReplicas(t *testing.T, n int, args ...string) *replicas {
	t.Helper()
	f := &replicas{t: t}
	for range n {
		f.start(testenv.OperatorOptions{Args: args})
	}
	return f
}

// start starts one more.
func (f *replicas) start(o testenv.OperatorOptions) *operator {
	f.t.Helper()
	op, err := launch(f.t.Context(), o)
	if err != nil {
		f.t.Fatal(err)
	}
	f.ops = append(f.ops, op)
	f.t.Cleanup(func() {
		if op.killed {
			return
		}
		if err := op.stop(); err != nil {
			f.t.Error(err)
		}
	})
	return op
}

// kill ends a process at once, as a node's end would.
func (f *replicas) kill(op *operator) {
	f.t.Helper()
	op.killed = true
	if err := op.Signal(syscall.SIGKILL); err != nil {
		f.t.Fatal(err)
	}
	<-op.Done()
	f.drop(op)
}

// replace starts another, and ends this one as a rollout would.
func (f *replicas) replace(op *operator) *operator {
	f.t.Helper()
	f.start(testenv.OperatorOptions{})
	ctx, cancel := context.WithTimeout(f.t.Context(), stopTimeout)
	defer cancel()
	if err := op.Stop(ctx); err != nil {
		f.t.Fatal(err)
	}
	f.drop(op)
	return f.ops[len(f.ops)-1]
}

func (f *replicas) drop(gone *operator) {
	var left []*operator
	for _, op := range f.ops {
		if op != gone {
			left = append(left, op)
		}
	}
	f.ops = left
}

// leader waits until one of them leads.
func (f *replicas) leader() *operator {
	f.t.Helper()
	var found *operator
	eventually(f.t, "one of the replicas leads", func() error {
		for _, op := range f.ops {
			if op.log.Leads() {
				found = op
				return nil
			}
		}
		return errNotYet
	})
	return found
}

// followers are all but the leader.
func (f *replicas) followers() []*operator {
	f.t.Helper()
	leader := f.leader()
	var out []*operator
	for _, op := range f.ops {
		if op != leader {
			out = append(out, op)
		}
	}
	return out
}

// by is the place as clients of another replica see it.
func (p *place) by(op *operator) *place { return &place{t: p.t, ns: p.ns, op: op} }

// waitReplicas waits until the policy's column OPEN says so, and returns how
// long that took.
func (p *place) waitReplicas(name, want string) time.Duration {
	p.t.Helper()
	begun := time.Now()
	p.eventuallyWithin(2*patience, fmt.Sprintf("policy %s is open on %s replicas", name, want), func() error {
		r := p.policy(name).Status.Replicas
		if r == nil || r.Summary != want {
			return fmt.Errorf("it is open on %+v", r)
		}
		return nil
	})
	return time.Since(begun)
}

// getReplicas is `kubectl get gatewayreplicas`, by name and column.
func getReplicas(t *testing.T) map[string]map[string]string {
	t.Helper()
	out, err := cluster.Kubectl(t.Context(), "-n", testenv.OperatorNamespace, "get", "gatewayreplicas", "--ignore-not-found")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	var header []string
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if header == nil {
			header = fields
			continue
		}
		row := map[string]string{}
		for i, f := range fields {
			row[header[i]] = f
		}
		all[fields[0]] = row
	}
	return all
}

// stateOf is a policy's state, for an assertion.
func (p *place) stateOf(name string) v1alpha1.CircuitState { return p.policy(name).Status.State }
