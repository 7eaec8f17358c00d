package fleet

import (
	"cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/internal/status"
)

// Merge puts what this process observes of a policy together with what the other
// replicas report of it, in whatever order. A circuit is as it is on the replica
// that has it worst; what queues is the sum. A circuit that this process does not
// have is none: its configuration is the one that status is about.
func Merge(own status.PolicyObservation, policyID string, others []*Report) status.PolicyObservation {
	out := own
	out.Replicas += len(others)
	for _, r := range others {
		out.CircuitsOff = out.CircuitsOff || r.CircuitsOff
		for _, n := range r.opens[policyID] {
			out.Opens += n
		}
	}
	out.Circuits = make([]gateway.CircuitStatus, len(own.Circuits))
	out.NotClosed = make(map[gateway.CircuitKey]int, len(own.Circuits))
	out.News = nil
	open := make([]bool, len(others))
	for i, c := range own.Circuits {
		name := c.Key.String()
		for j, r := range others {
			open[j] = open[j] || r.circuits[policyID][name].State == circuit.Open
		}
		m := merge(c, name, others)
		out.Circuits[i] = m.CircuitStatus
		if m.notClosed > 0 {
			out.NotClosed[c.Key] = m.notClosed
		}
		if m.news != nil && (out.News == nil || later(m.news, out.News)) {
			out.News = m.news
		}
	}
	for _, is := range open {
		if is {
			out.Open++
		}
	}
	return out
}

// MergeCircuit is one circuit of Merge.
func MergeCircuit(own gateway.CircuitStatus, others []*Report) gateway.CircuitStatus {
	return merge(own, own.Key.String(), others).CircuitStatus
}

type merged struct {
	gateway.CircuitStatus
	notClosed int
	news      *gateway.Transition
}

func merge(own gateway.CircuitStatus, name string, others []*Report) merged {
	m := merged{CircuitStatus: settled(own)}
	all := make([]gateway.CircuitStatus, 1, 1+len(others))
	all[0] = settled(own)
	for _, r := range others {
		c, ok := r.circuits[own.Key.Policy][name]
		if !ok {
			continue // at rest
		}
		c = settled(c)
		if c.Last != nil {
			last := *c.Last
			last.Circuit = own.Key
			c.Last = &last
		}
		all = append(all, c)
	}
	atRest, queued, running, opens := true, 0, 0, uint64(0)
	var last *gateway.Transition
	for i, c := range all {
		if i == 0 || compare(c, m.CircuitStatus) < 0 {
			m.CircuitStatus = c
		}
		atRest = atRest && c.AtRest
		queued += c.Queued
		running += c.Running
		opens += c.Opens
		if c.State != circuit.Closed {
			m.notClosed++
		}
		if c.Last == nil {
			continue
		}
		if last == nil || later(c.Last, last) {
			last = c.Last
		}
		if IsNews(*c.Last, worst(all, i)) && (m.news == nil || later(c.Last, m.news)) {
			m.news = c.Last
		}
	}
	m.Key = own.Key
	m.AtRest, m.Queued, m.Running, m.Opens, m.Last = atRest, queued, running, opens, last
	return m
}

// IsNews reports whether a transition changes what a circuit is like over all
// replicas; elsewhere is the worst state that it has on the others. That a
// process has taken over an earlier one's state is no news.
func IsNews(t gateway.Transition, elsewhere circuit.State) bool {
	return t.Reason != circuit.WasRestored && max(t.From, elsewhere) != max(t.To, elsewhere)
}

// worst is the worst state of all but one.
func worst(all []gateway.CircuitStatus, but int) circuit.State {
	out := circuit.Closed
	for i, c := range all {
		if i != but {
			out = max(out, c.State)
		}
	}
	return out
}

// settled evens out a circuit at rest.
func settled(c gateway.CircuitStatus) gateway.CircuitStatus {
	if c.AtRest {
		c.FailureCount, c.Queued, c.HealthScore = 0, 0, 100
	}
	return c
}

// compare puts the worse circuit first. Those that are equal in it are equal in
// all that is shown of the worst.
func compare(a, b gateway.CircuitStatus) int {
	return cmp.Or(
		cmp.Compare(b.State, a.State),
		cmp.Compare(a.HealthScore, b.HealthScore),
		cmp.Compare(b.FailureCount, a.FailureCount),
		b.NextProbe.Compare(a.NextProbe),
		b.OpenedTime.Compare(a.OpenedTime),
		cmp.Compare(b.BackoffLevel, a.BackoffLevel),
	)
}

// later orders transitions, those of one moment by what they are, so that the
// order of the replicas decides nothing.
func later(a, b *gateway.Transition) bool {
	return cmp.Or(
		a.Time.Compare(b.Time),
		cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From),
		cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.Circuit.String(), b.Circuit.String()),
	) > 0
}
