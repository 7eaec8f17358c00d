package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/switchgear/switchgear/api/v1alpha1"
	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// warnings is how often a circuit was warned.
func (g *fakeGateway) warnings(key gateway.CircuitKey) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, one := range g.warned {
		if one == key.Policy+" "+key.String() {
			n++
		}
	}
	return n
}

// sharingFleet is three replicas, and a policy that shares or does not.
func sharingFleet(t *testing.T, sharing v1alpha1.Sharing) ([]*operator, *v1alpha1.CircuitPolicy) {
	t.Helper()
	first := startOperator(t)
	p := newPolicy("openai")
	p.Spec.Sharing = sharing
	first.create(t, p)
	fleet := []*operator{first, joinFleet(t, first, &wire{}), joinFleet(t, first, &wire{})}
	for _, op := range fleet {
		op.gateway.set(string(p.UID), resting(string(p.UID)))
		waitFor(t, "the policy to be live on "+op.name, func() error {
			if s := op.gateway.applied(); s == nil || len(s.Policies) != 1 {
				return fmt.Errorf("the snapshot is %+v", s)
			}
			return nil
		})
	}
	first.waitSummary(t, "openai", "0/3")
	return fleet, p
}

func TestATripOnOneReplicaWarnsTheOthersWithinASecond(t *testing.T) {
	fleet, p := sharingFleet(t, v1alpha1.SharingFleet)
	key := resting(string(p.UID)).Key
	var took []time.Duration
	warned := make([]int, len(fleet))
	const rounds = 8
	for round := range rounds {
		tripped := round % len(fleet)
		start := time.Now()
		fleet[tripped].open(p, "5 consecutive failures")
		for i, op := range fleet {
			if i == tripped {
				continue
			}
			warned[i]++
			waitFor(t, "the warning", func() error {
				if n := op.gateway.warnings(key); n != warned[i] {
					return fmt.Errorf("%d warnings, want %d", n, warned[i])
				}
				return nil
			})
		}
		took = append(took, time.Since(start))
		fleet[tripped].closed(p)
		stays(t, 1100*time.Millisecond, func() error { // the next trip is of another second
			for i, op := range fleet {
				if n := op.gateway.warnings(key); n != warned[i] {
					return fmt.Errorf("%s has %d warnings, want %d: each is used once", op.name, n, warned[i])
				}
			}
			return nil
		})
	}
	slices.Sort(took)
	t.Logf("from the trip until both others were warned: %v", took)
	if worst := took[len(took)-1]; worst > time.Second {
		t.Errorf("a warning took %s, want at most 1s", worst)
	}
}

func TestWhatIsNoTripWarnsNobody(t *testing.T) {
	fleet, p := sharingFleet(t, v1alpha1.SharingFleet)
	for _, reason := range []circuit.Reason{circuit.ProbeFailed, circuit.WasRestored} {
		c := opened(string(p.UID), p.Namespace, p.Name, gateway.Transition{From: circuit.Closed, To: circuit.Open, Reason: reason, Time: time.Now()})
		if reason == circuit.ProbeFailed {
			c.Last.From = circuit.HalfOpen
		}
		fleet[1].gateway.set(string(p.UID), c)
		fleet[1].relay.OnTransition(*c.Last)
		fleet[0].waitState(t, "openai", v1alpha1.CircuitOpen)
		fleet[1].closed(p)
		fleet[0].waitState(t, "openai", v1alpha1.CircuitClosed)
	}
	for _, op := range fleet {
		if n := op.gateway.warnings(resting(string(p.UID)).Key); n != 0 {
			t.Errorf("%s was warned %d times", op.name, n)
		}
	}
}

func TestWithoutSharingNobodyIsWarned(t *testing.T) {
	fleet, p := sharingFleet(t, v1alpha1.SharingReplica)
	fleet[1].open(p, "5 consecutive failures")
	fleet[0].waitSummary(t, "openai", "1/3")
	for _, op := range fleet {
		if n := op.gateway.warnings(resting(string(p.UID)).Key); n != 0 {
			t.Errorf("%s was warned %d times", op.name, n)
		}
	}
	// An edit has the next trip shared.
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"sharing":"Fleet"}}`))
	if err := fleet[0].Patch(t.Context(), p, patch); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the edit to be live", func() error {
		for _, op := range fleet {
			if s := op.gateway.applied(); !s.Policies[0].SharesTrips {
				return fmt.Errorf("not on %s", op.name)
			}
		}
		return nil
	})
	fleet[2].open(p, "5 consecutive failures")
	waitFor(t, "the warning", func() error {
		if n := fleet[0].gateway.warnings(resting(string(p.UID)).Key); n != 1 {
			return fmt.Errorf("%d warnings", n)
		}
		return nil
	})
}
