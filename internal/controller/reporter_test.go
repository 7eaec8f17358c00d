package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/fleet"
)

// replica reads a replica's report; nil if there is none.
func (op *operator) replica(t *testing.T, name string) *v1alpha1.GatewayReplica {
	t.Helper()
	r := &v1alpha1.GatewayReplica{}
	err := op.Get(t.Context(), client.ObjectKey{Namespace: op.namespace, Name: name}, r)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return r
}

func (op *operator) waitReplica(t *testing.T, name, what string, good func(*v1alpha1.GatewayReplica) bool) *v1alpha1.GatewayReplica {
	t.Helper()
	var r *v1alpha1.GatewayReplica
	waitFor(t, "the report of "+name+" to tell of "+what, func() error {
		if r = op.replica(t, name); r == nil || !good(r) {
			return fmt.Errorf("it is %+v", r)
		}
		return nil
	})
	return r
}

func TestAReplicaReportsOnItselfFromStartToEnd(t *testing.T) {
	op := startOperator(t)
	p := op.settledPolicy(t, "openai")
	r := op.waitReplica(t, op.name, "its policy", func(r *v1alpha1.GatewayReplica) bool {
		c := r.Status.Configuration
		return c != nil && c.CircuitPolicies != "" && r.Status.CircuitCount == 1
	})
	if err := condition(r.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing, 0); err != nil {
		t.Error(err)
	}
	if r.Status.Version != "v1" || r.Status.Instance == "" || len(r.Status.Circuits) != 0 || r.Status.HeartbeatTime == nil {
		t.Errorf("at rest it reports %+v", r.Status)
	}
	start := time.Now()
	op.open(p, "5 consecutive failures: 5 × HTTP 503")
	r = op.waitReplica(t, op.name, "the open circuit", func(r *v1alpha1.GatewayReplica) bool { return r.Status.OpenCircuits == 1 })
	if took := time.Since(start); took > time.Second {
		t.Errorf("the first transition was reported after %s", took)
	}
	if c := r.Status.Circuits; len(c) != 1 || c[0].Policy != string(p.UID) || c[0].State != v1alpha1.CircuitOpen || c[0].LastTransition == nil {
		t.Errorf("it reports the circuits %+v", c)
	}

	op.listener.drained = make(chan struct{})
	stopped := make(chan struct{})
	go func() { op.stop(); close(stopped) }()
	op.waitReplica(t, op.name, "the draining", func(r *v1alpha1.GatewayReplica) bool {
		return condition(r.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDraining, 0) == nil
	})
	close(op.listener.drained)
	<-stopped
	if r := op.replica(t, op.name); r != nil {
		t.Errorf("the report outlives its replica: %+v", r)
	}
}

// recorder notes when something was written. It is all of a client that a
// reporter needs.
type recorder struct {
	client.Client
	begun   time.Time
	written []time.Duration
	last    *v1alpha1.GatewayReplica
	deleted bool

	mu   sync.Mutex
	fail error // guarded by mu
}

func (r *recorder) set(fail error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

func (r *recorder) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fail
}

func (r *recorder) Apply(_ context.Context, o runtime.ApplyConfiguration, _ ...client.ApplyOption) error {
	if err := r.failure(); err != nil {
		return err
	}
	r.written = append(r.written, time.Since(r.begun))
	type hasObject interface{ UnstructuredContent() map[string]any }
	r.last = &v1alpha1.GatewayReplica{}
	content := o.(hasObject).UnstructuredContent()
	content["metadata"].(map[string]any)["uid"] = "made-by-the-server"
	return runtime.DefaultUnstructuredConverter.FromUnstructured(content, r.last)
}

func (r *recorder) Delete(context.Context, client.Object, ...client.DeleteOption) error {
	r.deleted = true
	return r.failure()
}

// reporting has a reporter run in a bubble, and ends it.
func reporting(t *testing.T, o ReplicaOptions, play func(*Reporter, *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, c := NewReporter(o), &recorder{begun: time.Now()}
		r.Client, r.Live, r.Gateway = c, &reader{}, newFakeGateway()
		r.Configuration = func(context.Context) *v1alpha1.ReplicaConfiguration { return nil }
		close(r.serving)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Start(ctx) }()
		synctest.Wait()
		play(r, c)
		cancel()
		synctest.Wait()
		close(r.drained)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !c.deleted {
			t.Error("the report was left behind")
		}
	})
}

func TestWhenAReplicaReports(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	type at = []time.Duration
	for name, tc := range map[string]struct {
		transitions, configurations at
		want                        at
	}{
		"at rest, every ten seconds":             {nil, nil, at{0, 10 * s, 20 * s}},
		"a transition at once":                   {at{3 * s}, nil, at{0, 3 * s, 13 * s, 23 * s}},
		"though a heartbeat was just before":     {at{10*s + 100*ms}, nil, at{0, 10 * s, 10*s + 100*ms, 20*s + 100*ms}},
		"further ones within a second make one":  {at{3 * s, 3*s + 100*ms, 3*s + 500*ms}, nil, at{0, 3 * s, 4 * s, 14 * s, 24 * s}},
		"without end, one write a second":        {at{s, s + 1, s + 2, 2*s + 500*ms, 3*s + 1}, nil, at{0, s, 2 * s, 3 * s, 4 * s, 14 * s, 24 * s}},
		"a configuration at once":                {nil, at{3 * s, 3*s + 100*ms}, at{0, 3 * s, 4 * s, 14 * s, 24 * s}},
		"a transition after a configuration too": {at{3*s + 200*ms}, at{3 * s}, at{0, 3 * s, 3*s + 200*ms, 13*s + 200*ms, 23*s + 200*ms}},
		"one write for both":                     {at{3*s + 200*ms}, at{3 * s, 3*s + 100*ms}, at{0, 3 * s, 3*s + 200*ms, 13*s + 200*ms, 23*s + 200*ms}},
	} {
		t.Run(name, func(t *testing.T) {
			reporting(t, ReplicaOptions{Name: "r"}, func(r *Reporter, c *recorder) {
				for _, one := range tc.transitions {
					time.AfterFunc(one, r.OnTransition)
				}
				for _, one := range tc.configurations {
					time.AfterFunc(one, r.OnConfigured)
				}
				time.Sleep(25 * s)
				synctest.Wait()
				if diff := cmp.Diff(tc.want, c.written); diff != "" {
					t.Errorf("written (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAReportThatFailedIsTriedAgainSoon(t *testing.T) {
	reporting(t, ReplicaOptions{Name: "r"}, func(_ *Reporter, c *recorder) {
		c.set(errors.New("the API server is gone"))
		time.Sleep(5*time.Minute + 300*time.Millisecond)
		c.set(nil)
		back := time.Since(c.begun)
		time.Sleep(2 * reportRetry)
		synctest.Wait()
		i := slices.IndexFunc(c.written, func(at time.Duration) bool { return at >= back })
		if i < 0 || c.written[i]-back > reportRetry {
			t.Errorf("after the API server's return at %s it was written at %v", back, c.written)
		}
	})
}

func TestTheReportBelongsToThePod(t *testing.T) {
	reporting(t, ReplicaOptions{Name: "r", Pod: "p", PodUID: "u"}, func(_ *Reporter, c *recorder) {
		want := []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "p", UID: "u", BlockOwnerDeletion: new(false)}}
		if diff := cmp.Diff(want, c.last.OwnerReferences); diff != "" {
			t.Errorf("owners (-want +got):\n%s", diff)
		}
	})
	reporting(t, ReplicaOptions{Name: "r"}, func(_ *Reporter, c *recorder) {
		if o := c.last.OwnerReferences; o != nil {
			t.Errorf("without a Pod its owners are %v", o)
		}
	})
}

func TestOutsideAPodAnInstanceIsNewWithEachStart(t *testing.T) {
	if a, b := NewReporter(ReplicaOptions{}), NewReporter(ReplicaOptions{}); a.instance == b.instance || a.instance == "" {
		t.Errorf("two starts have the instances %q and %q", a.instance, b.instance)
	}
}

// TestHeartbeatsOutlastExpiry keeps three constants apart that belong together.
func TestHeartbeatsOutlastExpiry(t *testing.T) {
	if fleet.Expiry <= 2*fleet.Heartbeat+reportTimeout || nameCheckFor <= fleet.Heartbeat || nameCheckFor >= fleet.Expiry {
		t.Errorf("heartbeat %s, expiry %s, name check %s", fleet.Heartbeat, fleet.Expiry, nameCheckFor)
	}
}
