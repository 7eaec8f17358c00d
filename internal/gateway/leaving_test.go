package gateway_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestAClientThatLeavesTheQueueBeforeARepeatIsGone: it is not told of the failure
// before, and not counted as one.
func TestAClientThatLeavesTheQueueBeforeARepeatIsGone(t *testing.T) {
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Status: http.StatusServiceUnavailable, Requests: 1}, providersim.Fault{Kind: providersim.Hang})
	r := newStreamRig(t, func(s *streamSetup) {
		s.Policy.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 1, QueueTimeout: patiently}
		s.Retry = gateway.Retry{MaxAttempts: 2, InitialDelay: shortly, MaxDelay: shortly, Multiplier: 1}
	}, sim.URL)
	ask := func() (leave func()) {
		ctx, cancel := context.WithTimeout(t.Context(), patiently)
		left := make(chan struct{})
		go func() {
			defer close(left)
			if a, err := r.try(ctx, chatEndpoint.path, chatEndpoint.body); err == nil {
				a.resp.Body.Close()
				t.Errorf("an answer with status %d", a.resp.StatusCode)
			}
		}()
		return func() {
			cancel()
			<-left
		}
	}
	leaveQueue := ask()
	sim.WaitCount(1)
	sim.WaitRunning(0)
	leaveSlot := ask() // while the first one waits to retry
	sim.WaitCount(2)
	r.eventually("a queue", func() bool { return r.counts("switchgear_bulkhead_queued", "")[""] == 1 })
	leaveQueue()
	// Until the gateway has seen it leave, the slot would be granted to it.
	r.eventually("an empty queue", func() bool { return r.counts("switchgear_bulkhead_queued", "")[""] == 0 })
	leaveSlot()
	r.wantEnds(map[string]int{"ClientGone": 2}, map[string]int{"Failure": 1, "Ignored": 1})
}
