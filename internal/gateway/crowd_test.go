package gateway_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// TestACrowdThatComesAndGoesLeavesNothingBehind: thousands of clients leave at
// any moment (before their request is whole, in the queue, while waiting to
// retry, in the middle of a stream, while it is held or resumed), in front of
// providers that break in every way. In the end no goroutine, slot, place of a
// probe or byte is left.
func TestACrowdThatComesAndGoesLeavesNothingBehind(t *testing.T) {
	stories := []struct {
		name  string
		how   gateway.StreamRecovery
		http2 bool
	}{
		{"None over HTTP1", gateway.RecoverNothing, false},
		{"Resume over HTTP1", gateway.RecoverByResuming, false},
		{"Resume over HTTP2", gateway.RecoverByResuming, true},
		{"Buffer over HTTP1", gateway.RecoverByBuffering, false},
		{"Buffer over HTTP2", gateway.RecoverByBuffering, true},
	}
	ends := map[string]int{}
	for i, s := range stories {
		before := runtime.NumGoroutine()
		t.Run(s.name, func(t *testing.T) {
			c := newCrowd(t, uint64(i), s.how, s.http2)
			c.play(crowdSize / len(stories))
			for class, n := range c.wantCalm() {
				ends[class] += n
			}
		})
		settled(t, before)
	}
	for _, class := range []string{"Success", "ClientGone", "StreamError", "Timeout"} {
		if ends[class] == 0 {
			t.Errorf("nothing ended as %s: %v", class, ends)
		}
	}
}

// settled waits until no more goroutines are left than there were.
func settled(t *testing.T, before int) {
	t.Helper()
	for deadline := time.Now().Add(patiently); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, there were %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// crowd is a rig whose providers break by chance.
type crowd struct {
	*streamRig
	http2  bool
	rand   *rand.Rand // of the clients; guarded by mu
	mu     sync.Mutex
	healed atomic.Bool
}

func newCrowd(t *testing.T, seed uint64, how gateway.StreamRecovery, http2 bool) *crowd {
	t.Helper()
	c := &crowd{http2: http2, rand: rand.New(rand.NewPCG(seed, 1))}
	var urls []string
	for i := range 3 {
		a := &author{name: fmt.Sprintf("p%d", i), text: prose, breaks: always(-1)}
		urls = append(urls, serve(t, func(s scripted) { c.provide(a, s) }))
	}
	const little = 60 * time.Millisecond
	c.streamRig = newStreamRig(t, func(s *streamSetup) {
		recovering(how, true, true, false)(s)
		s.HTTP2 = http2
		s.Equals = true
		s.Timeout = 4 * little
		s.Policy.Timeouts = gateway.Timeouts{
			Connect: time.Second, FirstToken: little, Attempt: little, StreamIdle: little, StreamTotal: time.Second, Abandoned: little / 2,
		}
		s.Policy.Circuit.FailureThreshold = 12
		s.Policy.Circuit.ResetTimeout = 20 * time.Millisecond
		s.Policy.Circuit.MaxProbes = 2
		s.Policy.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 12, MaxQueued: 30, QueueTimeout: little}
		s.Retry = gateway.Retry{MaxAttempts: 2, InitialDelay: 5 * time.Millisecond, MaxDelay: 10 * time.Millisecond, Multiplier: 1, JitterPercent: 50, BudgetPercent: 50}
		s.Options.MaxBufferedBytes = 1 << 20
		s.Options.BodyTimeout = time.Second
	}, urls...)
	c.gw.SetPulseEvery(7 * time.Millisecond)
	return c
}

// chance draws a number below n.
func (c *crowd) chance(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.IntN(n)
}

// provide answers a request, mostly badly.
func (c *crowd) provide(a *author, s scripted) {
	// Before all else: a server sees its client leave only once it has read.
	body, err := io.ReadAll(s.r.Body)
	if err != nil {
		return
	}
	fate := c.chance(12)
	if c.healed.Load() {
		fate = 0
	}
	switch fate {
	case 6:
		s.w.Header().Set("Retry-After-Ms", "5")
		s.w.WriteHeader(http.StatusTooManyRequests)
		return
	case 7:
		s.w.WriteHeader(http.StatusServiceUnavailable)
		s.send(`{"error":{"message":"` + block(3000) + `"}}`)
		return
	case 8:
		s.hang()
		return
	case 9:
		panic(http.ErrAbortHandler)
	}
	if !strings.Contains(string(body), `"stream":true`) {
		s.pause(time.Duration(c.chance(5)) * time.Millisecond)
		s.send(chatAnswer)
		return
	}
	w := chatWriter
	if strings.HasSuffix(s.r.URL.Path, "/messages") {
		w = messagesWriter
	}
	s.stream()
	s.send(w.opening(a.name))
	for i := range pieces {
		s.send(w.piece(a.name, "abc"))
		switch {
		case fate < 4:
		case i == c.chance(pieces):
			return // an end that is none
		case fate == 10 && i > pieces/2:
			s.hang()
			return
		case fate == 11 && i > pieces/2:
			panic(http.ErrAbortHandler)
		default:
			s.pause(time.Millisecond)
		}
	}
	s.send(w.closing(a.name, pieces))
}

// play has so many clients come, many at a time.
func (c *crowd) play(clients int) {
	var wg sync.WaitGroup
	turns := make(chan struct{}, 150)
	for range clients {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			if !c.http2 && c.chance(8) == 0 {
				c.hangUp()
				return
			}
			c.visit()
		})
	}
	wg.Wait()
}

var crowdEndpoints = append([]streamEndpoint{unstreamedChat, {"path", "/ext/x", `{"stream":true,"messages":[0]}`}}, allStreamEndpoints...)

// visit asks, and leaves some time later or after some of the answer.
func (c *crowd) visit() {
	patience := time.Duration(c.chance(120_000)) * time.Microsecond
	if c.chance(4) == 0 {
		patience = patiently
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	e := crowdEndpoints[c.chance(len(crowdEndpoints))]
	a, err := c.try(ctx, e.path, strings.Replace(e.body, "Hi", block(c.chance(2000)), 1))
	if err != nil {
		return // it has left
	}
	defer a.resp.Body.Close()
	_, _ = io.CopyN(io.Discard, a.reader, int64(c.chance(4000))) // as much as it likes
}

// hangUp sends some of a request, or all of it, and closes the connection.
func (c *crowd) hangUp() {
	conn, err := (&net.Dialer{}).DialContext(c.t.Context(), "tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		c.t.Error(err)
		return
	}
	defer conn.Close()
	e := chatEndpoint
	request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", e.path, len(e.body), e.body)
	put(conn, request[:1+c.chance(len(request))])
	if c.chance(2) == 0 {
		_ = conn.(*net.TCPConn).SetLinger(0) // with a reset
	}
}

// wantCalm checks that nothing is left, and that all works again at once. It
// returns how the requests have ended.
func (c *crowd) wantCalm() map[string]int {
	c.t.Helper()
	c.wantIdle()
	c.eventually("an empty queue", func() bool { return len(c.counts("switchgear_bulkhead_queued", "")) == 0 })
	for _, s := range c.gw.ObservePolicy("p") {
		if s.Running != 0 || s.Queued != 0 {
			c.t.Errorf("circuit %s has %d running and %d queued", s.Key, s.Running, s.Queued)
		}
	}
	c.healed.Store(true)
	c.eventually("every circuit to close", func() bool {
		for _, e := range []streamEndpoint{chatEndpoint, messagesEndpoint, unstreamedChat} {
			c.open(e.path, e.body).whole()
		}
		for _, s := range c.gw.ObservePolicy("p") {
			if s.State != circuit.Closed && !strings.HasSuffix(s.Key.String(), "/ext") {
				return false
			}
		}
		return true
	})
	return c.counts("switchgear_requests_total", "class")
}
