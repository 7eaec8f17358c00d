package circuit

import (
	"context"
	"sync"
	"time"
)

// Options are a circuit's surroundings.
type Options struct {
	// Rand gives a number in [0,1), for jitter; it is drawn once per opening.
	// Nil means no jitter.
	Rand func() float64
	// OnEvent is told each transition once, in order, on another goroutine and
	// outside every lock. It may be nil.
	OnEvent func(Transition)
}

// Circuit is a breaker with a bulkhead in front of it. It is safe for
// concurrent use. Its `now` arguments must come from one clock.
type Circuit struct {
	rand     func() float64
	teller   teller
	bulkhead bulkhead

	mu sync.Mutex
	breaker
}

// New returns a closed and empty circuit.
func New(s Settings, now time.Duration, o Options) *Circuit {
	c := &Circuit{rand: o.Rand}
	c.teller.listener = o.OnEvent
	c.bulkhead.settings = s.Bulkhead
	c.settings = s
	c.window = newWindow(s.Window, now)
	c.forced = s.forced(now)
	c.met, c.since = c.effective(), now
	c.bulkhead.heed(s.Mode, c.met == Open)
	return c
}

// Enter takes a slot of the bulkhead, waiting for it in order if it must and
// may; nobody waits for a circuit that would not admit the call. The slot must
// be left again. It gives no permit to call: ask for that after the wait.
func (c *Circuit) Enter(ctx context.Context, now time.Duration) (Slot, Refusal, bool) {
	if slot, ok := c.bulkhead.take(); ok {
		return slot, Refusal{}, true
	}
	if r, ok := c.worthWaiting(now); !ok {
		return Slot{}, r, false
	}
	slot, reason := c.bulkhead.enter(ctx)
	switch reason {
	case NotRefused:
		return slot, Refusal{}, true
	case CircuitOpen:
		return slot, Refusal{CircuitOpen, c.comeBack()}, false
	}
	return slot, Refusal{Reason: reason}, false
}

// worthWaiting reports whether the breaker would admit a call now, and counts
// the refusal if it would not.
func (c *Circuit) worthWaiting(now time.Duration) (Refusal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
	r := c.refusal()
	if r.Reason == NotRefused || c.lenient() {
		return Refusal{}, true
	}
	c.totals.Refused[r.Reason]++
	return r, false
}

// comeBack is when an open circuit lets calls through again; 0: unknown.
func (c *Circuit) comeBack() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusal().At
}

// Admits reports whether Acquire would admit a call now. It changes nothing but
// what time has brought anyway (see Settle).
func (c *Circuit) Admits(now time.Duration) (Refusal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
	r := c.refusal()
	return r, r.Reason == NotRefused || c.lenient()
}

// Acquire asks for a permit to call. The permit must be ended.
func (c *Circuit) Acquire(now time.Duration) (p Permit, r Refusal, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
	r = c.refusal()
	if r.Reason != NotRefused {
		c.totals.Refused[r.Reason]++
		if !c.lenient() {
			return p, r, false
		}
	}
	c.admit(&p, r, now)
	return p, r, true
}

// Permit allows one call. It belongs to the state in which it was given. (With
// a Refusal and a bool it just fits into the registers that return values.)
type Permit struct {
	c        *Circuit
	seq      uint64        // acquired, in order; also names a probe's lease
	gen      uint64        // of the state; 0 counts nowhere
	at       time.Duration // acquired
	answered time.Duration // from at to the first token
	kind     kind
}

// kind is what a permit's call has come to.
type kind uint8

const (
	plain         kind = iota
	probe              // holds a lease
	streamed           // has brought its first token
	streamedProbe      // has been a success at its first token
)

// Probe reports whether the call is a half-open circuit's trial. (The gateway
// tells its caller.)
func (p *Permit) Probe() bool { return p.kind == probe || p.kind == streamedProbe }

// FirstToken tells that a streamed call has brought its first output. Call it
// at most once. For a probe that is the success, and frees its place.
func (p *Permit) FirstToken(now time.Duration) {
	if p.c == nil {
		return
	}
	if checked && p.kind >= streamed {
		panic("circuit: a second first token")
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.c.firstToken(p, now)
}

// End tells how the call ended. Call it exactly once.
func (p *Permit) End(r Result, now time.Duration) {
	c := p.c
	if c == nil {
		if checked {
			panic("circuit: a permit was ended twice")
		}
		return
	}
	p.c = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(p, r, now)
}

// Settle performs what time alone brings: an open circuit's end, an expired
// probe, an override's end.
func (c *Circuit) Settle(now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
}

// Deadline returns when Settle will next have something to do, as far as is
// known; false if nothing is to come.
func (c *Circuit) Deadline(now time.Duration) (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deadline(now)
}

// Reconfigure changes the settings and keeps the state, the counts and the
// queue. It may open the circuit, and never closes it.
func (c *Circuit) Reconfigure(s Settings, now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s == c.settings {
		return
	}
	old := c.settings
	c.reconfigure(s, now)
	if s.Bulkhead != old.Bulkhead {
		c.bulkhead.configure(s.Bulkhead)
	}
}

// Reset closes the circuit and zeroes its counts.
func (c *Circuit) Reset(now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
	c.reset(now)
	c.tell(now, WasReset, Counts{})
}

// Warn tells that another replica's circuit has opened: the next failure opens
// this one, a success that is acquired from now on clears the warning.
func (c *Circuit) Warn(now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(now)
	if c.state == Closed && c.settings.Mode != Disabled {
		c.warned, c.warnedSeq = true, c.seq
	}
}
