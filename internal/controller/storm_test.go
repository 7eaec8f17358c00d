package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/switchgear/switchgear/api/v1alpha1"
)

func TestStormStaysWithinTheBudget(t *testing.T) {
	const policies = 150
	op := startOperator(t)
	all := make([]*v1alpha1.CircuitPolicy, policies)
	for i := range all {
		all[i] = newPolicy(fmt.Sprintf("p%03d", i))
		op.create(t, all[i])
		op.gateway.set(string(all[i].UID), resting(string(all[i].UID)))
	}
	waitFor(t, "all first statuses", func() error {
		for _, p := range all {
			if s := op.policy(t, p.Name).Status; s.ObservedGeneration != 1 {
				return fmt.Errorf("%s has no status", p.Name)
			}
		}
		return nil
	})

	start, before := time.Now(), len(op.writes.all())
	for _, p := range all {
		op.open(p, "5 consecutive failures")
	}
	waitFor(t, "all transitions to be visible", func() error {
		for _, p := range all {
			if s := op.policy(t, p.Name).Status.State; s != v1alpha1.CircuitOpen {
				return fmt.Errorf("%s is %s", p.Name, s)
			}
		}
		return nil
	})
	took := time.Since(start)
	written := op.writes.all()[before:]
	limit := writesBurst + int(took.Seconds()*writesPerSecond) + 1
	if len(written) > limit {
		t.Errorf("%d writes in %s, want at most %d", len(written), took, limit)
	}
	events := 0
	for _, w := range written {
		if strings.Contains(w, "/events") {
			events++
		}
	}
	// While states wait to be written, Events do not: only those that found a
	// token free are among the writes, at the very beginning, or because a slow
	// machine asked for fewer than there were.
	if states := len(written) - events; states < policies || events > policies/5+max(0, limit-policies) {
		t.Errorf("%d states and %d events were written while states waited", states, events)
	}
}
