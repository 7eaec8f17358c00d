package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// joinFleet starts another replica beside one that leads, and waits until that
// counts it.
func joinFleet(t *testing.T, leader *operator, w *wire) *operator {
	t.Helper()
	op := startReplica(t, leader.Client, leader.namespace, fmt.Sprint("replica-", replicas.Add(1)), w)
	op.waitReplica(t, op.name, "its serving", func(*v1alpha1.GatewayReplica) bool { return true })
	return op
}

// waitSummary waits until a policy's status counts these replicas.
func (op *operator) waitSummary(t *testing.T, name, want string) *v1alpha1.CircuitPolicy {
	t.Helper()
	var p *v1alpha1.CircuitPolicy
	waitFor(t, "the replicas "+want, func() error {
		if p = op.policy(t, name); p.Status.Replicas == nil || p.Status.Replicas.Summary != want {
			return fmt.Errorf("they are %+v", p.Status.Replicas)
		}
		return nil
	})
	return p
}

func TestStatusIsThatOfTheFleet(t *testing.T) {
	leader := startOperator(t)
	p := leader.settledPolicy(t, "openai")
	other := joinFleet(t, leader, &wire{})
	other.gateway.set(string(p.UID), resting(string(p.UID)))
	leader.waitSummary(t, "openai", "0/2")

	other.open(p, "5 consecutive failures: 5 × HTTP 503")
	s := leader.waitSummary(t, "openai", "1/2").Status
	if s.State != v1alpha1.CircuitOpen || s.FailureCount != 5 || s.HealthScore != 18 || s.OpenCount != 1 || s.OpenedTime == nil || s.NextProbeTime == nil ||
		s.Circuits[0].OpenReplicas != 1 || !strings.Contains(s.LastTransition.Message, "5 × HTTP 503") {
		t.Errorf("with the circuit open elsewhere, status is %+v", s)
	}
	leader.open(p, "5 consecutive failures: 5 × timeout")
	if s := leader.waitSummary(t, "openai", "2/2").Status; s.OpenCount != 2 || s.Circuits[0].OpenReplicas != 2 {
		t.Errorf("open on both, status is %+v", s)
	}
	leader.closed(p)
	if s := leader.waitSummary(t, "openai", "1/2").Status; s.State != v1alpha1.CircuitOpen {
		t.Errorf("closed here and open there, the state is %s", s.State)
	}
	other.closed(p)
	if s := leader.waitState(t, "openai", v1alpha1.CircuitClosed).Status; s.Replicas.Summary != "0/2" || s.OpenCount != 2 || s.HealthScore != 100 {
		t.Errorf("closed on both, status is %+v", s)
	}
	// Open, elsewhere first, and closed, elsewhere last: the rest was no news.
	waitFor(t, "two events", func() error {
		var got []string
		for _, e := range leader.events(t, "openai") {
			got = append(got, e.Reason+": "+e.Note)
		}
		if len(got) != 2 || !strings.Contains(strings.Join(got, "\n"), "5 × HTTP 503") {
			return fmt.Errorf("there are %q", got)
		}
		return nil
	})
	if all := other.writes.all(); len(all) != 0 {
		t.Errorf("one that does not lead has written %v", all)
	}
	other.stop()
	leader.waitSummary(t, "openai", "0/1")
}

// TestWhatBecomesNewsWhenAReplicaLeaves: the leader's circuit closes while
// another's is open still, and that one is not waited for.
func TestWhatBecomesNewsWhenAReplicaLeaves(t *testing.T) {
	leader := startOperator(t)
	p := leader.settledPolicy(t, "openai")
	other := joinFleet(t, leader, &wire{})
	leader.waitSummary(t, "openai", "0/2")
	leader.open(p, "5 consecutive failures")
	other.open(p, "5 consecutive failures")
	leader.waitSummary(t, "openai", "2/2")
	leader.closed(p)
	leader.waitSummary(t, "openai", "1/2")
	closed := func() error {
		for _, e := range leader.events(t, "openai") {
			if e.Reason == eventCircuitClosed {
				return nil
			}
		}
		return fmt.Errorf("no event tells of the closing")
	}
	if closed() == nil {
		t.Error("the closing was told while the circuit was open elsewhere")
	}
	other.stop()
	leader.waitState(t, "openai", v1alpha1.CircuitClosed)
	waitFor(t, "the event", closed)
}

func TestARouteGoesWhereNoReplicaIsOpen(t *testing.T) {
	leader := startOperator(t)
	p := leader.settledPolicy(t, "openai")
	route := newRoute("chat", "gpt-4o")
	leader.create(t, route)
	leader.gateway.setRoute("chat", gateway.RouteStatus{ActiveBackend: "one", Backends: []gateway.BackendStatus{
		{Name: "one", Circuit: resting("").Key.String(), State: circuit.Closed, HealthScore: 100, AtRest: true},
	}})
	other := joinFleet(t, leader, &wire{})
	other.gateway.set(string(p.UID), resting(string(p.UID)))
	other.open(p, "5 consecutive failures")
	leader.waitState(t, "openai", v1alpha1.CircuitOpen)
	leader.enqueueRoute(t, "chat")
	waitFor(t, "the route to say so", func() error {
		if s := leader.route(t, "chat").Status; len(s.Backends) != 1 || s.Backends[0].State != v1alpha1.CircuitOpen || s.ActiveBackend != "" {
			return fmt.Errorf("status is %+v", s)
		}
		return nil
	})
}

// enqueueRoute has a route looked at: the fake gateway's routes use no circuit
// that the relay would know of.
func (op *operator) enqueueRoute(t *testing.T, name string) {
	t.Helper()
	op.relay.Enqueue(nil, keys(op.namespace, name))
}

func TestProgrammedCountsReplicas(t *testing.T) {
	leader := startOperator(t)
	p := leader.settledPolicy(t, "openai")
	w := &wire{}
	other := joinFleet(t, leader, w)
	leader.waitSummary(t, "openai", "0/2")

	w.cut() // what happens now, the other does not see
	if err := leader.Patch(t.Context(), p, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"failureThreshold":7}}`))); err != nil {
		t.Fatal(err)
	}
	want := "This generation is live on 1 of 2 replicas, and not yet on " + other.name + "."
	waitFor(t, "Programmed to count", func() error {
		s := leader.policy(t, "openai").Status
		if err := condition(s.Conditions, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonNotProgrammed, 2); err != nil {
			return err
		}
		for _, c := range s.Conditions {
			if c.Type == v1alpha1.ConditionProgrammed && c.Message != want {
				return fmt.Errorf("it says %q, want %q", c.Message, want)
			}
		}
		return condition(s.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotProgrammed, 2)
	})
	w.mend()
	programmed := func() error {
		return condition(leader.policy(t, "openai").Status.Conditions, v1alpha1.ConditionProgrammed, metav1.ConditionTrue, v1alpha1.ReasonProgrammed, 2)
	}
	waitFor(t, "Programmed to be True", programmed)

	third := joinFleet(t, leader, &wire{})
	leader.waitSummary(t, "openai", "0/3")
	if err := programmed(); err != nil {
		t.Errorf("a replica that came later took it back: %v", err)
	}
	third.stop()
	leader.waitSummary(t, "openai", "0/2")
}

func TestAReportThatCannotBeUsedIsLeftOut(t *testing.T) {
	leader := startOperator(t)
	p := leader.settledPolicy(t, "openai")
	other := joinFleet(t, leader, &wire{})
	leader.waitSummary(t, "openai", "0/2")
	one := v1alpha1.ReplicaCircuit{Policy: string(p.UID), Name: resting("").Key.String(), State: v1alpha1.CircuitOpen}
	forged := &v1alpha1.GatewayReplica{
		ObjectMeta: metav1.ObjectMeta{Name: "forged"},
		Status:     v1alpha1.GatewayReplicaStatus{Instance: "none", Circuits: []v1alpha1.ReplicaCircuit{one, one}},
	}
	leader.create(t, forged)
	other.gateway.set(string(p.UID), resting(string(p.UID)))
	other.open(p, "5 consecutive failures")
	leader.waitSummary(t, "openai", "1/2")
	waitFor(t, "the metric", func() error {
		if n := leader.fleet.census(); n.Ignored != 1 || n.Serving != 1 {
			return fmt.Errorf("%+v", n)
		}
		return nil
	})
}

func TestTheNextLeaderTakesOverTheWholeTruth(t *testing.T) {
	leader := startOperator(t)
	p := leader.settledPolicy(t, "openai")
	second, third := joinFleet(t, leader, &wire{}), joinFleet(t, leader, &wire{})
	for _, op := range []*operator{second, third} {
		op.gateway.set(string(p.UID), resting(string(p.UID)))
	}
	third.open(p, "5 consecutive failures")
	leader.waitSummary(t, "openai", "1/3")
	told := len(leader.events(t, "openai"))

	start := time.Now()
	go leader.stop() // it drains while another leads
	s := second.waitSummary(t, "openai", "1/2").Status
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("status was the other's after %s", took)
	}
	if s.State != v1alpha1.CircuitOpen || s.OpenCount != 1 {
		t.Errorf("the new leader wrote %+v", s)
	}
	third.closed(p)
	second.waitSummary(t, "openai", "0/2")
	waitFor(t, "the next event", func() error {
		if n := len(second.events(t, "openai")); n != told+1 {
			return fmt.Errorf("%d events, of which %d are old", n, told)
		}
		return nil
	})
}
