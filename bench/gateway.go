package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchgear/switchgear/internal/gateway"
)

// The models that the gateway has a route for, each with circuits of its own.
const (
	plain     = "gpt-4o"    // one backend, nothing else
	resilient = "resilient" // two backends, retry, fallback, Resume
	buffered  = "buffered"  // the same, Buffer
	// broken fails at the provider, so that its circuit opens.
	broken      = "broken"
	failingOver = "failing-over" // two backends, the first broken

	claude = "claude" // one backend of Anthropic's dialect
)

// heldPath tells, on the debug listener, the bytes that the gateway holds.
const heldPath = "/held"

// newGateway is the whole data plane, with a bulkhead.
func newGateway(target string) (http.Handler, error) {
	u, err := url.Parse(target + "/v1")
	if err != nil {
		return nil, err
	}
	policy, err := newPolicy()
	if err != nil {
		return nil, err
	}
	backend := func(name, model string, priority int) *gateway.Backend {
		return &gateway.Backend{
			Name: name, Dialect: gateway.OpenAI, URL: u, Model: model, Priority: priority, Weight: 1, Policy: policy,
			Credential: gateway.Credential{Kind: gateway.CredentialSecret, Key: "key"},
			AuthHeader: "Authorization", AuthPrefix: "Bearer ", SupportsPrefill: true,
		}
	}
	one := []*gateway.Backend{backend("first", "", 0)}
	anthropic := backend("first", "", 0)
	anthropic.Dialect, anthropic.DefaultMaxTokens = gateway.Anthropic, 4096
	if anthropic.URL, err = url.Parse(target); err != nil {
		return nil, err
	}
	two := []*gateway.Backend{backend("first", plain, 0), backend("second", plain, 1)}
	routes := []*gateway.Route{
		newRoute(plain, one),
		newRoute(broken, one),
		newRoute(claude, []*gateway.Backend{anthropic}),
		withRecovery(newRoute(resilient, two), gateway.RecoverByResuming),
		withRecovery(newRoute(buffered, two), gateway.RecoverByBuffering),
		withRecovery(newRoute(failingOver, []*gateway.Backend{backend("first", broken, 0), two[1]}), gateway.RecoverNothing),
	}
	g := gateway.New(gateway.Options{
		Logger:            slog.New(slog.DiscardHandler),
		DefaultNamespace:  "bench",
		AllowBackendCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	g.Apply(&gateway.Snapshot{Version: "bench", Policies: []*gateway.Policy{policy}, Routes: routes})
	http.HandleFunc(heldPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, held(g)) })
	return g, nil
}

func newPolicy() (*gateway.Policy, error) {
	failures, err := gateway.ParseStatusSet([]string{"5xx", "408"})
	if err != nil {
		return nil, err
	}
	policy := &gateway.Policy{
		ID: "p", Namespace: "bench", Name: "p", Circuit: settings(), FailureStatus: failures,
		Timeouts: gateway.Timeouts{
			Connect: 5 * time.Second, FirstToken: time.Minute, Attempt: 10 * time.Minute,
			StreamIdle: 20 * time.Second, StreamTotal: time.Hour, Abandoned: 30 * time.Second,
		},
	}
	policy.Circuit.Bulkhead.MaxConcurrent = 10_000
	policy.Circuit.ResetTimeout = time.Hour
	return policy, nil
}

func newRoute(model string, backends []*gateway.Backend) *gateway.Route {
	r := &gateway.Route{
		Namespace: "bench", Name: model, Timeout: 5 * time.Minute,
		Matches:  []gateway.Match{{Pattern: model}},
		Backends: backends,
	}
	for _, b := range backends {
		r.Matches[0].Circuits = append(r.Matches[0].Circuits,
			gateway.CircuitKey{Policy: "p", Model: model, Origin: "https://" + b.Name})
	}
	return r
}

func withRecovery(r *gateway.Route, recovery gateway.StreamRecovery) *gateway.Route {
	r.Retry = gateway.Retry{
		MaxAttempts: 3, InitialDelay: 500 * time.Millisecond, MaxDelay: 10 * time.Second,
		Multiplier: 2, JitterPercent: 25, MaxRetryAfter: 5 * time.Second, BudgetPercent: 20,
	}
	r.Fallback = gateway.FallbackClasses
	r.Recovery = recovery
	return r
}

// held reads the gateway's own gauge.
func held(g *gateway.Gateway) int64 {
	registry := prometheus.NewRegistry()
	registry.MustRegister(g)
	families, err := registry.Gather()
	if err != nil {
		return -1
	}
	for _, f := range families {
		if f.GetName() == "switchgear_buffered_bytes" {
			return int64(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return -1
}
