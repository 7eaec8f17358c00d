package admin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

var (
	noon = time.Date(2026, 5, 4, 12, 0, 0, 123456789, time.UTC)
	key  = gateway.CircuitKey{Policy: "uid", Origin: "https://api.example.com", Model: "m"}

	opening = gateway.Transition{
		Circuit: key, Namespace: "team-a", Name: "openai", From: circuit.Closed, To: circuit.Open,
		Reason: circuit.ConsecutiveFailures, Message: "5 consecutive failures: 5 × HTTP 503", Time: noon,
	}
	refused = gateway.Refusal{
		Circuit: key, Namespace: "team-a", Policy: "openai", Route: "chat", Backend: "openai", RequestID: "r-1",
		Reason: circuit.CircuitOpen, NextProbe: noon.Add(30 * time.Second), Time: noon,
	}
)

// pipe is a client's end of a response that only takes what is read.
type pipe struct {
	header http.Header
	out    *io.PipeWriter
}

func (p *pipe) Header() http.Header         { return p.header }
func (p *pipe) WriteHeader(int)             {}
func (p *pipe) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p *pipe) FlushError() error           { return nil }

// listening starts a stream of events within a bubble. What the listener reads
// comes from the reader; leave ends it.
func listening(t *testing.T, f *Feed) (events *bufio.Reader, leave func()) {
	t.Helper()
	in, out := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/events", nil)
		NewHandler(Options{Feed: f}).ServeHTTP(&pipe{http.Header{}, out}, r)
		_ = out.Close()
	}()
	events = bufio.NewReader(in)
	if got := next(t, events); got != ": listening\n\n" {
		t.Fatalf("the stream begins with %q", got)
	}
	return events, func() {
		cancel()
		_ = in.Close()
		<-ended
	}
}

// next reads up to the next blank line.
func next(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var text strings.Builder
	for {
		line, err := r.ReadString('\n')
		text.WriteString(line)
		if err != nil {
			t.Fatalf("after %q: %v", text.String(), err)
		}
		if line == "\n" {
			return text.String()
		}
	}
}

func TestEventsSayWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFeed()
		events, leave := listening(t, f)
		defer leave()
		f.OnTransition(opening)
		f.OnRefusal(refused)
		builtIn := opening
		builtIn.Name, builtIn.From, builtIn.To = "", circuit.Open, circuit.HalfOpen
		builtIn.Reason, builtIn.Message = circuit.ResetTimeoutElapsed, "the reset timeout elapsed: probes are let through"
		f.OnTransition(builtIn)
		full := refused
		full.Reason, full.NextProbe = circuit.BulkheadFull, time.Time{}
		f.OnRefusal(full)
		for _, want := range []string{
			`event: transition
data: {"time":"2026-05-04T12:00:00.123Z","namespace":"team-a","policy":"openai","circuit":"api.example.com/m","from":"Closed","to":"Open","reason":"ConsecutiveFailures","message":"5 consecutive failures: 5 × HTTP 503"}

`, `event: refusal
data: {"time":"2026-05-04T12:00:00.123Z","namespace":"team-a","policy":"openai","circuit":"api.example.com/m","route":"chat","backend":"openai","requestID":"r-1","reason":"CircuitOpen","nextProbeTime":"2026-05-04T12:00:30.123Z"}

`, `event: transition
data: {"time":"2026-05-04T12:00:00.123Z","namespace":"team-a","circuit":"api.example.com/m","from":"Open","to":"HalfOpen","reason":"ResetTimeoutElapsed","message":"the reset timeout elapsed: probes are let through"}

`, `event: refusal
data: {"time":"2026-05-04T12:00:00.123Z","namespace":"team-a","policy":"openai","circuit":"api.example.com/m","route":"chat","backend":"openai","requestID":"r-1","reason":"BulkheadFull"}

`,
		} {
			if diff := cmp.Diff(want, next(t, events)); diff != "" {
				t.Errorf("the event differs (-want +got):\n%s", diff)
			}
		}
	})
}

func TestQuietStreamShowsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, leave := listening(t, NewFeed())
		defer leave()
		start := time.Now()
		if got := next(t, events); got != ": keep-alive\n\n" {
			t.Errorf("a quiet stream says %q", got)
		}
		if waited := time.Since(start); waited != keepAlivePeriod {
			t.Errorf("it said so after %s, want %s", waited, keepAlivePeriod)
		}
	})
}

func TestListenerThatStopsReadingHarmsNobodyAndIsToldWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFeed()
		slow, leaveSlow := listening(t, f)
		defer leaveSlow()
		quick, leaveQuick := listening(t, f)
		defer leaveQuick()

		f.OnRefusal(refusal(0))
		synctest.Wait() // the stream of the slow one stands in its first write
		const more = 5
		for i := 1; i <= ringSize+more; i++ {
			f.OnRefusal(refusal(i))
			if i == 1 {
				next(t, quick)
			}
			if got, want := next(t, quick), fmt.Sprintf(`"requestID":"%d"`, i); !strings.Contains(got, want) {
				t.Fatalf("the quick one heard %q, want %s", got, want)
			}
		}
		if got := next(t, slow); !strings.Contains(got, `"requestID":"0"`) {
			t.Errorf("the slow one first heard %q", got)
		}
		if got, want := next(t, slow), fmt.Sprintf("event: missed\ndata: {\"count\":%d}\n\n", more); got != want {
			t.Errorf("then it heard %q, want %q", got, want)
		}
		for i := more + 1; i <= ringSize+more; i++ {
			if got, want := next(t, slow), fmt.Sprintf(`"requestID":"%d"`, i); !strings.Contains(got, want) {
				t.Fatalf("the slow one heard %q, want %s", got, want)
			}
		}
	})
}

func TestStreamEndsWithTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFeed()
		events, leave := listening(t, f)
		defer leave()
		f.Close()
		if rest, err := io.ReadAll(events); err != nil || len(rest) != 0 {
			t.Errorf("the stream ended with %q, %v", rest, err)
		}
		w := httptest.NewRecorder()
		NewHandler(Options{Feed: f}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/events", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("a listener that came too late was answered %d", w.Code)
		}
	})
}
