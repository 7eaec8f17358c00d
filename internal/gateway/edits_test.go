package gateway_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// TestEditsInTheMiddleOfEverything: policies and routes change many times a
// second under streams, repeats, queues and an outage. No request fails for it,
// no open circuit closes, no counter is lost, and nothing is left behind.
func TestEditsInTheMiddleOfEverything(t *testing.T) {
	for _, tc := range []struct {
		name string
		ways []gateway.StreamRecovery
	}{
		{"streams that fail before their output", []gateway.StreamRecovery{gateway.RecoverNothing, gateway.RecoverByResuming, gateway.RecoverByBuffering}},
		{"streams that are resumed", []gateway.StreamRecovery{gateway.RecoverByResuming}},
		{"streams that are resumed or buffered", []gateway.StreamRecovery{gateway.RecoverByResuming, gateway.RecoverByBuffering}},
	} {
		before := runtime.NumGoroutine()
		t.Run(tc.name, func(t *testing.T) {
			b := newEdited(t, tc.ways)
			if tc.ways[0] == gateway.RecoverNothing {
				b.desks["flaky"].author.breaks = always(0)
			}
			b.play()
			b.wantAllCounted()
			b.wantNothingLeft()
			b.wantRecovery()
		})
		settled(t, before)
	}
}

const (
	leastEdits  = 300
	leastVisits = 250
	visitors    = 24
)

// edited is a rig whose configuration never stays the same.
type edited struct {
	*streamRig
	*editor
	ledger ledger
	told   sync.Map // the last message on each circuit of the provider that is down

	visits []visit
}

func newEdited(t *testing.T, ways []gateway.StreamRecovery) *edited {
	t.Helper()
	e := &edited{editor: &editor{t: t, rand: rand.New(rand.NewPCG(3, 1)), ways: ways, desks: map[string]*desk{
		"down": {down: true}, "flaky": {flaky: true}, "good": {}, "extra": {},
	}}}
	for name, d := range e.desks {
		d.serve(t, name)
	}
	e.extras = []*desk{e.desks["extra"], e.desks["extra"], e.desks["extra"]}
	e.streamRig = newRig(t, func(o *gateway.Options) {
		o.OnTransition = func(tr gateway.Transition) {
			if tr.Name == "down" {
				e.told.Store(tr.Circuit.String(), tr.Message)
			}
		}
	})
	e.gw.Apply(e.snapshot(false))
	e.ledger = ledger{r: e.streamRig, opens: map[string]time.Time{}}
	return e
}

// play has visitors come for as long as the configuration changes, and looks on.
func (e *edited) play() {
	for range 9 {
		e.post(downDoor) // until its circuit is open
	}
	asking, stop := context.WithCancel(e.streamRig.t.Context())
	defer stop()
	var clients, editing sync.WaitGroup
	var mu sync.Mutex
	for n := range visitors {
		clients.Go(func() {
			chance := rand.New(rand.NewPCG(uint64(n), 2))
			for i := 0; i < leastVisits/visitors || asking.Err() == nil; i++ {
				v := newVisit(chance, n*1_000_000+i)
				v.reply = e.exchange(e.streamRig.t.Context(), v.method(), v.ask.path, v.ask.body)
				mu.Lock()
				e.visits = append(e.visits, v)
				mu.Unlock()
			}
		})
	}
	all := make(chan struct{})
	editing.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-all:
				return
			case <-tick.C:
				e.gw.Apply(e.snapshot(false))
			}
			if n == leastEdits {
				stop()
			}
			if n%10 == 0 {
				e.ledger.look()
			}
		}
	})
	clients.Wait()
	close(all)
	editing.Wait()
	for i := range e.visits {
		e.visits[i].want(e.streamRig.t)
	}
}

// wantAllCounted checks that the counters hold exactly what the providers and the
// visitors saw.
func (e *edited) wantAllCounted() {
	t := e.streamRig.t
	e.wantIdle()
	e.gw.Apply(e.snapshot(true))
	e.ledger.look()
	for _, lost := range e.ledger.lost {
		t.Error(lost)
	}
	equal := func(what string, got, want int) {
		if got != want {
			t.Errorf("%s: %d are counted, there were %d", what, got, want)
		}
	}
	for _, name := range []string{"down", "flaky", "good"} {
		d := e.desks[name]
		equal("calls of "+name, e.ledger.sum("attempts_total", "backend="+name), d.calls())
		equal("durations of "+name, e.ledger.sum("attempt_duration_seconds", "backend="+name), d.calls())
		equal("results of "+name, e.ledger.sum("circuit_calls_total", "policy="+name), d.calls())
		if name != "down" { // whose slots were given back when its circuit refused
			equal("slots of "+name, e.ledger.sum("bulkhead_entered_total", "policy="+name), d.calls())
		}
		equal("failures of "+name, e.ledger.sum("circuit_calls_total", "policy="+name, "outcome=Failure"), d.failed+d.repeated)
	}
	equal("the run of failures of flaky", e.failuresOf("flaky"), e.desks["flaky"].failed)
	equal("repeats of good", e.ledger.sum("retries_total", "backend=good", "class=ServerError"), e.desks["good"].repeated)
	asked := map[string]int{}
	for _, v := range e.visits {
		asked[v.ask.name]++
	}
	equal("requests for claude", e.ledger.sum("requests_total", "route=claude"), asked["messages"]+asked["Anthropic"])
	equal("requests for the path", e.ledger.sum("requests_total", "route=ext"), asked["path"])
	equal("unknown models", e.ledger.sum("rejected_requests_total", "code=model_not_found"), asked["unknown"])

	circuits := e.gw.ObservePolicy("down")
	equal("openings", e.ledger.sum("circuit_transitions_total", "policy=down"), len(circuits))
	for _, s := range circuits {
		told, _ := e.told.Load(s.Key.String())
		if s.State != circuit.Open || s.Opens != 1 || s.Last == nil || told != s.Last.Message {
			t.Errorf("the circuit %s is %+v; told was %q", s.Key, s, told)
		}
	}
	if n := e.desks["down"].failed; n > len(circuits)*(9+visitors) {
		t.Errorf("the provider that is down was asked %d times", n)
	}
	for _, name := range []string{"flaky", "good", "extra"} {
		if e.desks[name].calls() == 0 {
			t.Errorf("%s was never asked", name)
		}
	}
}

func (e *edited) failuresOf(policy string) int {
	n := 0
	for _, s := range e.gw.ObservePolicy(policy) {
		n += s.FailureCount
	}
	return n
}

// wantNothingLeft checks that no slot or place is taken, and that what was
// removed is not told of any more.
func (e *edited) wantNothingLeft() {
	for _, id := range []string{"down", "flaky", "good"} {
		for _, s := range e.gw.ObservePolicy(id) {
			if s.Running != 0 || s.Queued != 0 {
				e.streamRig.t.Errorf("circuit %s has %d running and %d queued", s.Key, s.Running, s.Queued)
			}
		}
	}
	if n, open := e.gw.Watched(), len(e.gw.ObservePolicy("down")); n != open {
		e.streamRig.t.Errorf("%d circuits are waited for, want the %d that are open", n, open)
	}
	for _, label := range []string{"route", "backend", "from", "to", "policy"} {
		if got := e.labelled(label, "extra"); len(got) != 0 {
			e.streamRig.t.Errorf("the extras are gone, but are a %s in %q", label, got)
		}
	}
}

// wantRecovery checks that the provider that was down is in use again.
func (e *edited) wantRecovery() {
	e.desks["down"].heal()
	e.editor.reset = time.Millisecond
	e.eventually("the end of the outage", func() bool {
		e.gw.Apply(e.snapshot(true))
		for _, ask := range []streamEndpoint{chatEndpoint, messagesEndpoint, {path: "/ext/a"}, downDoor} {
			v := visit{ask: ask, prompt: "Hi"}
			v.reply = e.exchange(e.streamRig.t.Context(), v.method(), ask.path, ask.body)
			if ask != downDoor {
				v.want(e.streamRig.t)
			}
		}
		for _, s := range e.gw.ObservePolicy("down") {
			if s.State != circuit.Closed {
				return false
			}
		}
		return true
	})
}
