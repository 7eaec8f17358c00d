package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// clientsOfAKind ask for the same in the same way.
	clientsOfAKind = 2
	// thinking is how long a client rests after each answer.
	thinking = 150 * time.Millisecond
	// leaveEvery is how many requests a client sends before it leaves one without
	// its answer, after patienceOfSome at most.
	leaveEvery     = 10
	patienceOfSome = 700 * time.Millisecond
	// answerLimit is longer than any limit that the gateway has here, and any
	// stall of a replica.
	answerLimit = 90 * time.Second
)

// want is what a client asks for.
type want struct {
	dialect  dialect
	model    string
	streamed bool
	only     string // the provider; empty: as the route says
}

func (w want) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s in %s's dialect, streamed: %t %s", w.model, w.dialect, w.streamed, w.only))
}

// wants are all ways to ask: as the provider speaks, translated, streamed or not.
func wants() []want {
	var out []want
	for _, model := range models {
		for _, d := range []dialect{openAI, anthropic} {
			out = append(out, want{dialect: d, model: model}, want{dialect: d, model: model, streamed: true})
		}
	}
	return out
}

// probes ask each circuit by itself.
func probes() []want {
	out := []want{{dialect: openAI, model: "lone"}}
	for _, model := range []string{"gpt", "claude"} {
		out = append(out, want{dialect: openAI, model: model, only: "first"}, want{dialect: anthropic, model: model, only: "second"})
	}
	return out
}

// clients ask on and on, each one thing at a time.
type clients struct {
	stage *stage
	whole []string
	http  *http.Client
	next  atomic.Uint64

	cancel  context.CancelFunc
	running sync.WaitGroup
}

func newClients(s *stage) *clients {
	// A connection for each request, so that each meets the listener as it is.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: answerLimit}).DialContext}
	return &clients{stage: s, whole: s.whole(), http: &http.Client{Timeout: answerLimit, Transport: transport}}
}

// resume has them ask.
func (c *clients) resume(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	for _, w := range wants() {
		for range clientsOfAKind {
			c.running.Go(func() {
				for n := 1; ctx.Err() == nil; n++ {
					if n%leaveEvery == 0 {
						c.leave(w, time.Duration(n)*7*time.Millisecond%patienceOfSome)
					} else {
						c.ask(nil, w)
					}
					c.stage.pause(ctx, thinking)
				}
			})
		}
	}
}

// pause lets each have its answer, and ask no more.
func (c *clients) pause() {
	c.cancel()
	c.running.Wait()
}

// choose takes the replicas in turn, those that are in rotation; nil: none is.
func (c *clients) choose() *replica {
	n := int(c.next.Add(1) % numReplicas)
	for i := range numReplicas {
		if r := c.stage.replicas[(n+i)%numReplicas]; r.inRotation() {
			return r
		}
	}
	return nil
}

// ask asks a replica, or if it is nil the next in rotation, and tells how that
// went. What breaks off is a violation, unless the replica was killed meanwhile.
func (c *clients) ask(r *replica, w want) (outcome string) {
	record, begun := c.stage.record, time.Now()
	if r == nil {
		if r = c.choose(); r == nil {
			return ""
		}
	}
	p := r.now()
	got, err := c.send(context.Background(), p.GatewayURL, w) // it is to have its answer whatever ends meanwhile
	if err == nil {
		if outcome, err = judge(w.dialect, w.streamed, got, c.whole); err == nil {
			record.ended(outcome)
			return outcome
		}
	}
	switch {
	case r.killedSince(begun) && got.status == 0:
		record.ended("died with its replica")
	case refused(err) && (r.now() != p || !r.inRotation()):
		record.ended("came too late") // a balancer would send it to another
	default:
		record.violate("a request for %s to %s (%s), after %s: %v; it got %d %v %q", w, r.name, p.Pod,
			time.Since(begun).Round(time.Millisecond), err, got.status, got.header, got.body)
	}
	return ""
}

// leave asks and goes away, which frees what the request has held: that shows
// when nobody asks.
func (c *clients) leave(w want, after time.Duration) {
	r := c.choose()
	if r == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	if _, err := c.send(ctx, r.now().GatewayURL, w); err != nil {
		c.stage.record.ended("left")
	}
}

// refused reports whether a request was never taken.
func refused(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// send sends a request and reads the whole answer. With an error the reply is
// empty.
func (c *clients) send(ctx context.Context, url string, w want) (reply, error) {
	path, more := "/v1/chat/completions", ""
	if w.dialect == anthropic {
		path, more = "/v1/messages", `"max_tokens": 100, `
	}
	body := fmt.Sprintf(`{"model": %q, "stream": %t, %s"messages": [{"role": "user", "content": "Hello"}]}`, w.model, w.streamed, more)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/ns/"+namespace+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if w.only != "" {
		req.Header.Set("X-Soak", w.only)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, fmt.Errorf("reading the answer, after %q: %w", text, err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}, nil
}
