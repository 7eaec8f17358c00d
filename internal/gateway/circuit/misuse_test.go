package circuit

import "testing"

// TestMisusePanicsInTestBuilds: tests are built with the race detector, which
// turns the checks on; without it, misuse does nothing.
func TestMisusePanicsInTestBuilds(t *testing.T) {
	newCircuit := func() *Circuit {
		return New(with(func(s *Settings) { s.Bulkhead.MaxConcurrent = 1 }), 0, Options{})
	}
	tests := map[string]func(){
		"a permit ended twice": func() {
			p, _, _ := newCircuit().Acquire(0)
			p.End(Result{}, 0)
			p.End(Result{}, 0)
		},
		"a permit that was refused": func() {
			var p Permit
			p.End(Result{}, 0)
		},
		"a second first token": func() {
			p, _, _ := newCircuit().Acquire(0)
			p.FirstToken(0)
			p.FirstToken(0)
		},
		"a slot given back twice": func() {
			slot, _, _ := newCircuit().Enter(t.Context(), 0)
			slot.Leave()
			slot.Leave()
		},
		"a copy of a slot given back twice": func() {
			slot, _, _ := newCircuit().Enter(t.Context(), 0)
			twin := slot
			slot.Leave()
			twin.Leave()
		},
	}
	for name, misuse := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := recover() != nil; got != checked {
					t.Errorf("panicked: %v, want %v", got, checked)
				}
			}()
			misuse()
		})
	}
}

func TestWhatIsNotMisuse(t *testing.T) {
	c := New(with(func(s *Settings) { s.Mode = Disabled }), 0, Options{})
	slot, _, ok := c.Enter(t.Context(), 0)
	if !ok || slot != (Slot{}) {
		t.Errorf("a disabled circuit gave %+v, %v", slot, ok)
	}
	slot.Leave()

	c = New(base(), 0, Options{})
	p, _, _ := c.Acquire(0)
	p.End(Result{}, 0)
	p.FirstToken(0) // a token in the pipe of a stream that was given up
	if got := c.Observe(0).Totals.Successes; got != 1 {
		t.Errorf("%d successes, want 1", got)
	}
}

// TestAPanicInTheCallerEndsThePermit shows how: with a deferred End.
func TestAPanicInTheCallerEndsThePermit(t *testing.T) {
	r := newRig(t, with(func(s *Settings) { s.FailureThreshold = 1 }))
	func() {
		defer func() { _ = recover() }()
		p, _, _ := r.c.Acquire(0)
		result := Result{Outcome: Failure, Label: "panic"}
		defer func() { p.End(result, 0) }()
		panic("in the call")
	}()
	r.wantState(Open)
	if got, want := r.observe().Last.Message(), "1 consecutive failures: 1 × panic"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}
