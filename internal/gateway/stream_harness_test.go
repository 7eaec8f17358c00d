package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/internal/gateway/circuit"
)

// patiently is how long a test waits for what must come.
const patiently = 20 * time.Second

// streamEndpoint is one of the endpoints that stream, with a request for it.
type streamEndpoint struct {
	name, path, body string
}

// The endpoints. Their models are those of newStreamRig's routes.
var (
	chatEndpoint      = streamEndpoint{"chat", "/v1/chat/completions", `{"model":"gpt","stream":true,"messages":[{"role":"user","content":"Hi"}]}`}
	messagesEndpoint  = streamEndpoint{"messages", "/v1/messages", `{"model":"claude","stream":true,"max_tokens":99,"messages":[{"role":"user","content":"Hi"}]}`}
	responsesEndpoint = streamEndpoint{"responses", "/v1/responses", `{"model":"gpt","stream":true,"input":"Hi"}`}

	// chatUsageEndpoint has a client that wants to know what a stream costs.
	chatUsageEndpoint = chatEndpoint.with("stream_options", `{"include_usage":true}`)

	streamEndpoints = []streamEndpoint{chatEndpoint, messagesEndpoint, responsesEndpoint}
)

// streamSetup is what a test may change of a rig.
type streamSetup struct {
	Policy   gateway.Policy
	Timeout  time.Duration // the routes', as the three below
	Retry    gateway.Retry // by default, nothing is repeated
	Fallback gateway.ClassSet
	Recovery gateway.StreamRecovery
	Prefill  []bool // which of the providers supports it
	Equals   bool   // all providers have one priority
	// Backend changes the n-th backend of a route; nil: nothing.
	Backend     func(n int, b *gateway.Backend)
	Options     gateway.Options
	ClientStall time.Duration
	CA          string // of the providers
	Key         string // the gateway's own credential; empty: none
	HTTP2       bool   // towards clients
	Wrap        func(http.Handler) http.Handler
}

// streamRig is a gateway in front of providers, all of which stand in each of
// its routes in the given order: the models gpt (OpenAI) and claude
// (Anthropic), and the path /ext, which is the providers' /http.
type streamRig struct {
	t        *testing.T
	gw       *gateway.Gateway
	url      string
	client   *http.Client
	registry *prometheus.Registry
}

// lenientPolicy is a policy whose circuit never opens by itself and whose limits
// no healthy test reaches.
func lenientPolicy(t *testing.T) gateway.Policy {
	t.Helper()
	failures, err := gateway.ParseStatusSet([]string{"5xx", "408"})
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Policy{
		ID: "p", Namespace: "default", Name: "p", FailureStatus: failures,
		Circuit: circuit.Settings{
			Window: time.Minute, SuccessThreshold: 1, ResetTimeout: time.Minute, MaxProbes: 1, ProbeLease: time.Minute,
			ResetBackoff: circuit.Backoff{Multiplier: 1, Max: time.Minute},
			Bulkhead:     circuit.BulkheadSettings{MaxConcurrent: 10_000},
		},
		Timeouts: gateway.Timeouts{
			Connect: patiently, FirstToken: patiently, Attempt: patiently, StreamIdle: patiently,
			StreamTotal: patiently, Abandoned: patiently,
		},
	}
}

// newStreamRig starts a gateway in front of the providers at these URLs.
func newStreamRig(t *testing.T, tune func(*streamSetup), providers ...string) *streamRig {
	t.Helper()
	s := newStreamSetup(t, tune)
	r := s.rig(t, providers)
	handler := http.Handler(r.gw)
	if s.Wrap != nil {
		handler = s.Wrap(handler)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if s.HTTP2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	r.url, r.client = server.URL, server.Client()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		r.gw.Close()
	})
	return r
}

// newStreamSetup is the setup of a rig where a test changes nothing but this.
func newStreamSetup(t *testing.T, tune func(*streamSetup)) *streamSetup {
	t.Helper()
	s := &streamSetup{
		Policy:      lenientPolicy(t),
		Timeout:     patiently,
		ClientStall: patiently,
		Options: gateway.Options{
			DefaultNamespace:  "default",
			AllowBackendCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Logger:            slog.New(slog.DiscardHandler),
		},
	}
	if tune != nil {
		tune(s)
	}
	return s
}

// rig makes the gateway, which listens nowhere yet.
func (s *streamSetup) rig(t *testing.T, providers []string) *streamRig {
	t.Helper()
	r := &streamRig{t: t, gw: gateway.New(s.Options), registry: prometheus.NewRegistry()}
	r.gw.SetClientStall(s.ClientStall)
	r.gw.Apply(s.snapshot(t, providers))
	r.registry.MustRegister(r.gw)
	return r
}

func (s *streamSetup) snapshot(t *testing.T, providers []string) *gateway.Snapshot {
	t.Helper()
	routes := []*gateway.Route{
		{Name: "gpt", Matches: []gateway.Match{{Pattern: "gpt"}}},
		{Name: "claude", Matches: []gateway.Match{{Pattern: "claude"}}},
		{Name: "ext", Matches: []gateway.Match{{Pattern: "/ext"}}, Path: true},
	}
	kinds := []struct {
		dialect gateway.Dialect
		base    string
	}{{gateway.OpenAI, "/v1"}, {gateway.Anthropic, ""}, {gateway.HTTP, "/http"}}
	for i, r := range routes {
		r.Namespace, r.Timeout = "default", s.Timeout
		r.Retry, r.Fallback, r.Recovery = s.Retry, s.Fallback, s.Recovery
		for n, provider := range providers {
			u, err := url.Parse(provider + kinds[i].base)
			if err != nil {
				t.Fatal(err)
			}
			r.Backends = append(r.Backends, &gateway.Backend{
				Name: fmt.Sprintf("b%d", n), Dialect: kinds[i].dialect, URL: u, Priority: n, Weight: 1,
				Policy: &s.Policy, TLS: gateway.TLS{CA: s.CA},
			})
			if s.Equals {
				r.Backends[n].Priority = 0
			}
			r.Backends[n].SupportsPrefill = n < len(s.Prefill) && s.Prefill[n]
			if s.Key != "" {
				b := r.Backends[n]
				b.Credential = gateway.Credential{Kind: gateway.CredentialSecret, Key: gateway.Secret(s.Key)}
				b.AuthHeader = "X-Api-Key"
			}
			if s.Backend != nil {
				s.Backend(n, r.Backends[n])
			}
			r.Matches[0].Circuits = append(r.Matches[0].Circuits,
				gateway.CircuitKey{Policy: s.Policy.ID, Origin: provider, Model: r.Name})
		}
	}
	return &gateway.Snapshot{Policies: []*gateway.Policy{&s.Policy}, Routes: routes}
}

// counts gathers a metric by the value of one of its labels, leaving out zeros.
func (r *streamRig) counts(metric, label string) map[string]int {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatalf("gathering: %v", err)
	}
	out := map[string]int{}
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		for _, m := range f.GetMetric() {
			key := ""
			for _, l := range m.GetLabel() {
				if l.GetName() == label {
					key = l.GetValue()
				}
			}
			if n := int(m.GetCounter().GetValue() + m.GetGauge().GetValue()); n != 0 {
				out[key] += n
			}
		}
	}
	return out
}

// wantEnds waits until as many requests have ended as are wanted and checks
// their classes, what they meant to the circuits, and that nothing is left of
// them.
func (r *streamRig) wantEnds(classes, outcomes map[string]int) {
	r.t.Helper()
	total := 0
	for _, n := range classes {
		total += n
	}
	var got map[string]int
	r.eventually("the ends of all requests", func() bool {
		got = r.counts("switchgear_requests_total", "class")
		n := 0
		for _, c := range got {
			n += c
		}
		return n >= total
	})
	if fmt.Sprint(got) != fmt.Sprint(classes) {
		r.t.Errorf("classes %v, want %v", got, classes)
	}
	if got := r.counts("switchgear_circuit_calls_total", "outcome"); fmt.Sprint(got) != fmt.Sprint(outcomes) {
		r.t.Errorf("outcomes %v, want %v", got, outcomes)
	}
	r.wantIdle()
}

// wantEnd is wantEnds of one request.
func (r *streamRig) wantEnd(class, outcome string) {
	r.t.Helper()
	r.wantEnds(map[string]int{class: 1}, map[string]int{outcome: 1})
}

// wantIdle waits until no slot is taken and no memory held.
func (r *streamRig) wantIdle() {
	r.t.Helper()
	r.eventually("an idle gateway", func() bool {
		return len(r.counts("switchgear_bulkhead_running", "")) == 0 && len(r.counts("switchgear_buffered_bytes", "")) == 0
	})
}

func (r *streamRig) running() int { return r.counts("switchgear_bulkhead_running", "")[""] }

// eventually waits for a condition.
func (r *streamRig) eventually(what string, cond func() bool) {
	r.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patiently)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("waited %v for %s", patiently, what)
		}
	}
}

// answer is a client's view of one answer.
type answer struct {
	t      *testing.T
	resp   *http.Response
	reader *bufio.Reader
	leave  context.CancelFunc
}

// open sends a request and returns when the headers of its answer are there.
func (r *streamRig) open(path, body string) *answer {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patiently)
	a, err := r.try(ctx, path, body)
	if err != nil {
		r.t.Fatalf("%s: %v", path, err)
	}
	a.leave = cancel
	r.t.Cleanup(func() {
		cancel()
		_ = a.resp.Body.Close()
	})
	return a
}

func (r *streamRig) try(ctx context.Context, path, body string) (*answer, error) {
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, r.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	return &answer{t: r.t, resp: resp, reader: bufio.NewReader(resp.Body)}, nil
}

// event reads one event, with its blank line.
func (a *answer) event() string {
	a.t.Helper()
	var b strings.Builder
	for {
		line, err := a.reader.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			a.t.Fatalf("after %q: %v", b.String(), err)
		}
		if strings.TrimRight(line, "\r\n") == "" {
			return b.String()
		}
	}
}

// rest reads to the end.
func (a *answer) rest() (string, error) {
	a.t.Helper()
	b, err := io.ReadAll(a.reader)
	if errors.Is(err, context.DeadlineExceeded) {
		a.t.Fatalf("no end after %v; %q", patiently, b)
	}
	return string(b), err
}

// whole reads to the end, which must be a good one.
func (a *answer) whole() string {
	a.t.Helper()
	b, err := a.rest()
	if err != nil {
		a.t.Errorf("after %q: %v", b, err)
	}
	return b
}

// split cuts a stream into its events.
func split(stream string) []string {
	events := strings.SplitAfter(stream, "\n\n")
	return events[:len(events)-1]
}

// varying is what differs between two answers of one provider.
var varying = regexp.MustCompile(`"created(_at)?":\d+|sim-\d+`)

// alike takes out what differs between two answers of one provider.
func alike(stream string) string { return varying.ReplaceAllString(stream, "*") }

// asked is what a provider is asked for a body of the client's: also what a stream
// costs.
func asked(body string) string {
	for _, why := range []string{`"messages":`, `"prompt":`} {
		if strings.Contains(body, why) && strings.Contains(body, `"stream":true`) && !strings.Contains(body, `"model":"claude"`) && !strings.Contains(body, "stream_options") {
			return strings.TrimSuffix(body, "}") + `,"stream_options":{"include_usage":true}}`
		}
	}
	return body
}

// direct asks a provider without a gateway, but as the gateway would, and returns
// what of its answer is the client's.
func direct(t *testing.T, provider string, e streamEndpoint) string {
	t.Helper()
	resp, err := http.Post(provider+e.path, "application/json", strings.NewReader(asked(e.body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if asked(e.body) == e.body {
		return alike(string(b))
	}
	hidden := func(e string) bool { return strings.Contains(e, `"choices":[],"usage":`) }
	return alike(strings.Join(slices.DeleteFunc(split(string(b)), hidden), ""))
}

// scripted is a provider that does what a test says.
type scripted struct {
	w http.ResponseWriter
	r *http.Request
}

// script starts a provider that answers each request with a script, once it has
// read the request.
func script(t *testing.T, play func(s scripted)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a gateway that leaves is no error here
		play(scripted{w, r})
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// stream begins an event stream.
func (s scripted) stream() {
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.send("")
}

// send writes and flushes.
func (s scripted) send(text string) {
	_, _ = io.WriteString(s.w, text) // the script ends with its request
	_ = http.NewResponseController(s.w).Flush()
}

// wait waits for a channel, or for the gateway to leave.
func (s scripted) wait(ch <-chan struct{}) {
	select {
	case <-ch:
	case <-s.r.Context().Done():
	}
}

// pause lets some time pass, unless the gateway leaves.
func (s scripted) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.r.Context().Done():
	}
}

// hang waits for the gateway to leave.
func (s scripted) hang() { <-s.r.Context().Done() }

// chunk is an event of a chat stream with some text, finish the one that ends
// it.
func chunk(text string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", text)
}

const (
	chatRole   = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
	chatFinish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	chatDone   = "data: [DONE]\n\n"
)

// block is a text for events that are to fill buffers.
func block(size int) string { return string(bytes.Repeat([]byte{'x'}, size)) }
