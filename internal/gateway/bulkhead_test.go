package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// oneAtATime lets one call run and others wait.
func oneAtATime(p *gateway.Policy) {
	p.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 10, QueueTimeout: patiently}
}

// queued waits until so many calls wait for a slot.
func (r *streamRig) queued(n int) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("%d queued calls", n), func() bool { return r.counts("switchgear_bulkhead_queued", "")[""] == n })
}

// enqueue begins calls one after the other, each of which waits for a slot, and
// names them in a header.
func (r *streamRig) enqueue(ctx context.Context, names ...string) []<-chan reply {
	r.t.Helper()
	before := r.counts("switchgear_bulkhead_queued", "")[""]
	var answers []<-chan reply
	for i, name := range names {
		answers = append(answers, r.begin(ctx, chatDoor, "X-Caller", name))
		r.queued(before + i + 1)
	}
	return answers
}

// callers are the names of those whom the provider has heard of, in order.
func callers(sim *providersim.Server) []string {
	var out []string
	for _, seen := range sim.Requests() {
		out = append(out, seen.Header.Get("X-Caller"))
	}
	return out
}

// TestTheQueueIsInOrder, and who leaves it gives the place up at once, to nobody's
// disadvantage.
func TestTheQueueIsInOrder(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, nil, doorRoutes(t, sim.URL, newPolicy(t, oneAtATime))...)
	sim.SetFault(providersim.Fault{Kind: providersim.Hold})
	answers := []<-chan reply{r.begin(t.Context(), chatDoor, "X-Caller", "a")}
	sim.WaitRunning(1)
	answers = append(answers, r.enqueue(t.Context(), "b")...)
	leaving, leave := context.WithCancel(t.Context())
	defer leave()
	left := r.enqueue(leaving, "c")
	answers = append(answers, r.enqueue(t.Context(), "d", "e")...)

	leave()
	if got := r.await(left[0]); got.err == nil {
		t.Errorf("the caller who left got status %d", got.status)
	}
	r.queued(3)
	sim.Heal()
	for _, answer := range answers {
		if got := r.await(answer); got.status != http.StatusOK {
			t.Errorf("status %d (%v): %s", got.status, got.err, got.body)
		}
	}
	if d := cmp.Diff([]string{"a", "b", "d", "e"}, callers(sim)); d != "" {
		t.Error(d)
	}
	if n := sim.MaxRunning(); n != 1 {
		t.Errorf("%d calls ran at a time", n)
	}
	r.wantEnds(map[string]int{"Success": 4, "ClientGone": 1}, map[string]int{"Success": 4})
	if got := r.counts("switchgear_bulkhead_entered_total", "")[""]; got != 4 {
		t.Errorf("%d calls got a slot", got)
	}
}

// TestTheQueueIsBounded: one more than may wait is refused, and harms nobody.
func TestTheQueueIsBounded(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	p := newPolicy(t, oneAtATime, func(p *gateway.Policy) { p.Circuit.Bulkhead.MaxQueued = 2 })
	r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
	sim.SetFault(providersim.Fault{Kind: providersim.Hold})
	answers := []<-chan reply{r.begin(t.Context(), chatDoor)}
	sim.WaitRunning(1)
	answers = append(answers, r.enqueue(t.Context(), "a", "b")...)
	r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "bulkhead_full")
	sim.Heal()
	for _, answer := range answers {
		if got := r.await(answer); got.status != http.StatusOK {
			t.Errorf("status %d: %s", got.status, got.body)
		}
	}
	r.wantEnds(map[string]int{"Success": 3, "BulkheadFull": 1}, map[string]int{"Success": 3})
}

// TestTheQueuesTimeIsEachCallersOwn.
func TestTheQueuesTimeIsEachCallersOwn(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	p := newPolicy(t, oneAtATime, func(p *gateway.Policy) { p.Circuit.Bulkhead.QueueTimeout = soon })
	r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
	sim.SetFault(providersim.Fault{Kind: providersim.Hang})
	r.begin(t.Context(), chatDoor)
	sim.WaitRunning(1)
	for range 2 {
		begun := time.Now()
		r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "bulkhead_timeout")
		if took := time.Since(begun); took < soon {
			t.Errorf("the queue was left after %v", took)
		}
	}
	if sim.Count() != 1 {
		t.Errorf("the provider was asked %d times", sim.Count())
	}
}

// TestTheRoutesTimeRunsInTheQueue too.
func TestTheRoutesTimeRunsInTheQueue(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Hang})
	routes := doorRoutes(t, sim.URL, newPolicy(t, oneAtATime))
	r := newRig(t, nil, routes...)
	r.begin(t.Context(), chatDoor)
	sim.WaitRunning(1)
	routes = doorRoutes(t, sim.URL, routes[0].Backends[0].Policy)
	routes[0].Timeout = soon
	r.apply(routes...)
	got := r.post(chatDoor)
	got.wantOwn(t, chatDoor, http.StatusServiceUnavailable, "bulkhead_timeout")
	got.wantHeaders(t, map[string]string{"Retry-After": "1", "X-Switchgear-Attempts": "0"})
}

// TestAnOpeningCircuitEmptiesTheQueue: nobody waits for what will be refused.
func TestAnOpeningCircuitEmptiesTheQueue(t *testing.T) {
	t.Parallel()
	sim := providersim.Start(t, providersim.Options{})
	p := newPolicy(t, oneAtATime, func(p *gateway.Policy) { p.Circuit.FailureThreshold = 1 })
	r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
	sim.SetFault(providersim.Fault{Kind: providersim.Hold, Requests: 1}, providersim.Fault{Status: 500})
	first := r.begin(t.Context(), chatDoor)
	sim.WaitRunning(1)
	waiting := r.enqueue(t.Context(), "b", "c", "d")
	sim.SetFault(providersim.Fault{Status: 500}) // lets the first go
	if got := r.await(first); got.status != http.StatusOK {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if got := r.await(waiting[0]); got.status != http.StatusInternalServerError {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	for _, answer := range waiting[1:] {
		r.await(answer).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
	}
	if sim.Count() != 2 {
		t.Errorf("the provider was asked %d times", sim.Count())
	}
	r.wantEnds(map[string]int{"Success": 1, "ServerError": 1, "CircuitOpen": 2}, map[string]int{"Success": 1, "Failure": 1})
}
