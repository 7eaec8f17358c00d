package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/testenv"
)

const (
	// crowdReplicas report beside one real operator.
	crowdReplicas = 50
	// crowdCircuits are those of each that flap.
	crowdCircuits = 20
	crowdFor      = 30 * time.Second
	crowdTrips    = 60
	heartbeat     = 10 * time.Second
)

// member is a replica that only reports.
type member struct {
	name     string
	client   client.Client
	leader   string            // whose configuration it says to have
	circuits map[string]string // names by policies' UIDs
}

// crowd measures the leader of a fleet of which all but itself are simulated: they
// report as replicas do, and serve nobody.
func (s *stage) crowd(ctx context.Context) error {
	if err := s.startOperators(ctx, 1); err != nil {
		return err
	}
	members, err := s.members(ctx, s.operators[0].Pod)
	if err != nil {
		return err
	}
	v, err := s.newView(ctx)
	if err != nil {
		return err
	}
	defer v.stop()
	t := newTable(fmt.Sprintf("The leader of %d replicas, %d policies and routes", 1+crowdReplicas, fleetObjects),
		"while the others", "its CPU", "resident memory", "garbage a second", "collections a second", "a trip on it until a watch shows it: p50", "p99")
	// They go on with their heartbeats meanwhile.
	err = s.reporting(ctx, members, heartbeat, func(ctx context.Context) error {
		_, err := s.until(ctx, "every status to count all replicas", func() (bool, error) { return v.all(onReplicas(1 + crowdReplicas)), nil })
		if err != nil {
			return err
		}
		if err := s.rest(ctx); err != nil {
			return err
		}
		if err := s.costs(ctx, t, "are at rest", func(ctx context.Context) ([]time.Duration, error) { return nil, pause(ctx, crowdFor) }); err != nil {
			return err
		}
		return s.costs(ctx, t, "are at rest, and 8 circuits change a second", func(ctx context.Context) ([]time.Duration, error) {
			return s.trip(ctx, v, s.operators[0], 0, crowdTrips)
		})
	})
	if err != nil {
		return err
	}
	err = s.reporting(ctx, members, time.Second, func(ctx context.Context) error {
		what := fmt.Sprintf("have %d circuits each that change every second", crowdCircuits)
		return s.costs(ctx, t, what, func(ctx context.Context) ([]time.Duration, error) { return nil, pause(ctx, crowdFor) })
	})
	if err != nil {
		return err
	}
	return s.stopOperators(ctx)
}

// costs tells what something costs the one operator.
func (s *stage) costs(ctx context.Context, t *table, while string, do func(context.Context) ([]time.Duration, error)) error {
	op := s.operators[0]
	before, err := operatorMetrics(ctx, op)
	if err != nil {
		return err
	}
	begun := time.Now()
	trips, err := do(ctx)
	if err != nil {
		return err
	}
	after, err := operatorMetrics(ctx, op)
	if err != nil {
		return err
	}
	resident, _, err := memoryOf(op.PID)
	if err != nil {
		return err
	}
	each := func(name string) float64 { return (after[name] - before[name]) / time.Since(begun).Seconds() }
	cells := []string{while, fmt.Sprintf("%.3f cores", each("process_cpu_seconds_total")), mebibytes(resident),
		mebibytes(each("go_memstats_alloc_bytes_total")), fmt.Sprintf("%.2f", each("go_gc_duration_seconds_count"))}
	if trips != nil {
		p99 := percentile(trips, 99)
		cells = append(cells, percentile(trips, 50).Round(time.Millisecond).String(), p99.Round(time.Millisecond).String())
		target(fmt.Sprintf("trip → visible, %d replicas, p99", 1+crowdReplicas), float64(p99)/1e6, 1000, "ms")
	}
	t.row(cells...)
	return nil
}

// members are made as the operator's own ServiceAccount, each in the Pod of its
// name: nobody else may write a report.
func (s *stage) members(ctx context.Context, leader string) ([]*member, error) {
	var policies v1alpha1.CircuitPolicyList
	if err := s.client.List(ctx, &policies, client.InNamespace(stageNamespace)); err != nil {
		return nil, err
	}
	var out []*member
	for i := range crowdReplicas {
		m := &member{name: "member-" + strconv.Itoa(i), leader: leader, circuits: map[string]string{}}
		for j := range crowdCircuits {
			p := &policies.Items[(i*crowdCircuits+j)%len(policies.Items)]
			if len(p.Status.Circuits) != 1 {
				return nil, fmt.Errorf("policy %s has %d circuits in its status, not 1", p.Name, len(p.Status.Circuits))
			}
			m.circuits[string(p.UID)] = p.Status.Circuits[0].Name
		}
		config := rest.CopyConfig(s.cluster.Config)
		config.QPS = -1
		config.Impersonate = rest.ImpersonationConfig{
			UserName: "system:serviceaccount:" + testenv.OperatorNamespace + ":" + testenv.OperatorServiceAccount,
			Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + testenv.OperatorNamespace, "system:authenticated"},
			Extra:    map[string][]string{"authentication.kubernetes.io/pod-name": {m.name}},
		}
		var err error
		if m.client, err = client.New(config, client.Options{Scheme: s.client.Scheme(), Mapper: s.client.RESTMapper()}); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// reporting has the members report while something is done: at every heartbeat
// that they are at rest, more often that their circuits have changed.
func (s *stage) reporting(ctx context.Context, members []*member, every time.Duration, do func(context.Context) error) error {
	group, groupCtx := errgroup.WithContext(ctx)
	reporting, stop := context.WithCancel(groupCtx)
	for i, m := range members {
		group.Go(func() error {
			// Spread over the time, as replicas are that were not started together.
			next := time.NewTimer(every * time.Duration(i) / time.Duration(len(members)))
			defer next.Stop()
			for n := 0; ; n++ {
				select {
				case <-reporting.Done():
					return groupCtx.Err()
				case <-next.C:
				}
				next.Reset(every)
				state := v1alpha1.CircuitClosed
				if every < heartbeat {
					state = []v1alpha1.CircuitState{v1alpha1.CircuitOpen, v1alpha1.CircuitHalfOpen}[n%2]
				}
				if err := m.report(groupCtx, state); err != nil {
					return err
				}
			}
		})
	}
	group.Go(func() error {
		defer stop()
		return do(groupCtx)
	})
	return group.Wait()
}

// report writes a report as a replica does, with its circuits in a state.
func (m *member) report(ctx context.Context, state v1alpha1.CircuitState) error {
	lead := &v1alpha1.GatewayReplica{}
	if err := m.client.Get(ctx, client.ObjectKey{Namespace: testenv.OperatorNamespace, Name: m.leader}, lead); err != nil {
		return err
	}
	now := metav1.Now()
	status := &v1alpha1.GatewayReplicaStatus{
		Instance: m.name, Version: lead.Status.Version, HeartbeatTime: &now, Configuration: lead.Status.Configuration,
		CircuitCount: fleetObjects,
		Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonServing, LastTransitionTime: now,
		}},
	}
	if state != v1alpha1.CircuitClosed {
		m.flap(status, state, now)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(status)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{Object: map[string]any{"status": fields}}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("GatewayReplica"))
	u.SetNamespace(testenv.OperatorNamespace)
	u.SetName(m.name)
	return m.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("switchgear"), client.ForceOwnership)
}

func (m *member) flap(status *v1alpha1.GatewayReplicaStatus, state v1alpha1.CircuitState, now metav1.Time) {
	from, why := v1alpha1.CircuitOpen, "ResetTimeout"
	if state == v1alpha1.CircuitOpen {
		from, why = v1alpha1.CircuitHalfOpen, "ProbeFailed"
	}
	for policy, name := range m.circuits {
		status.Circuits = append(status.Circuits, v1alpha1.ReplicaCircuit{
			Policy: policy, Name: name, State: state, FailureCount: 1, Opens: now.Unix(), OpenedTime: &now,
			LastTransition: &v1alpha1.Transition{From: from, To: state, Reason: why, Message: http.StatusText(http.StatusInternalServerError), Time: now},
		})
	}
}
