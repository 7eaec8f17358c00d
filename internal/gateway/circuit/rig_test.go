package circuit

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// rig drives one circuit on a clock that moves only when told to.
type rig struct {
	t       *testing.T
	c       *Circuit
	s       Settings
	now     time.Duration
	permits map[string]*Permit

	mu   sync.Mutex
	told []Transition // guarded by mu
}

// base are settings under which only three failures in a row open, for 30 s,
// and one probe closes.
func base() Settings {
	return Settings{
		FailureThreshold: 3,
		Window:           10 * time.Second,
		SuccessThreshold: 1,
		ResetTimeout:     30 * time.Second,
		ResetBackoff:     Backoff{Multiplier: 1, Max: 5 * time.Minute},
		MaxProbes:        1,
		ProbeLease:       time.Minute,
	}
}

// with returns the base settings with a change.
func with(change func(*Settings)) Settings {
	s := base()
	change(&s)
	return s
}

func newRig(t *testing.T, s Settings) *rig {
	t.Helper()
	return newRigRand(t, s, nil)
}

func newRigRand(t *testing.T, s Settings, rand func() float64) *rig {
	t.Helper()
	r := &rig{t: t, s: s, permits: map[string]*Permit{}}
	r.c = New(s, 0, Options{Rand: rand, OnEvent: func(tr Transition) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, tr)
	}})
	return r
}

// reconfigure changes the settings that the rig has now.
func (r *rig) reconfigure(change func(*Settings)) {
	change(&r.s)
	r.c.Reconfigure(r.s, r.now)
}

// transitions waits until all have been told and returns them.
func (r *rig) transitions() []Transition {
	for {
		r.c.teller.mu.Lock()
		telling := r.c.teller.telling
		r.c.teller.mu.Unlock()
		if !telling {
			break
		}
		runtime.Gosched()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told
}

// reasons returns what was told so far, such as "Open(FailureRate)".
func (r *rig) reasons() string {
	var out []string
	for _, tr := range r.transitions() {
		out = append(out, tr.To.String()+"("+string(tr.Reason)+")")
	}
	return strings.Join(out, " ")
}

func (r *rig) observe() Observation { return r.c.Observe(r.now) }

func (r *rig) wantState(want State) {
	r.t.Helper()
	if got := r.observe().State; got != want {
		r.t.Fatalf("at %v: state %v, want %v", r.now, got, want)
	}
}

var outcomes = map[byte]Outcome{'S': Success, 'F': Failure, 'R': Failure, 'T': Throttled, 'I': Ignored}

// resultOf is the result that an initial stands for.
func resultOf(initial byte) Result {
	return Result{Outcome: outcomes[initial], Label: "HTTP 503", Repeated: initial == 'R'}
}

// play acts out a script of words:
//
//	S F T I       a call that is let through and ends at once, as its initial says
//	R             a failure that was counted already
//	a1            a call begins and is called 1; it must be let through
//	t1            its first token
//	1S 1F 1T 1I   its end
//	x             a call must be refused
//	+10s          time passes
//	=Open         the state, once settled
//	?Open         the state, without settling
//	settle warn reset
func (r *rig) play(script string) {
	r.t.Helper()
	for word := range strings.FieldsSeq(script) {
		r.word(word)
	}
}

func (r *rig) word(word string) {
	r.t.Helper()
	switch first, rest := word[0], word[1:]; {
	case word == "settle":
		r.c.Settle(r.now)
	case word == "warn":
		r.c.Warn(r.now)
	case word == "reset":
		r.c.Reset(r.now)
	case word == "x":
		if _, _, ok := r.c.Acquire(r.now); ok {
			r.t.Fatalf("at %v: a call was let through, want a refusal", r.now)
		}
	case first == '+':
		d, err := time.ParseDuration(rest)
		if err != nil {
			r.t.Fatal(err)
		}
		r.now += d
	case first == '=':
		r.c.Settle(r.now)
		fallthrough
	case first == '?':
		if got := r.observe().State.String(); got != rest {
			r.t.Fatalf("at %v: state %s, want %s", r.now, got, rest)
		}
	case first == 'a':
		r.begin(rest)
	case first == 't':
		r.permits[rest].FirstToken(r.now)
	case len(word) == 1:
		r.begin("")
		r.end("", resultOf(first))
	default:
		r.end(word[:len(word)-1], resultOf(word[len(word)-1]))
	}
}

func (r *rig) begin(name string) {
	r.t.Helper()
	p, refusal, ok := r.c.Acquire(r.now)
	if !ok {
		r.t.Fatalf("at %v: call %q was refused: %v", r.now, name, refusal.Reason)
	}
	r.permits[name] = &p
}

func (r *rig) end(name string, res Result) { r.permits[name].End(res, r.now) }

// call makes a call that ends at once.
func (r *rig) call(res Result) {
	r.t.Helper()
	r.begin("")
	r.end("", res)
}
