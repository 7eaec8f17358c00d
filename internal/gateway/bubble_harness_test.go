package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

const (
	second = time.Second
	minute = time.Minute
)

// bubbleRig is a rig on a clock that moves only while everybody waits, with
// connections in memory: what is told of times is exact, and takes none.
type bubbleRig struct {
	*streamRig
	// sims are the providers b0, b1 and so on.
	sims  []*providersim.Sim
	net   memoryNet
	began time.Time
	retry gateway.Retry
}

// inBubble plays a story on a bubbleRig, which has the values that are in force
// where policy and route say nothing, and no chance in them. In the end nobody
// may have left anything behind.
func inBubble(t *testing.T, tune func(*streamSetup), providers int, play func(r *bubbleRig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStreamSetup(t, func(s *streamSetup) {
			balanced(s)
			if tune != nil {
				tune(s)
			}
		})
		r := &bubbleRig{net: memoryNet{}, began: time.Now()}
		urls := make([]string, providers)
		for i := range providers {
			sim := providersim.New(providersim.Options{Name: fmt.Sprintf("b%d", i)})
			r.sims = append(r.sims, sim)
			urls[i] = fmt.Sprintf("http://b%d", i)
			r.net.serve(t, fmt.Sprintf("b%d:80", i), sim)
			t.Cleanup(sim.Close)
		}
		r.streamRig, r.retry = s.rig(t, urls), s.Retry
		r.gw.SetDial(r.net.dial)
		r.net.serve(t, "gateway:80", r.gw)
		r.url = "http://gateway"
		transport := &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return r.net.dial(ctx, address)
		}}
		r.client = &http.Client{Transport: transport}
		t.Cleanup(func() {
			transport.CloseIdleConnections()
			r.gw.Close()
		})
		play(r)
		synctest.Wait()
		if running, held := r.running(), r.counts("switchgear_buffered_bytes", ""); running != 0 || len(held) != 0 {
			t.Errorf("in the end %d calls run and %v bytes are held", running, held[""])
		}
		for i, sim := range r.sims {
			if n := sim.Running(); n != 0 {
				t.Errorf("in the end b%d serves %d requests", i, n)
			}
		}
	})
}

// balanced are the values in force where policy and route say nothing.
func balanced(s *streamSetup) {
	s.Policy.Circuit = circuit.Settings{
		FailureThreshold: 5,
		FailureRate:      circuit.RateRule{Percent: 50, MinimumRequests: 20},
		Window:           30 * time.Second,
		SuccessThreshold: 2,
		ResetTimeout:     30 * time.Second,
		ResetBackoff:     circuit.Backoff{Multiplier: 1, Max: 5 * time.Minute, JitterPercent: 10},
		MaxProbes:        1,
		ProbeLease:       10 * time.Minute,
	}
	s.Policy.Timeouts = gateway.Timeouts{
		Connect: 5 * time.Second, FirstToken: time.Minute, Attempt: 10 * time.Minute,
		StreamIdle: 20 * time.Second, StreamTotal: time.Hour, Abandoned: 30 * time.Second,
	}
	s.Timeout = 5 * time.Minute
	s.Retry = gateway.Retry{
		MaxAttempts: 3, InitialDelay: 500 * time.Millisecond, MaxDelay: 10 * time.Second,
		Multiplier: 2, JitterPercent: 25, MaxRetryAfter: 5 * time.Second, BudgetPercent: 20,
	}
	s.Fallback = gateway.FallbackClasses
	s.Options.Rand = func() float64 { return 0.5 }
}

// fault puts faults of a provider in force.
func (r *bubbleRig) fault(provider int, faults ...providersim.Fault) {
	r.t.Helper()
	if err := r.sims[provider].SetFault(faults...); err != nil {
		r.t.Fatal(err)
	}
}

// told is what a client got.
type told struct {
	status int
	header http.Header
	body   string
	err    error // why there was no answer, or no whole one
	after  time.Duration
}

// code is the gateway's own, or the provider's, that an SDK would look at.
func (a *told) code() string { return a.header.Get("X-Switchgear-Error") }

// ask sends a request, with headers that are pairs, and reads the answer to its
// end.
func (r *bubbleRig) ask(way asking, headers ...string) told {
	r.t.Helper()
	return r.askUntil(r.t.Context(), way, headers...)
}

// askUntil is ask by a client that leaves when the context ends.
func (r *bubbleRig) askUntil(ctx context.Context, way asking, headers ...string) told {
	r.t.Helper()
	method := http.MethodPost
	if way.body == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, r.url+way.path, strings.NewReader(way.body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.do(req)
}

func (r *bubbleRig) do(req *http.Request) told {
	r.t.Helper()
	begun := time.Now()
	resp, err := r.client.Do(req)
	if err != nil {
		return told{err: err, after: time.Since(begun)}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return told{resp.StatusCode, resp.Header, string(b), err, time.Since(begun)}
}

// askFor asks for no longer than that, and then leaves.
func (r *bubbleRig) askFor(patience time.Duration, way asking) told {
	r.t.Helper()
	ctx, leave := context.WithTimeout(r.t.Context(), patience)
	defer leave()
	return r.askUntil(ctx, way)
}

// story lists the calls that the providers saw, in order, and when: "b0@0s
// b0@500ms b1@1.5s".
func (r *bubbleRig) story() string {
	type call struct {
		at   time.Duration
		what string
	}
	var calls []call
	for i, sim := range r.sims {
		for _, req := range sim.Requests() {
			at := req.Time.Sub(r.began)
			calls = append(calls, call{at, fmt.Sprintf("b%d@%v", i, at)})
		}
	}
	slices.SortStableFunc(calls, func(a, b call) int { return int(a.at - b.at) })
	out := make([]string, len(calls))
	for i, c := range calls {
		out[i] = c.what
	}
	return strings.Join(out, " ")
}

// wantStory checks what the providers saw.
func (r *bubbleRig) wantStory(want string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.story(); got != want {
		r.t.Errorf("the providers saw %q, want %q", got, want)
	}
}

// tally gathers a metric by the values of some of its labels, leaving out
// zeros: "b0 ServerError:3 b1 Success:1". A circuit is told by its provider.
func (r *streamRig) tally(metric string, labels ...string) string {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatalf("gathering: %v", err)
	}
	counts := map[string]int{}
	for _, f := range families {
		if f.GetName() != "switchgear_"+metric {
			continue
		}
		for _, m := range f.GetMetric() {
			values := make([]string, len(labels))
			for _, l := range m.GetLabel() {
				if i := slices.Index(labels, l.GetName()); i >= 0 {
					host, _, _ := strings.Cut(strings.TrimPrefix(l.GetValue(), "http://"), "/")
					values[i] = host
				}
			}
			n := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			counts[strings.Join(values, " ")] += int(n)
		}
	}
	var out []string
	for key, n := range counts {
		if n != 0 {
			out = append(out, fmt.Sprintf("%s:%d", key, n))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// wantTally checks a metric by the values of some of its labels.
func (r *bubbleRig) wantTally(want, metric string, labels ...string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.tally(metric, labels...); got != want {
		r.t.Errorf("%s is %q, want %q", metric, got, want)
	}
}

// memoryNet are servers by their address.
type memoryNet map[string]*memoryListener

// serve starts a server at an address, until the test ends.
func (n memoryNet) serve(t *testing.T, address string, h http.Handler) {
	l := &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n[address] = l
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(l) }() // it ends with the listener
	t.Cleanup(func() { _ = server.Close() })
}

var errRefused = errors.New("connection refused")

func (n memoryNet) dial(ctx context.Context, address string) (net.Conn, error) {
	l := n[address]
	if l == nil {
		return nil, errRefused
	}
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, errRefused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// Accept is net.Listener's.
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is net.Listener's.
func (l *memoryListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }
