package gateway_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
	"github.com/switchgear/switchgear/test/providersim"
)

// TestWhatARefusalMeansToTheCircuit: which answers open it, and for how long.
func TestWhatARefusalMeansToTheCircuit(t *testing.T) {
	const reset, most = 20 * time.Second, 10 * time.Minute
	type fault = providersim.Fault
	limited := func(retryAfter string) fault { return fault{Status: 429, RetryAfter: retryAfter} }
	for _, tc := range []struct {
		name    string
		action  gateway.RateLimitAction
		fault   fault
		outcome string
		opens   time.Duration // 0: not at all
	}{
		{"429 as a failure", gateway.RateLimitFailure, limited("90"), "Failure", 0},
		{"429 as a cooldown", gateway.RateLimitCooldown, limited("90"), "Throttled", 90 * time.Second},
		{"429 as a cooldown, without Retry-After", gateway.RateLimitCooldown, limited(""), "Throttled", reset},
		{"429 as a cooldown, with one of nonsense", gateway.RateLimitCooldown, limited("soon"), "Throttled", reset},
		{"429 as a cooldown, with one without end", gateway.RateLimitCooldown, limited("1e300"), "Throttled", most},
		{"429 as a cooldown, with one in the past", gateway.RateLimitCooldown, limited("Thu, 01 Jan 1998 00:00:00 GMT"), "Throttled", reset},
		{"429 as a cooldown, in milliseconds", gateway.RateLimitCooldown,
			fault{Status: 429, RetryAfter: "1", Header: map[string]string{"retry-after-ms": "60500"}}, "Throttled", 60500 * time.Millisecond},
		{"429 ignored", gateway.RateLimitIgnore, limited("90"), "Ignored", 0},
		{"rate_limit_error in a 200 as a cooldown", gateway.RateLimitCooldown,
			fault{Kind: providersim.ErrorBody, ErrorType: "rate_limit_error"}, "Throttled", reset},
		{"402", gateway.RateLimitIgnore, fault{Status: 402}, "Throttled", most},
		{"429 insufficient_quota", gateway.RateLimitIgnore, fault{Status: 429, RetryAfter: "1", ErrorType: "insufficient_quota"}, "Throttled", most},
		{"503 with Retry-After", gateway.RateLimitCooldown, fault{Status: 503, RetryAfter: "90"}, "Failure", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			p := newPolicy(t, func(p *gateway.Policy) {
				p.RateLimit = tc.action
				p.Circuit.FailureThreshold, p.Circuit.ResetTimeout, p.Circuit.ResetBackoff.Max = 2, reset, most
			})
			r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
			sim.SetFault(tc.fault)
			begun := time.Now()
			r.post(chatDoor)
			if got := r.counts("switchgear_circuit_calls_total", "outcome"); fmt.Sprint(got) != fmt.Sprint(map[string]int{tc.outcome: 1}) {
				t.Errorf("outcomes %v, want one %s", got, tc.outcome)
			}
			c := r.circuitOf("gpt")
			if tc.opens == 0 {
				if c.State != circuit.Closed {
					t.Errorf("the circuit is %v", c.State)
				}
				return
			}
			// A wall clock and the call itself are in between.
			if in := c.NextProbe.Sub(begun); c.State != circuit.Open || in < tc.opens-time.Second || in > tc.opens+5*time.Second {
				t.Errorf("the circuit is %v and will be probed in %v, want it open for %v", c.State, in, tc.opens)
			}
			r.post(chatDoor).wantOwn(t, chatDoor, http.StatusServiceUnavailable, "circuit_open")
			if n := sim.Count(); n != 1 {
				t.Errorf("the provider was asked %d times", n)
			}
		})
	}
}

// circuitOf is the one circuit of a door's route.
func (r *streamRig) circuitOf(route string) gateway.CircuitStatus {
	r.t.Helper()
	for _, c := range r.gw.ObservePolicy("p") {
		if c.Key.Model == route+" b" {
			return c
		}
	}
	r.t.Fatalf("route %s has no circuit", route)
	return gateway.CircuitStatus{}
}

// TestRefusalsAreNoCalls: they are counted by their reason, and as requests.
func TestRefusalsAreNoCalls(t *testing.T) {
	for _, tc := range []struct {
		name, class, reason string
		policy              func(*gateway.Policy)
	}{
		{"a circuit forced open", "CircuitOpen", "ForcedOpen", func(p *gateway.Policy) { p.Circuit.Override.Kind = circuit.ForceOpen }},
		{"a full bulkhead", "BulkheadFull", "BulkheadFull", func(p *gateway.Policy) {
			p.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1}
		}},
		{"a slow queue", "BulkheadFull", "BulkheadTimeout", func(p *gateway.Policy) {
			p.Circuit.Bulkhead = circuit.BulkheadSettings{MaxConcurrent: 1, MaxQueued: 9, QueueTimeout: 10 * time.Millisecond}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			sim := providersim.Start(t, providersim.Options{})
			p := newPolicy(t, tc.policy)
			r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
			asked := 0
			if p.Circuit.Bulkhead.MaxConcurrent == 1 {
				asked = 1
				sim.SetFault(providersim.Fault{Kind: providersim.Hang})
				r.begin(t.Context(), chatDoor)
				sim.WaitRunning(1)
			}
			for range 3 {
				r.post(chatDoor)
			}
			if got := r.counts("switchgear_requests_total", "class"); fmt.Sprint(got) != fmt.Sprint(map[string]int{tc.class: 3}) {
				t.Errorf("classes %v, want 3 of %s", got, tc.class)
			}
			if got := r.counts("switchgear_circuit_refusals_total", "reason"); fmt.Sprint(got) != fmt.Sprint(map[string]int{tc.reason: 3}) {
				t.Errorf("refusals %v, want 3 of %s", got, tc.reason)
			}
			if got := r.counts("switchgear_circuit_calls_total", "outcome"); len(got) != 0 || sim.Count() != asked {
				t.Errorf("calls %v of %d", got, sim.Count())
			}
		})
	}
}

// TestAClientThatLeaves: the provider's silence until then decides whose failure
// it is.
func TestAClientThatLeaves(t *testing.T) {
	for _, tc := range []struct {
		name           string
		abandoned      time.Duration
		class, outcome string
	}{
		{"soon", patiently, "ClientGone", "Ignored"},
		{"after a long silence", 10 * time.Millisecond, "Abandoned", "Failure"},
	} {
		for _, e := range doors {
			t.Run(tc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				sim := providersim.Start(t, providersim.Options{})
				sim.SetFault(providersim.Fault{Kind: providersim.Hang})
				p := newPolicy(t, func(p *gateway.Policy) { p.Timeouts.Abandoned = tc.abandoned })
				r := newRig(t, nil, doorRoutes(t, sim.URL, p)...)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				r.begin(ctx, e)
				sim.WaitRunning(1)
				silent := time.NewTimer(20 * time.Millisecond)
				<-silent.C
				leave()
				r.wantEnd(tc.class, tc.outcome)
				sim.Wait("the provider to be left", func() bool { return sim.Requests()[0].ClientLeft })
			})
		}
	}
}

// TestConnectTimeout bounds dialling, the handshake included, and nothing after.
func TestConnectTimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody else does
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	slow := providersim.Start(t, providersim.Options{Latency: shortly + soon})
	within := func(limit time.Duration) *gateway.Policy {
		return newPolicy(t, func(p *gateway.Policy) { p.Timeouts.Connect = limit })
	}
	for _, e := range doors {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil, doorRoutes(t, "https://"+silent.Addr().String(), within(soon))...)
			r.post(e).wantOwn(t, e, http.StatusGatewayTimeout, "upstream_timeout")
			r.wantEnd("Timeout", "Failure")
			r.apply(doorRoutes(t, slow.URL, within(shortly))...)
			if got := r.post(e); got.status != http.StatusOK {
				t.Errorf("a slow answer: status %d: %s", got.status, got.body)
			}
		})
	}
}

// TestRouteTimeout bounds a request whatever its attempts may take.
func TestRouteTimeout(t *testing.T) {
	sim := providersim.Start(t, providersim.Options{})
	sim.SetFault(providersim.Fault{Kind: providersim.Hang})
	for _, e := range doors {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			routes := doorRoutes(t, sim.URL, newPolicy(t))
			for _, route := range routes {
				route.Timeout = soon
			}
			r := newRig(t, nil, routes...)
			r.post(e).wantOwn(t, e, http.StatusGatewayTimeout, "upstream_timeout")
			r.wantEnd("Timeout", "Failure")
		})
	}
}
