package e2e

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/testenv"
)

// twice is a spec by which a circuit opens at the second failure, stays open, and
// has the other replicas warned.
const twice = `failureThreshold: 2, resetTimeout: 1h, resetBackoff: {max: 1h}, sharing: Fleet`

// TestThreeReplicasBehaveAsOne: status is the fleet's, and a trip on one saves
// the others a failure, without one call being refused where all is well.
func TestThreeReplicasBehaveAsOne(t *testing.T) {
	f := startReplicas(t, 3)
	first := newPlace(t, f.leader())
	second, third := first.by(f.followers()[0]), first.by(f.followers()[1])
	sim := providersim.Start(t, providersim.Options{Name: "only"})
	first.apply(policy("default", twice), route("chat", "gpt-4o", backend("only", sim))+"  retry: {maxAttempts: 1}\n")
	first.waitReady("policy/default", "route/chat")
	first.waitReplicas("default", "0/3")
	for _, op := range f.ops {
		first.eventually("kubectl shows "+op.Pod, func() error {
			return equal(getReplicas(t)[op.Pod]["READY"], "True")
		})
	}

	sim.SetFault(providersim.Fault{Status: 503})
	tripped := time.Now()
	second.wantAnswers(second.asks(2, "gpt-4o"), "503 only")
	if took := first.waitReplicas("default", "1/3"); took > time.Second {
		t.Errorf("the trip elsewhere showed after %s (%s after the first failure), want at most 1s", took, time.Since(tripped))
	}
	if s := first.policy("default").Status; s.State != v1alpha1.CircuitOpen || s.LastTransition.Reason != "ConsecutiveFailures" {
		t.Errorf("status is %+v", s)
	}
	first.event("default", "CircuitOpened")
	for _, p := range []*place{first, third} {
		p.eventually(p.op.Pod+" is warned", func() error {
			if !strings.Contains(p.op.log.String(), "Circuit was warned by another replica") {
				return errNotYet
			}
			return nil
		})
	}
	row := getReplicas(t)[second.op.Pod]
	if row["OPEN"] != "1" || row["CIRCUITS"] != "1" {
		t.Errorf("kubectl shows %v of the one that tripped", row)
	}

	// The first meets the same trouble: one failure is enough. The third meets
	// none: nothing is refused, and its next failure is one of two again.
	first.wantAnswers(first.asks(1, "gpt-4o"), "503 only")
	first.wantAnswers(first.asks(1, "gpt-4o"), "503 circuit_open")
	first.waitReplicas("default", "2/3")
	sim.Heal()
	third.wantAnswers(third.asks(3, "gpt-4o"), "200 only")
	sim.SetFault(providersim.Fault{Status: 503})
	third.wantAnswers(third.asks(1, "gpt-4o"), "503 only")
	sim.Heal()
	third.wantAnswers(third.asks(3, "gpt-4o"), "200 only")
	if s := first.policy("default").Status.Replicas.Summary; s != "2/3" {
		t.Errorf("open on %s, want 2/3", s)
	}
}

// TestLeaderIsKilled: another goes on, and the dead one counts no more.
func TestLeaderIsKilled(t *testing.T) {
	f := startReplicas(t, 3)
	p := newPlace(t, f.leader())
	sim := providersim.Start(t, providersim.Options{Name: "only"})
	p.apply(policy("default", stuck), route("chat", "gpt-4o", backend("only", sim)))
	p.waitReady("policy/default", "route/chat")
	p.waitReplicas("default", "0/3")

	dead := f.leader()
	f.kill(dead)
	killed := time.Now()
	survivor := p.by(f.ops[0])
	sim.SetFault(providersim.Fault{Status: 500})
	survivor.wantAnswers(survivor.asks(1, "gpt-4o"), "500 only")
	survivor.waitState("default", v1alpha1.CircuitOpen)
	took := time.Since(killed)
	t.Logf("status moved %s after the leader was killed", took.Round(time.Millisecond))
	if took > 20*time.Second {
		t.Errorf("status moved %s after the leader was killed, want within 20s", took)
	}
	survivor.waitReplicas("default", "1/2")

	// Its container starts again in the same Pod, under the same name.
	again := f.start(testenv.OperatorOptions{Pod: dead.Pod})
	p.by(again).waitReplicas("default", "2/3") // as more than half had it, it starts open
	calls := sim.Count()
	p.by(again).wantAnswers(p.by(again).asks(1, "gpt-4o"), "503 circuit_open")
	if n := sim.Count() - calls; n != 0 {
		t.Errorf("the new process called the provider that is down %d times", n)
	}
}

// waitLeads waits until the place's operator leads.
func (p *place) waitLeads() {
	p.t.Helper()
	p.eventually("the other leads", func() error {
		if !p.op.log.Leads() {
			return errNotYet
		}
		return nil
	})
}

// TestLeaderIsStoppedForAWhile: SIGSTOP, as a node that stalls. When it wakes, it
// writes nothing over what the next one has written.
func TestLeaderIsStoppedForAWhile(t *testing.T) {
	f := startReplicas(t, 2)
	p := newPlace(t, f.leader())
	sim := providersim.Start(t, providersim.Options{Name: "only"})
	p.apply(policy("default", stuck), route("chat", "gpt-4o", backend("only", sim)))
	p.waitReady("policy/default", "route/chat")
	p.waitReplicas("default", "0/2")
	stalled, other := f.leader(), p.by(f.followers()[0])
	if err := stalled.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	other.waitLeads()
	sim.SetFault(providersim.Fault{Status: 500})
	other.wantAnswers(other.asks(1, "gpt-4o"), "500 only")
	other.waitState("default", v1alpha1.CircuitOpen)
	if err := stalled.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.eventually("the one that slept knows", func() error {
		if stalled.log.Leads() {
			return errNotYet
		}
		return nil
	})
	if s := p.stateOf("default"); s != v1alpha1.CircuitOpen || !other.op.log.Leads() {
		t.Errorf("the state is %s, the other leads: %v", s, other.op.log.Leads())
	}
	sim.Heal()
	stalledPlace := p.by(stalled)
	stalledPlace.wantAnswers(stalledPlace.asks(1, "gpt-4o"), "200 only")
}

// TestLeaderHandsOverBeforeItDrains: a stream that runs on does not keep the
// lease.
func TestLeaderHandsOverBeforeItDrains(t *testing.T) {
	f := startReplicas(t, 2)
	leader := f.leader()
	p := newPlace(t, leader)
	other := p.by(f.followers()[0])
	sim := providersim.Start(t, providersim.Options{Name: "slow"})
	p.apply(policy("default", stuck), route("chat", "gpt-4o", backend("slow", sim)))
	p.waitReady("policy/default", "route/chat")
	p.waitReplicas("default", "0/2")
	sim.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 2})
	resp, err := httpClient.Do(p.request("gpt-4o", true))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if first, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || !strings.HasPrefix(first, "data: ") {
		t.Fatalf("the stream begins with %q (%v)", first, err)
	}
	told := time.Now()
	if err := leader.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	other.waitLeads()
	if took := time.Since(told); took > 5*time.Second {
		t.Errorf("the lease was handed over after %s", took)
	}
	other.waitReplicas("default", "0/1") // one that drains counts no more
	p.eventually("kubectl shows the draining", func() error {
		return equal(getReplicas(t)[leader.Pod]["READY"], "False")
	})
	select {
	case <-leader.Done():
		t.Fatalf("the process has ended with a stream running:\n%s", leader.log.Tail())
	default:
	}
	sim.Heal()
	<-leader.Done()
	if row, found := getReplicas(t)[leader.Pod]; found {
		t.Errorf("the report outlives its replica: %v", row)
	}
}

// TestRolloutDuringAnOutage: the provider hears nothing of it.
func TestRolloutDuringAnOutage(t *testing.T) {
	f := startReplicas(t, 2)
	p := newPlace(t, f.leader())
	sim := providersim.Start(t, providersim.Options{Name: "down"})
	p.apply(policy("default", twice), route("chat", "gpt-4o", backend("down", sim)))
	p.waitReady("policy/default", "route/chat")
	p.waitReplicas("default", "0/2")
	sim.SetFault(providersim.Fault{Status: 503})
	for _, op := range f.ops {
		for a := ""; a != "503 circuit_open"; a = p.by(op).ask("gpt-4o").String() {
			if a != "" && a != "503 down" {
				t.Fatalf("an answer %q", a)
			}
		}
	}
	p.waitReplicas("default", "2/2")
	opened, calls := p.policy("default").Status, sim.Count()
	for _, old := range append([]*operator(nil), f.ops...) {
		fresh := p.by(f.replace(old))
		fresh.wantAnswers(fresh.asks(3, "gpt-4o"), "503 circuit_open")
		fresh.waitReplicas("default", "2/2")
	}
	if n := sim.Count() - calls; n != 0 {
		t.Errorf("a rollout of both replicas cost the provider %d calls, want none: no probe was due", n)
	}
	s := p.policy("default").Status
	if !s.OpenedTime.Equal(opened.OpenedTime) || s.OpenCount != opened.OpenCount || s.LastTransition.Reason != opened.LastTransition.Reason {
		t.Errorf("status became %+v, it was %+v", s, opened)
	}
}

// TestTwoProcessesOfOneName: the second says so and ends.
func TestTwoProcessesOfOneName(t *testing.T) {
	f := startReplicas(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	op, err := launch(ctx, testenv.OperatorOptions{Args: []string{"--replica-name", f.ops[0].Pod}})
	if err == nil {
		_ = op.stop() // it should not have come so far
		t.Fatal("the second process serves")
	}
	want := fmt.Sprintf("reports as replica %q: give each replica a name of its own with --replica-name", f.ops[0].Pod)
	if !strings.Contains(err.Error(), "exit status 1") || !strings.Contains(err.Error(), want) {
		t.Errorf("it ended with %v, want exit code 1 and %q", err, want)
	}
}
