package gateway_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/switchgear/switchgear/internal/gateway"
)

// TestFailureClasses goes through the table of classes, row by row: whether the
// same backend is asked again, and when; whether the next one is; what the
// client gets, what the circuits record, what the metrics say. Last it takes the
// class out of fallback.classes.
func TestFailureClasses(t *testing.T) {
	for class, cases := range classRows {
		t.Run(class, func(t *testing.T) {
			for _, c := range cases {
				for _, way := range c.ways {
					t.Run(c.sign+"/"+way.name, func(t *testing.T) {
						t.Parallel()
						p := classPlay{classCase: c, class: class, way: way}
						p.withAnother(t)
						p.aloneWith(t, 1, gateway.FallbackClasses)
						p.aloneWith(t, 2, without(class))
					})
				}
			}
		})
	}
}

// classPlay is one case of one class, asked for in one way.
type classPlay struct {
	classCase
	class string
	way   asking
}

// without is fallback.classes with one class left out.
func without(class string) gateway.ClassSet {
	var on gateway.ClassSet
	for name := range strings.SplitSeq(gateway.FallbackClasses.String(), ", ") {
		if c, _ := gateway.ParseClass(name); name != class {
			on = on.With(c)
		}
	}
	return on
}

// play asks once, and tells how often the first provider was called.
func (p *classPlay) play(t *testing.T, backends int, on gateway.ClassSet, story string, check func(r *bubbleRig, a *told, calls int)) {
	t.Helper()
	tune := func(s *streamSetup) {
		s.Fallback = on
		if p.tune != nil {
			p.tune(s)
		}
	}
	inBubble(t, tune, backends, func(r *bubbleRig) {
		calls := strings.Count(story, "b0@")
		if p.down {
			delete(r.net, "b0:80")
			calls = r.retry.MaxAttempts
		} else {
			r.fault(0, p.fault)
		}
		a := r.ask(p.way)
		synctest.Wait()
		for i, sim := range r.sims {
			for _, req := range sim.Requests() {
				if string(req.Body) != asked(p.way.body) {
					t.Errorf("b%d was sent %q, want %q", i, req.Body, p.way.body)
				}
			}
		}
		check(r, &a, calls)
	})
}

// withAnother has another backend at hand, which is well.
func (p *classPlay) withAnother(t *testing.T) {
	t.Helper()
	if p.at == "" {
		p.aloneWith(t, 2, gateway.FallbackClasses)
		return
	}
	p.play(t, 2, gateway.FallbackClasses, p.story, func(r *bubbleRig, a *told, calls int) {
		if !asWell(a, "b1") || a.header.Get("X-Switchgear-Backend") != "b1" || a.header.Get("X-Switchgear-Attempts") != strconv.Itoa(calls+1) {
			t.Errorf("the client got %d %v %.200q, %v; want b1's answer at call %d", a.status, a.header, a.body, a.err, calls+1)
		}
		r.wantStory(strings.TrimSpace(p.story + " b1@" + p.at))
		r.wantTally(fmt.Sprintf("b0 %s:%d b1 Success:1", p.outcome, calls), "circuit_calls_total", "circuit", "outcome")
		r.wantTally(fmt.Sprintf("b0 %s:%d b1 Success:1", p.class, calls), "attempts_total", "backend", "class")
		r.wantTally("b1 Success:1", "requests_total", "backend", "class")
		r.wantTally(fmt.Sprintf("b0 b1 %s:1", p.class), "fallbacks_total", "from", "to", "class")
		r.wantRetries(p.class, calls)
	})
}

// aloneWith has no other backend that would be asked.
func (p *classPlay) aloneWith(t *testing.T, backends int, on gateway.ClassSet) {
	t.Helper()
	story := p.alone
	if story == "" {
		story = p.story
	}
	p.play(t, backends, on, story, func(r *bubbleRig, a *told, calls int) {
		r.wantStory(story)
		p.checkError(t, a, calls)
		r.wantTally(fmt.Sprintf("b0 %s:%d", p.outcome, calls), "circuit_calls_total", "circuit", "outcome")
		r.wantTally(fmt.Sprintf("b0 %s:%d", p.class, calls), "attempts_total", "backend", "class")
		r.wantTally(fmt.Sprintf("b0 %s:1", p.class), "requests_total", "backend", "class")
		r.wantTally("", "fallbacks_total", "from", "to", "class")
		r.wantRetries(p.class, calls)
	})
}

func (r *bubbleRig) wantRetries(class string, calls int) {
	r.t.Helper()
	want := ""
	if calls > 1 {
		want = fmt.Sprintf("b0 %s:%d", class, calls-1)
	}
	r.wantTally(want, "retries_total", "backend", "class")
}

// checkError checks the error that the client gets where nobody else answers.
func (p *classPlay) checkError(t *testing.T, a *told, calls int) {
	t.Helper()
	if a.err != nil || a.status != p.status || a.code() != p.code {
		t.Errorf("the client got %d, code %q, %v; want %d, %q: %.200q", a.status, a.code(), a.err, p.status, p.code, a.body)
	}
	if a.status == 200 { // its stream had begun
		if !strings.Contains(a.body, "error") {
			t.Errorf("no error in the stream: %.200q", a.body)
		}
		return
	}
	if got := a.header.Get("X-Switchgear-Backend"); got != "b0" {
		t.Errorf("the error is of %q, want b0", got)
	}
	if got := a.header.Get("X-Switchgear-Attempts"); got != strconv.Itoa(calls) {
		t.Errorf("%s attempts, want %d", got, calls)
	}
	own := p.code != "" || p.fault.Kind != "" // made by the gateway, if of an error in a 200
	class, _ := gateway.ParseClass(p.class)
	wait, _ := strconv.Atoi(p.fault.RetryAfter)
	decided := gateway.FallbackClasses.Has(class) && wait <= 5 // the route's maxRetryAfter
	if got := a.header.Get("X-Should-Retry") == "false"; got != (own || decided || calls > 1) {
		t.Errorf("after %d calls X-Should-Retry is %q", calls, a.header.Get("X-Should-Retry"))
	}
	if got := a.header.Get("Retry-After"); got != p.fault.RetryAfter && p.code == "" {
		t.Errorf("Retry-After is %q, want %q", got, p.fault.RetryAfter)
	}
	if want := p.fault.Message; want != "" && !strings.Contains(a.body, want) {
		t.Errorf("the client was told %q, want the provider's %q", a.body, want)
	}
}
