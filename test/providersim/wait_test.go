package providersim_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/test/providersim"
)

func TestHangLastsUntilTheClientLeaves(t *testing.T) {
	for _, o := range []providersim.Options{{}, {HTTP2: true}} {
		s := providersim.Start(t, o)
		s.SetFault(providersim.Fault{Kind: providersim.Hang})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan result, 1)
		r, c := request(t, ctx, s, "POST", chatPath, chatBody), s.Client()
		go func() { ended <- do(c, r) }()
		s.WaitRunning(1)
		s.Heal()
		cancel()
		if got := <-ended; !errors.Is(got.err, context.Canceled) {
			t.Errorf("got %+v", got)
		}
		s.WaitRunning(0)
		if got := s.Requests()[0]; got.Fault != "hang" || !got.ClientLeft || got.Finished || got.Status != 0 {
			t.Errorf("logged %+v", got)
		}
	}
}

func TestHoldGoesOnWhenTheFaultIsSwitched(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Tokens: 4})
	s.SetFault(providersim.Fault{Kind: providersim.Hold})
	ended := make(chan result, 3)
	for range cap(ended) {
		r, c := request(t, t.Context(), s, "POST", chatPath, chatBody), s.Client()
		go func() { ended <- do(c, r) }()
	}
	s.WaitRunning(cap(ended))
	s.SetFault(providersim.Fault{Status: 500})
	for range cap(ended) {
		if got := <-ended; got.status != 200 || !strings.Contains(got.body, s.Answer()) {
			t.Errorf("got %+v", got)
		}
	}
	if s.MaxRunning() != 3 {
		t.Errorf("at most %d running", s.MaxRunning())
	}
}

func TestFaultsAreSwitchedWhileStreamsRun(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Tokens: 4})
	s.SetFault(providersim.Fault{Kind: providersim.Hold, AfterTokens: 2})
	_, held := open(t.Context(), t, s, messagePath, messageSSE, "word1")

	s.SetFault(providersim.Fault{Kind: providersim.Stall, AfterTokens: 1, KeepAlive: providersim.KeepAlivePing, KeepAliveEvery: time.Millisecond})
	readTo(t, held, "message_stop")
	ctx, leave := context.WithCancel(t.Context())
	_, stalled := open(ctx, t, s, messagePath, messageSSE, "sim:")
	readTo(t, stalled, "event: ping")

	s.SetFault(providersim.Fault{Status: 503})
	if got := post(t, s, messagePath, messageSSE); got.status != 503 {
		t.Errorf("after the switch: %d", got.status)
	}
	readTo(t, stalled, "event: ping")
	leave()
	s.WaitRunning(0)

	s.Heal()
	if got := post(t, s, messagePath, messageSSE); got.status != 200 || output(got.body) != s.Answer() {
		t.Errorf("healed: %+v", got)
	}
	var faults []string
	for _, r := range s.Requests() {
		faults = append(faults, r.Fault)
	}
	if diff := cmp.Diff([]string{"hold", "stall", "status", ""}, faults); diff != "" {
		t.Error(diff)
	}
	if r := s.Requests()[1]; !r.ClientLeft || r.Tokens != 1 || r.Finished {
		t.Errorf("the stalled one: %+v", r)
	}
}

func TestUnstreamedAnswerStallsInItsBody(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	s.SetFault(providersim.Fault{Kind: providersim.Stall})
	ctx, leave := context.WithCancel(t.Context())
	resp, err := s.Client().Do(request(t, ctx, s, "POST", chatPath, chatBody))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	half := make([]byte, resp.ContentLength/2)
	if _, err := io.ReadFull(resp.Body, half); err != nil || s.Running() != 1 {
		t.Errorf("%v, %d running", err, s.Running())
	}
	leave()
	s.WaitRunning(0)
}

func TestCommentsComeBeforeTheFirstToken(t *testing.T) {
	s := providersim.Start(t, providersim.Options{Tokens: 2})
	s.SetFault(providersim.Fault{
		FirstTokenDelay: 100 * time.Millisecond, KeepAlive: providersim.KeepAliveComment, KeepAliveEvery: time.Millisecond,
	})
	got := names(events(post(t, s, messagePath, messageSSE).body))
	if got[2] != "ping" || got[3] != ":" || got[len(got)-1] != "message_stop" {
		t.Errorf("events %v", got)
	}
	if s.Requests()[0].Fault != "delay" {
		t.Errorf("logged as %q", s.Requests()[0].Fault)
	}
}

func TestDelaysAddUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		body  string
		fault providersim.Fault
		want  time.Duration
	}{
		{"latency alone", chatBody, providersim.Fault{}, time.Second},
		{"before headers", chatBody, providersim.Fault{HeaderDelay: time.Minute}, 61 * time.Second},
		{"before a status", chatBody, providersim.Fault{HeaderDelay: time.Minute, Status: 503}, 61 * time.Second},
		{"before the body", chatBody, providersim.Fault{FirstTokenDelay: time.Hour}, time.Hour + time.Second},
		{"before the first token", chatStream, providersim.Fault{FirstTokenDelay: time.Hour}, time.Hour + time.Second + 300*time.Millisecond},
		{"between tokens", chatStream, providersim.Fault{TokenDelay: time.Minute}, 3*time.Minute + time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := providersim.New(providersim.Options{Tokens: 4, Latency: time.Second, TokenDelay: 100 * time.Millisecond})
				if err := sim.SetFault(c.fault); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				sim.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", chatPath, strings.NewReader(c.body)))
				if took := time.Since(start); took != c.want {
					t.Errorf("took %v, want %v", took, c.want)
				}
			})
		})
	}
}

func TestDropBreaksWhatIsRunningAndNothingElse(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	s.SetFault(providersim.Fault{Kind: providersim.Stall, AfterTokens: 1, Requests: 1})
	_, stalled := open(t.Context(), t, s, chatPath, chatStream, "sim:")
	s.Drop()
	if _, err := io.ReadAll(stalled); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v", err)
	}
	s.WaitRunning(0)
	if r := s.Requests()[0]; r.Fault != "drop" || r.Finished || r.ClientLeft {
		t.Errorf("logged %+v", r)
	}
	if got := post(t, s, chatPath, chatStream); output(got.body) != s.Answer() {
		t.Errorf("afterwards: %+v", got)
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	for _, o := range []providersim.Options{{}, {TLS: true}, {HTTP2: true}} {
		s := providersim.Start(t, o)
		s.SetFault(
			providersim.Fault{Kind: providersim.Hang, Requests: 2},
			providersim.Fault{Kind: providersim.Stall, KeepAlive: providersim.KeepAliveComment, KeepAliveEvery: time.Millisecond},
		)
		ended := make(chan result, 4)
		c := s.Client()
		for range cap(ended) {
			r := request(t, t.Context(), s, "POST", chatPath, chatStream)
			go func() { ended <- do(c, r) }()
		}
		s.WaitRunning(cap(ended))
		if serverGoroutines(t) == "" {
			t.Error("no goroutine is seen of a running server")
		}
		if err := s.Instance.Close(); err != nil {
			t.Fatal(err)
		}
		for range cap(ended) {
			if got := <-ended; got.err == nil {
				t.Errorf("got %+v", got)
			}
		}
		c.CloseIdleConnections()
		if s.Running() != 0 {
			t.Errorf("%d running", s.Running())
		}
		for _, r := range s.Requests() {
			if r.ClientLeft || r.Finished {
				t.Errorf("logged as left %t, finished %t", r.ClientLeft, r.Finished)
			}
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := serverGoroutines(t)
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind:\n%s", left)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// serverGoroutines are the stacks that the sims or their servers have a hand in.
func serverGoroutines(t *testing.T) string {
	t.Helper()
	var all, left strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&all, 2); err != nil {
		t.Fatal(err)
	}
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, "net/http.(*conn)") || strings.Contains(stack, "net/http.(*Server)") || strings.Contains(stack, "providersim.(*") {
			left.WriteString(stack + "\n\n")
		}
	}
	return left.String()
}
