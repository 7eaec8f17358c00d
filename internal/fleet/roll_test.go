package fleet

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// names are whose reports count at a moment.
func (r *Roll) names(now time.Time) []string {
	var out []string
	for _, one := range r.Live(now) {
		out = append(out, one.Replica)
	}
	return out
}

func TestAReportCountsUntilItHasNotChangedForHalfAMinute(t *testing.T) {
	r := NewRoll()
	r.Take("b", "1", report(t, "b"), nil, noon)
	r.Take("a", "2", report(t, "a"), nil, noon.Add(10*time.Second))
	for _, step := range []struct {
		after    time.Duration
		live     []string
		complete bool
	}{
		{10 * time.Second, []string{"a", "b"}, true},
		{Expiry - 1, []string{"a", "b"}, true},
		{Expiry, []string{"a"}, false},
		{10*time.Second + Expiry, nil, false},
	} {
		now := noon.Add(step.after)
		if diff := cmp.Diff(step.live, r.names(now)); diff != "" || r.Complete(now) != step.complete {
			t.Errorf("after %s, complete %v, live (-want +got):\n%s", step.after, r.Complete(now), diff)
		}
	}
	if !r.Known("a", "2") || r.Known("a", "3") || r.Known("c", "1") {
		t.Error("what is known is not what was taken")
	}
	r.Forget("b")
	r.Take("a", "3", report(t, "a"), nil, noon.Add(time.Hour))
	if now := noon.Add(time.Hour); !slices.Equal(r.names(now), []string{"a"}) || !r.Complete(now) {
		t.Errorf("after the return of a: %v", r.names(now))
	}
}

func TestWhatCannotBeReadCountsNotButIsRemembered(t *testing.T) {
	r := NewRoll()
	r.Take("a", "1", report(t, "a", opened("m", 0)), nil, noon)
	r.Take("a", "2", nil, errors.New("forged"), noon)
	if got := r.names(noon); got != nil {
		t.Errorf("%v count", got)
	}
	if got := (Census{Ignored: 1}); r.Census(noon) != got {
		t.Errorf("census %+v, want %+v", r.Census(noon), got)
	}
	if trips := report(t, "a", opened("m", 0)).Trips(r.Last("a")); len(trips) != 0 {
		t.Errorf("the trip was forgotten: %v", trips)
	}
}

func TestWhoDrainsCountsNot(t *testing.T) {
	o := written(t, "a", opened("m", 0))
	o.Object["status"].(map[string]any)["conditions"] = []any{map[string]any{
		"type": "Ready", "status": "False", "reason": "Draining", "message": "", "lastTransitionTime": "2026-05-04T12:00:00Z",
	}}
	leaving, err := Read(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := NewRoll()
	r.Take("a", "1", leaving, nil, noon)
	r.Take("b", "1", report(t, "b"), nil, noon)
	r.Take("c", "1", report(t, "c"), nil, noon.Add(-time.Hour))
	if got := r.names(noon); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%v count, want b alone", got)
	}
	if got, want := r.Census(noon), (Census{Serving: 1, Draining: 1, Expired: 1}); got != want {
		t.Errorf("census %+v, want %+v", got, want)
	}
}

func TestBehind(t *testing.T) {
	at := func(name, version string) *Report {
		r := report(t, name)
		r.Configuration.CircuitPolicies = version
		return r
	}
	others := []*Report{at("a", "99"), at("b", "100"), at("c", "1000"), at("d", ""), at("e", "none")}
	got := Behind(others, "100", func(r *Report) string { return r.Configuration.CircuitPolicies })
	if diff := cmp.Diff([]string{"a", "d", "e"}, got); diff != "" {
		t.Errorf("behind (-want +got):\n%s", diff)
	}
}

func TestTransitionsAreNewOnes(t *testing.T) {
	first := report(t, "a", opened("m", 0))
	later := opened("m", 0)
	later.Last.From, later.Last.To, later.Last.Time = circuit.Open, circuit.HalfOpen, noon.Add(30*time.Second)
	second := report(t, "a", later, opened("n", time.Second))
	if got := first.Transitions(first); len(got) != 0 {
		t.Errorf("told twice: %v", got)
	}
	var got []string
	for _, tr := range second.Transitions(first) {
		got = append(got, tr.Circuit+" "+tr.To.String())
	}
	if diff := cmp.Diff([]string{"api.example.com/n Open", "api.example.com/m HalfOpen"}, got); diff != "" {
		t.Errorf("transitions (-want +got):\n%s", diff)
	}
	if got := Elsewhere(policyID, "api.example.com/m", []*Report{first, report(t, "b")}, "b"); got != circuit.Open {
		t.Errorf("elsewhere it is %s", got)
	}
	if got := Elsewhere(policyID, "api.example.com/m", []*Report{first, report(t, "b")}, "a"); got != circuit.Closed {
		t.Errorf("elsewhere than on a it is %s", got)
	}
}
