package fleet

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/status"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

const policyID = "id"

func key(model string) gateway.CircuitKey {
	return gateway.CircuitKey{Policy: policyID, Origin: "https://api.example.com", Model: model}
}

func resting(model string) gateway.CircuitStatus {
	return gateway.CircuitStatus{Key: key(model), HealthScore: 100, AtRest: true}
}

// opened is a circuit that tripped so long after noon.
func opened(model string, after time.Duration) gateway.CircuitStatus {
	at := noon.Add(after)
	return gateway.CircuitStatus{
		Key: key(model), State: circuit.Open, FailureCount: 5, HealthScore: 18, Opens: 1,
		OpenedTime: at, NextProbe: at.Add(30 * time.Second),
		Last: &gateway.Transition{Circuit: key(model), From: circuit.Closed, To: circuit.Open, Reason: circuit.ConsecutiveFailures, Time: at},
	}
}

// written is a replica's object as it would be read from the API server.
func written(t *testing.T, name string, circuits ...gateway.CircuitStatus) *unstructured.Unstructured {
	t.Helper()
	r := &v1alpha1.GatewayReplica{}
	r.Name, r.Status.Instance, r.Status.Version = name, "instance-of-"+name, "v1"
	Describe(gateway.Trouble{Circuits: circuits, Total: 10}, &r.Status)
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: fields}
}

func report(t *testing.T, name string, circuits ...gateway.CircuitStatus) *Report {
	t.Helper()
	r, err := Read(written(t, name, circuits...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ownOf(circuits ...gateway.CircuitStatus) status.PolicyObservation {
	return status.ObserveLocal(fixed(circuits)).ObservePolicy(policyID)
}

// fixed is a gateway that is always the same.
type fixed []gateway.CircuitStatus

func (f fixed) ObservePolicy(string) []gateway.CircuitStatus { return f }
func (fixed) ObserveRoute(string, string) (gateway.RouteStatus, bool) {
	return gateway.RouteStatus{}, false
}
func (fixed) Restless() []string { return nil }
func (fixed) CircuitsOff() bool  { return false }

func TestACircuitIsAsOnTheReplicaThatHasItWorst(t *testing.T) {
	halfOpen := opened("m", time.Second)
	halfOpen.State, halfOpen.HealthScore, halfOpen.NextProbe = circuit.HalfOpen, 50, time.Time{}
	ill := resting("m")
	ill.AtRest, ill.FailureCount, ill.HealthScore, ill.Queued = false, 3, 70, 2
	longer := opened("m", 10*time.Second)
	for name, tc := range map[string]struct {
		own       gateway.CircuitStatus
		others    []gateway.CircuitStatus
		want      gateway.CircuitStatus
		queued    int
		open      int
		notClosed int
	}{
		"all at rest":                   {resting("m"), nil, resting("m"), 0, 0, 0},
		"open here":                     {opened("m", 0), []gateway.CircuitStatus{ill}, opened("m", 0), 2, 1, 1},
		"open there":                    {ill, []gateway.CircuitStatus{opened("m", 0)}, opened("m", 0), 2, 1, 1},
		"open beats half-open":          {halfOpen, []gateway.CircuitStatus{opened("m", 0), ill}, opened("m", 0), 2, 1, 2},
		"half-open beats ill":           {ill, []gateway.CircuitStatus{halfOpen, ill}, halfOpen, 4, 0, 1},
		"of the open, the longest open": {opened("m", 0), []gateway.CircuitStatus{longer, opened("m", 0)}, longer, 0, 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var others []*Report
			for i, c := range tc.others {
				others = append(others, report(t, fmt.Sprint("r", i), c))
			}
			got := Merge(ownOf(tc.own), policyID, others)
			c := got.Circuits[0]
			if c.State != tc.want.State || c.FailureCount != tc.want.FailureCount || c.HealthScore != tc.want.HealthScore ||
				!c.OpenedTime.Equal(tc.want.OpenedTime) || !c.NextProbe.Equal(tc.want.NextProbe) || c.AtRest != tc.want.AtRest {
				t.Errorf("merged to %+v, want it like %+v", c, tc.want)
			}
			if c.Queued != tc.queued || got.Open != tc.open || got.NotClosed[c.Key] != tc.notClosed || got.Replicas != 1+len(others) {
				t.Errorf("%d queued, open on %d, not closed on %d of %d; want %d, %d, %d of %d",
					c.Queued, got.Open, got.NotClosed[c.Key], got.Replicas, tc.queued, tc.open, tc.notClosed, 1+len(others))
			}
		})
	}
}

// TestAFleetOfOneIsAsBefore: with nobody else, nothing is different from what the
// gateway itself observes.
func TestAFleetOfOneIsAsBefore(t *testing.T) {
	own := ownOf(opened("a", 0), resting("b"))
	if diff := cmp.Diff(own, Merge(own, policyID, nil)); diff != "" {
		t.Errorf("merged with nobody (-own +merged):\n%s", diff)
	}
}

func TestOpeningsAddUpOverReplicasAndRest(t *testing.T) {
	first := report(t, "r", opened("m", 0))
	second, err := Read(written(t, "r"), first) // the circuit has come to rest
	if err != nil {
		t.Fatal(err)
	}
	own := ownOf(opened("m", 0))
	if got := Merge(own, policyID, []*Report{second}).Opens; got != 2 {
		t.Errorf("%d openings, want 2: one here and one there", got)
	}
	again := written(t, "r")
	if err := unstructured.SetNestedField(again.Object, "another", "status", "instance"); err != nil {
		t.Fatal(err)
	}
	third, err := Read(again, second)
	if err != nil {
		t.Fatal(err)
	}
	if got := Merge(own, policyID, []*Report{third}).Opens; got != 1 {
		t.Errorf("%d openings, want 1: the other process is new", got)
	}
}

// randomFleet is a process's own circuits and others' reports.
func randomFleet(t *testing.T, rnd *rand.Rand) (status.PolicyObservation, []*Report) {
	models := []string{"a", "b", "c", "d"}
	random := func(model string) gateway.CircuitStatus {
		c := gateway.CircuitStatus{
			Key: key(model), State: circuit.State(rnd.IntN(3)),
			FailureCount: rnd.IntN(3), HealthScore: 10 * rnd.IntN(11), Queued: rnd.IntN(3), BackoffLevel: rnd.IntN(2), Opens: uint64(rnd.IntN(3)),
			AtRest: false,
		}
		at := noon.Add(time.Duration(rnd.IntN(4)) * time.Second)
		if c.State != circuit.Closed {
			c.OpenedTime, c.NextProbe = at, at.Add(time.Duration(rnd.IntN(3))*time.Second)
		}
		if rnd.IntN(2) == 0 {
			c.Last = &gateway.Transition{
				Circuit: key(model), From: circuit.State(rnd.IntN(3)), To: c.State, Time: at,
				Reason: []circuit.Reason{circuit.ConsecutiveFailures, circuit.WasRestored, "FromTheFuture"}[rnd.IntN(3)],
			}
		}
		if c.State == circuit.Closed && rnd.IntN(2) == 0 {
			c.AtRest = true
		}
		return c
	}
	var own []gateway.CircuitStatus
	for _, m := range models {
		own = append(own, random(m))
	}
	var others []*Report
	for i := range rnd.IntN(5) {
		var circuits []gateway.CircuitStatus
		for _, m := range append(models, "unknown here") {
			if rnd.IntN(2) == 0 {
				circuits = append(circuits, random(m))
			}
		}
		others = append(others, report(t, fmt.Sprint("r", i), circuits...))
	}
	return ownOf(own...), others
}

func TestMergingRandomReports(t *testing.T) {
	const seed = 5
	rnd := rand.New(rand.NewPCG(seed, seed))
	for i := range 500 {
		own, others := randomFleet(t, rnd)
		got := Merge(own, policyID, others)
		shuffled := append([]*Report(nil), others...)
		rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(got, Merge(own, policyID, shuffled)); diff != "" {
			t.Fatalf("round %d: the order of the reports matters:\n%s", i, diff)
		}
		with := Merge(own, policyID, append(others, report(t, "idle")))
		with.Replicas--
		if diff := cmp.Diff(got, with); diff != "" {
			t.Fatalf("round %d: an idle replica changes something:\n%s", i, diff)
		}
		for j, c := range got.Circuits {
			worst, queued, notClosed := own.Circuits[j].State, settled(own.Circuits[j]).Queued, own.NotClosed[c.Key]
			for _, r := range others {
				there := r.circuits[policyID][c.Key.String()]
				worst, queued = max(worst, there.State), queued+there.Queued
				if there.State != circuit.Closed {
					notClosed++
				}
			}
			if c.State != worst || c.Queued != queued || got.NotClosed[c.Key] != notClosed || c.Key != own.Circuits[j].Key {
				t.Fatalf("round %d: %+v, want %s, %d queued, not closed on %d", i, c, worst, queued, notClosed)
			}
		}
	}
}

func TestNewsIsWhatChangesTheWorstState(t *testing.T) {
	const closed, half, open = circuit.Closed, circuit.HalfOpen, circuit.Open
	for name, tc := range map[string]struct {
		from, to, elsewhere circuit.State
		reason              circuit.Reason
		want                bool
	}{
		"the first to open":           {closed, open, closed, circuit.ConsecutiveFailures, true},
		"the second to open":          {closed, open, open, circuit.ConsecutiveFailures, false},
		"opens while another probes":  {closed, open, half, circuit.ConsecutiveFailures, true},
		"probes while another's open": {open, half, open, circuit.ResetTimeoutElapsed, false},
		"the last to probe":           {open, half, half, circuit.ResetTimeoutElapsed, true},
		"closes while another probes": {half, closed, half, circuit.ProbesSucceeded, false},
		"the last to close":           {half, closed, closed, circuit.ProbesSucceeded, true},
		"a restart":                   {closed, open, closed, circuit.WasRestored, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IsNews(gateway.Transition{From: tc.from, To: tc.to, Reason: tc.reason}, tc.elsewhere); got != tc.want {
				t.Errorf("news: %v, want %v", got, tc.want)
			}
		})
	}
}
