package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAReportIsReadAsItWasWritten(t *testing.T) {
	c := opened("m", 0)
	c.Queued, c.BackoffLevel = 3, 2
	c.Last.Message = "5 consecutive failures: 5 × HTTP 503"
	r := report(t, "r", c)
	got := r.circuits[policyID][key("m").String()]
	c.Key, c.Last.Circuit = gateway.CircuitKey{}, gateway.CircuitKey{}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("a circuit (-written +read):\n%s", diff)
	}
	if !r.Serving || r.Instance != "instance-of-r" || r.Version != "v1" {
		t.Errorf("read %+v", r)
	}
}

// TestVersionsSideBySide: one that knew less than this one, and one that knows
// more.
func TestVersionsSideBySide(t *testing.T) {
	const before = `
metadata: {name: before}
status:
  instance: a
  circuits:
  - {policy: id, name: api.example.com/m, state: Open, healthScore: 10}`
	const after = `
metadata: {name: after}
status:
  instance: b
  version: v9
  region: mars
  conditions:
  - {type: Ready, status: "True", reason: ServingInStyle, message: "", lastTransitionTime: "2026-05-04T12:00:00Z"}
  - {type: Happy, status: "False", reason: WhoKnows, message: "", lastTransitionTime: "2026-05-04T12:00:00Z"}
  configuration: {circuitPolicies: "7", moods: "8"}
  circuits:
  - policy: id
    name: api.example.com/m
    state: HalfOpen
    healthScore: 50
    temperature: 36.6
    lastTransition: {from: Open, to: HalfOpen, reason: ItFeltLikeIt, time: "2026-05-04T12:00:00Z", mood: fine}`
	var others []*Report
	for _, text := range []string{before, after} {
		r, err := Read(parse(t, text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Serving {
			t.Errorf("%s does not count", r.Replica)
		}
		others = append(others, r)
	}
	got := Merge(ownOf(resting("m")), policyID, others)
	if c := got.Circuits[0]; c.State != circuit.Open || got.NotClosed[c.Key] != 2 || got.Open != 1 || got.Replicas != 3 {
		t.Errorf("merged to %+v", got)
	}
}

func TestReportsThatCannotBeUsed(t *testing.T) {
	one := "{policy: id, name: m, state: Open, healthScore: 10}"
	of := func(circuits ...string) string {
		return "{instance: a, circuits: [" + strings.Join(circuits, ",") + "]}"
	}
	var many []string
	for i := range v1alpha1.MaxReportedCircuits + 1 {
		many = append(many, fmt.Sprintf("{policy: id, name: m%d, state: Open, healthScore: 10}", i))
	}
	for name, tc := range map[string]struct{ status, want string }{
		"nobody's":           {"{}", "status.instance is empty"},
		"of another form":    {"{instance: [1]}", "decoding it"},
		"no time":            {"{instance: a, heartbeatTime: yesterday}", "decoding it"},
		"too many":           {of(many...), "status.circuits has 501 items, want 500 at most"},
		"an unknown state":   {of("{policy: id, name: m, state: Ajar, healthScore: 10}"), `status.circuits[0]: state "Ajar" is unknown`},
		"twice the same":     {of(one, one), `status.circuits[1]: "m" of policy "id" is there twice`},
		"no name":            {of("{policy: id, state: Open, healthScore: 10}"), "policy or name is empty"},
		"too healthy":        {of("{policy: id, name: m, state: Open, healthScore: 101}"), "healthScore 101 is not between 0 and 100"},
		"less than nothing":  {of("{policy: id, name: m, state: Open, healthScore: 1, queued: -1}"), "a count is below 0"},
		"a strange movement": {of(`{policy: id, name: m, state: Open, healthScore: 1, lastTransition: {from: Ajar, to: Open, reason: R, time: "2026-05-04T12:00:00Z"}}`), `lastTransition from "Ajar" to "Open" is unknown`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read(parse(t, "{metadata: {name: r}, status: "+tc.status+"}"), nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestAReportHasTheWorstFiveHundred(t *testing.T) {
	var circuits []gateway.CircuitStatus
	for i := range 600 {
		c := opened(fmt.Sprintf("m%03d", i), 0)
		if i >= 10 {
			c.State, c.HealthScore = circuit.HalfOpen, 50
		}
		circuits = append(circuits, c)
	}
	circuits = append(circuits, resting("was-open"), resting("was-open-too"))
	var s v1alpha1.GatewayReplicaStatus
	Describe(gateway.Trouble{Circuits: circuits, Total: 900, Open: 10}, &s)
	if len(s.Circuits) != 500 || s.OmittedCircuits != 100 || s.CircuitCount != 900 || s.OpenCircuits != 10 {
		t.Errorf("%d circuits and %d omitted, of %d with %d open", len(s.Circuits), s.OmittedCircuits, s.CircuitCount, s.OpenCircuits)
	}
	for i, c := range s.Circuits {
		if want := i < 10; (c.State == v1alpha1.CircuitOpen) != want {
			t.Fatalf("circuit %d is %s", i, c.State)
		}
	}
	s = v1alpha1.GatewayReplicaStatus{}
	Describe(gateway.Trouble{Circuits: circuits[599:], Total: 900}, &s)
	if len(s.Circuits) != 3 || s.Circuits[0].AtRest || !s.Circuits[1].AtRest || s.OmittedCircuits != 0 {
		t.Errorf("what is at rest does not come last: %+v", s)
	}
}

func TestTransitionMessagesAreShort(t *testing.T) {
	c := opened("m", 0)
	c.Last.Message = strings.Repeat("é", 1000)
	r := report(t, "r", c)
	if got := r.circuits[policyID][key("m").String()].Last.Message; len(got) > maxReportedMessage || !strings.HasSuffix(got, "é…") {
		t.Errorf("the message has %d bytes: %s", len(got), got)
	}
}

func TestTripsAreToldOnceAndOnlyTheFirst(t *testing.T) {
	at := func(from circuit.State, reason circuit.Reason, after time.Duration) *Report {
		c := opened("m", after)
		c.Last.From, c.Last.Reason = from, reason
		return report(t, "r", c)
	}
	rest := report(t, "r")
	first := at(circuit.Closed, circuit.ConsecutiveFailures, 0)
	forced := opened("m", 0)
	forced.OpenedTime, forced.Last.Reason = time.Time{}, circuit.OverrideBegan
	for name, tc := range map[string]struct {
		before, now *Report
		want        int
	}{
		"at first sight":                {nil, first, 1},
		"a trip":                        {rest, first, 1},
		"told already":                  {first, first, 0},
		"another trip":                  {first, at(circuit.Closed, circuit.FailureRate, time.Minute), 1},
		"a reason of a later version":   {rest, at(circuit.Closed, "FromTheFuture", 0), 1},
		"a probe failed":                {first, at(circuit.HalfOpen, circuit.ProbeFailed, time.Minute), 0},
		"taken over by a new process":   {rest, at(circuit.Closed, circuit.WasRestored, 0), 0},
		"forced open by hand":           {rest, report(t, "r", forced), 0},
		"nothing":                       {first, rest, 0},
		"after a warning from a third":  {rest, at(circuit.Closed, circuit.WarnedByReplica, 0), 1},
		"the provider asked for a rest": {rest, at(circuit.Closed, circuit.ThrottledByProvider, 0), 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.now.Trips(tc.before)
			if len(got) != tc.want {
				t.Fatalf("trips %v, want %d", got, tc.want)
			}
			if tc.want == 1 && (got[0].Policy != policyID || got[0].Circuit != key("m").String()) {
				t.Errorf("trip %+v", got[0])
			}
		})
	}
}
