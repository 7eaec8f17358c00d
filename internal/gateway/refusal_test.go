package gateway_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// refusalLog notes what a gateway tells of refusals.
type refusalLog struct {
	mu   sync.Mutex
	told []gateway.Refusal // guarded by mu
}

func (l *refusalLog) add(r gateway.Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, r)
}

func (l *refusalLog) all() []gateway.Refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]gateway.Refusal(nil), l.told...)
}

// ask sends a request under an ID and returns the answer's status.
func (r *streamRig) ask(id string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/ext", nil)
	if err != nil {
		r.t.Error(err)
		return 0
	}
	req.Header.Set("X-Request-Id", id)
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestRefusalIsToldThoughAnotherBackendAnswers(t *testing.T) {
	log := &refusalLog{}
	broken := script(t, func(s scripted) { s.w.WriteHeader(http.StatusServiceUnavailable) })
	well := script(t, func(s scripted) { s.w.WriteHeader(http.StatusOK) })
	start := time.Now()
	r := newStreamRig(t, func(s *streamSetup) {
		s.Policy.Circuit.FailureThreshold = 1
		s.Fallback = gateway.FallbackClasses
		s.Options.OnRefusal = log.add
	}, broken, well)
	r.ask("trips")
	if told := log.all(); len(told) != 0 {
		t.Fatalf("told of %+v before a circuit was open", told)
	}
	if status := r.ask("falls-back"); status != http.StatusOK {
		t.Fatalf("answered %d, want the second backend's 200", status)
	}
	want := []gateway.Refusal{{
		Circuit:   gateway.CircuitKey{Policy: "p", Origin: broken, Model: "ext"},
		Namespace: "default", Policy: "p", Route: "ext", Backend: "b0", RequestID: "falls-back", Reason: circuit.CircuitOpen,
	}}
	told := log.all()
	if diff := cmp.Diff(want, told, cmpopts.IgnoreFields(gateway.Refusal{}, "Time", "NextProbe")); diff != "" {
		t.Fatalf("refusals differ (-want +got):\n%s", diff)
	}
	if at := told[0].Time; at.Before(start.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("told of %s, now is %s", at, time.Now())
	}
	if wait := told[0].NextProbe.Sub(told[0].Time); wait <= 0 || wait > time.Minute {
		t.Errorf("the next probe is due %s after the refusal, want at most the reset timeout", wait)
	}
}

func TestRefusalByTheBulkheadIsTold(t *testing.T) {
	log := &refusalLog{}
	release := make(chan struct{})
	provider := script(t, func(s scripted) { s.wait(release) })
	r := newStreamRig(t, func(s *streamSetup) {
		s.Policy.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 1, QueueTimeout: patiently}
		s.Options.OnRefusal = log.add
	}, provider)
	ended := make(chan int, 2)
	for _, id := range []string{"runs", "waits"} {
		go func() { ended <- r.ask(id) }()
	}
	r.eventually("one call to run and one to wait", func() bool {
		return r.running() == 1 && r.counts("switchgear_bulkhead_queued", "")[""] == 1
	})
	if status := r.ask("is-too-much"); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d, want 503", status)
	}
	close(release)
	for range 2 {
		if status := <-ended; status != http.StatusOK {
			t.Errorf("a call that was let through was answered %d", status)
		}
	}
	told := log.all()
	if len(told) != 1 || told[0].RequestID != "is-too-much" || told[0].Reason != circuit.BulkheadFull || !told[0].NextProbe.IsZero() {
		t.Errorf("told of %+v, want the one call that the bulkhead refused", told)
	}
}

func TestTellingOfARefusalAllocatesNothing(t *testing.T) {
	told := 0
	gw := gateway.New(gateway.Options{OnRefusal: func(r gateway.Refusal) { told += len(r.Route) }})
	defer gw.Close()
	tell := gw.RefusalTeller()
	allocs := testing.AllocsPerRun(100, func() { tell(circuit.Refusal{Reason: circuit.CircuitOpen, At: time.Second}) })
	if allocs != 0 || told == 0 {
		t.Errorf("%g allocations a refusal, want none; told %d times", allocs, told)
	}
}

func TestResetAllClosesTheCircuitsOfEveryPolicy(t *testing.T) {
	answer := http.StatusServiceUnavailable
	provider := script(t, func(s scripted) { s.w.WriteHeader(answer) })
	r := newStreamRig(t, func(s *streamSetup) { s.Policy.Circuit.FailureThreshold = 1 }, provider)
	r.ask("trips")
	if c := r.gw.ObservePolicy("p"); c[0].State != circuit.Open {
		t.Fatalf("the circuit is %s", c[0].State)
	}
	r.gw.ResetAll()
	for _, c := range r.gw.ObservePolicy("p") {
		if c.State != circuit.Closed || c.FailureCount != 0 {
			t.Errorf("circuit %s is %s with %d failures", c.Key, c.State, c.FailureCount)
		}
	}
}
