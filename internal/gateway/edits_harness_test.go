package gateway_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

const (
	messagesAnswer = `{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn"}`
	refusedAnswer  = `{"error":{"message":"the prompt is against the rules","code":"content_filter"}}`
)

// desk is a provider whose answers depend on what it is asked: a prompt that says
// so is refused, or answered with a 500 at first.
type desk struct {
	down, flaky bool // in an outage; breaks off what it has begun
	url         string

	mu       sync.Mutex
	author   *author
	once     map[string]bool // guarded by mu: the prompts that were failed
	answered int             // guarded by mu, as all below
	refused  int
	failed   int // of down and flaky
	repeated int // failed once, to be repeated
}

func (d *desk) serve(t *testing.T, name string) {
	d.once = map[string]bool{}
	d.author = &author{name: name, text: prose, breaks: always(-1), pace: time.Millisecond}
	if d.flaky {
		d.author.breaks = always(3)
	}
	d.url = serve(t, d.answer)
}

func (d *desk) heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = false
}

// decide counts a request and says with which status it is answered; 0: broken off.
func (d *desk) decide(prompt string, streamed bool) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.down, d.flaky && !streamed:
		d.failed++
		return http.StatusInternalServerError
	case prompt == "refuse":
		d.refused++
		return http.StatusBadRequest
	case d.flaky:
		d.failed++
		return 0
	case strings.HasPrefix(prompt, "once ") && !d.once[prompt]:
		d.once[prompt] = true
		d.repeated++
		return http.StatusInternalServerError
	}
	d.answered++
	return http.StatusOK
}

func (d *desk) answer(s scripted) {
	raw, err := io.ReadAll(s.r.Body)
	if err != nil {
		return // the gateway has left
	}
	body := string(raw)
	s.r.Body = io.NopCloser(strings.NewReader(body))
	streamed := gjson.Get(body, "stream").Bool()
	switch status := d.decide(gjson.Get(body, "messages.0.content").String(), streamed); {
	case status == http.StatusBadRequest:
		s.w.WriteHeader(status)
		s.send(refusedAnswer)
	case status == http.StatusInternalServerError:
		s.w.WriteHeader(status)
		s.send(`{"error":{"message":"down"}}`)
	case streamed:
		d.author.answer(s)
	case strings.HasSuffix(s.r.URL.Path, "/messages"):
		s.send(messagesAnswer)
	default:
		s.send(chatAnswer)
	}
}

// calls is how many requests the desk has had.
func (d *desk) calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answered + d.refused + d.failed + d.repeated
}

// editor makes configurations that differ in all that may be edited while every
// request can still be answered: the desks down, flaky and good stay, extras come
// and go.
type editor struct {
	t      *testing.T
	rand   *rand.Rand
	ways   []gateway.StreamRecovery
	desks  map[string]*desk
	extras []*desk
	// reset is the resetTimeout of the provider that is down; 0: any long one.
	reset time.Duration
}

func (e *editor) between(least, most int) int { return least + e.rand.IntN(most-least+1) }

func oneOf[T any](e *editor, of ...T) T { return of[e.rand.IntN(len(of))] }

func (e *editor) policy(id string) *gateway.Policy {
	p := lenientPolicy(e.t)
	p.ID, p.Name = id, id
	seconds := func(least, most int) time.Duration { return time.Duration(e.between(least, most)) * time.Second }
	p.Timeouts = gateway.Timeouts{
		Connect: seconds(10, 20), FirstToken: seconds(10, 20), Attempt: seconds(10, 20), StreamIdle: seconds(10, 20),
		StreamTotal: seconds(10, 20), Abandoned: seconds(1, 20),
	}
	c := &p.Circuit
	c.FailureThreshold = oneOf(e, 0, 1_000_000)
	c.SlowCallRate = circuit.SlowRule{Percent: oneOf(e, 0, 100), Duration: time.Minute, MinimumRequests: 1}
	c.Window = seconds(1, 60)
	c.SuccessThreshold, c.MaxProbes, c.ProbeLease = e.between(1, 3), e.between(1, 3), seconds(20, 60)
	c.ResetTimeout = seconds(300, 600)
	c.ResetBackoff = circuit.Backoff{Multiplier: e.between(1, 3), Max: 2 * time.Hour, JitterPercent: e.between(0, 50)}
	c.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: oneOf(e, 0, 1, 3, 100), MaxQueued: e.between(1000, 2000), QueueTimeout: seconds(15, 20)}
	p.AllowBypass = oneOf(e, true, false)
	switch id {
	case "down":
		c.FailureThreshold = e.between(5, 9)
		if e.reset != 0 {
			c.ResetTimeout = e.reset
		}
	case "good":
		c.Mode = oneOf(e, circuit.Enforce, circuit.Observe)
	case "extra":
		c.Mode = oneOf(e, circuit.Enforce, circuit.Observe, circuit.Disabled)
		c.Override.Kind = oneOf(e, circuit.NoOverride, circuit.ForceOpen, circuit.ForceClosed)
	}
	return &p
}

// snapshot is the next configuration, without the extras at the end.
func (e *editor) snapshot(last bool) *gateway.Snapshot {
	s := &gateway.Snapshot{}
	policies := map[string]*gateway.Policy{}
	for _, id := range []string{"down", "flaky", "good", "extra"} {
		policies[id] = e.policy(id)
		s.Policies = append(s.Policies, policies[id])
	}
	route := func(pattern string, d gateway.Dialect, base string, names ...string) {
		r := newRoute(pattern)
		for _, name := range names {
			b := newBackend(e.t, d, e.desks[name].url+base, policies[name])
			b.Name = name
			r.Backends = append(r.Backends, b)
		}
		if pattern == "gpt" && !last {
			for i, x := range e.extras[:e.between(0, len(e.extras))] {
				b := newBackend(e.t, d, x.url+base, policies["extra"])
				b.Name = fmt.Sprintf("extra%d", i)
				r.Backends = append(r.Backends, b)
			}
		}
		e.shuffle(r)
		s.Routes = append(s.Routes, r)
	}
	route("gpt", gateway.OpenAI, "/v1", "down", "flaky", "good")
	route("claude", gateway.Anthropic, "", "down", "flaky", "good")
	route("/ext", gateway.HTTP, "/http", "down", "good")
	route("down", gateway.OpenAI, "/v1", "down")
	if !last && oneOf(e, true, false) {
		route("extra", gateway.OpenAI, "/v1", "good")
	}
	e.rand.Shuffle(len(s.Routes), func(i, j int) { s.Routes[i], s.Routes[j] = s.Routes[j], s.Routes[i] })
	return s
}

// shuffle gives a route's backends another order, and the route other settings.
func (e *editor) shuffle(r *gateway.Route) {
	e.rand.Shuffle(len(r.Backends), func(i, j int) { r.Backends[i], r.Backends[j] = r.Backends[j], r.Backends[i] })
	r.Timeout = time.Duration(e.between(15, 20)) * time.Second
	r.Fallback, r.Recovery = gateway.FallbackClasses, oneOf(e, e.ways...)
	r.Retry = gateway.Retry{
		MaxAttempts: e.between(2, 4), InitialDelay: time.Millisecond, MaxDelay: time.Duration(e.between(1, 5)) * time.Millisecond,
		Multiplier: e.between(1, 3), JitterPercent: e.between(0, 100), BudgetPercent: e.between(1000, 2000),
	}
	if !r.Path && oneOf(e, true, false) {
		r.Matches = append(r.Matches, gateway.Match{Pattern: r.Name + "-next"})
	}
	for _, b := range r.Backends {
		b.Priority, b.Weight, b.SupportsPrefill = e.between(0, 2), e.between(0, 1000), true
		b.Model = oneOf(e, "", "one", "another")
		b.TLS.ServerName = oneOf(e, "", "other") // a pool of its own
		for m := range r.Matches {
			r.Matches[m].Circuits = append(r.Matches[m].Circuits, gateway.CircuitKey{Policy: b.Policy.ID, Origin: b.URL.String(), Model: r.Name})
		}
	}
}
