package gateway_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

var (
	completionsEndpoint = streamEndpoint{"completions", "/v1/completions", `{"model":"gpt","stream":true,"max_tokens":50,"prompt":"Hi"}`}

	allStreamEndpoints = append([]streamEndpoint{completionsEndpoint}, streamEndpoints...)
	// resumableEndpoints are those whose answers another backend can go on with.
	resumableEndpoints = []streamEndpoint{chatEndpoint, messagesEndpoint}
)

// recovering makes streams be recovered in a way, and stalls be noticed soon.
func recovering(how gateway.StreamRecovery, prefill ...bool) func(*streamSetup) {
	return func(s *streamSetup) {
		s.Recovery = how
		s.Prefill = prefill
		s.Fallback = gateway.FallbackClasses
		s.Policy.Timeouts.StreamIdle = shortly
	}
}

// breaks are the ways in which a stream is lost in the middle, after some tokens.
var breaks = []struct {
	name  string
	fault providersim.Fault
}{
	{"reset", providersim.Fault{Kind: providersim.Reset, AfterTokens: 3, TokenDelay: 20 * time.Millisecond}},
	{"cut", providersim.Fault{Kind: providersim.Cut, AfterTokens: 3}},
	{"cut before the finish", providersim.Fault{Kind: providersim.Cut, AfterTokens: 99}},
	{"stalled", providersim.Fault{Kind: providersim.Stall, AfterTokens: 3}},
	{"stalled with comments", providersim.Fault{Kind: providersim.Stall, AfterTokens: 3, KeepAlive: providersim.KeepAliveComment}},
	{"malformed twice", providersim.Fault{Kind: providersim.Malformed, Events: 2, AfterTokens: 3}},
	{"no end", providersim.Fault{Kind: providersim.MissingEnd, AfterTokens: 3}},
	{"an error event", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: 3, ErrorType: "server_error"}},
	{"overloaded", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: 3, ErrorType: "overloaded_error"}},
	{"rate limited", providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: 3, ErrorType: "rate_limit_error"}},
}

// pair starts two providers that can be told apart by their ids.
func pair(t *testing.T) (first, second *providersim.Server) {
	t.Helper()
	return providersim.Start(t, providersim.Options{Name: "first-sim"}), providersim.Start(t, providersim.Options{Name: "second-sim", Tokens: 11})
}

// bodies are what a provider was asked.
func bodies(s *providersim.Server) []string {
	var out []string
	for _, r := range s.Requests() {
		out = append(out, string(r.Body))
	}
	return out
}

// wantHeaders checks who answered, after so many attempts.
func (a *answer) wantHeaders(status int, backend string, attempts int) {
	a.t.Helper()
	h := a.resp.Header
	if a.resp.StatusCode != status || h.Get("X-Switchgear-Backend") != backend || h.Get("X-Switchgear-Attempts") != fmt.Sprint(attempts) {
		a.t.Errorf("status %d of %s after %s attempts, want %d of %s after %d", a.resp.StatusCode,
			h.Get("X-Switchgear-Backend"), h.Get("X-Switchgear-Attempts"), status, backend, attempts)
	}
}

// wantRecovered checks how many streams were made whole, by backend.
func (r *streamRig) wantRecovered(want map[string]int) {
	r.t.Helper()
	if got := r.counts("switchgear_recovered_streams_total", "backend"); fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("recovered streams %v, want %v", got, want)
	}
}

// heard is what a client makes of a stream.
type heard struct {
	text   string
	ids    map[string]bool
	starts int // roles or message_starts
	open   int // blocks that have begun and not ended
	usage  int
	ends   int // [DONE] or message_stop
	errors int
}

// hear puts an answer together, as the official SDKs do. Comments are nothing.
func hear(t *testing.T, stream string) heard {
	t.Helper()
	h := heard{ids: map[string]bool{}}
	for _, e := range withoutComments(split(stream)) {
		_, data, ok := strings.Cut(e, "data: ")
		data = strings.TrimSuffix(data, "\n\n")
		if data == "[DONE]" {
			h.ends++
			continue
		}
		if !ok || !gjson.Valid(data) || strings.Contains(data, "\n") || h.ends > 0 || h.errors > 0 {
			t.Fatalf("%q is no event of an answer that goes on: %+v", e, h)
		}
		d := gjson.Parse(data)
		for _, id := range []string{"id", "message.id"} {
			if v := d.Get(id).String(); v != "" {
				h.ids[v] = true
			}
		}
		h.text += d.Get("choices.0.delta.content").String() + d.Get("choices.0.text").String() + d.Get("delta.text").String()
		h.usage += int(d.Get("usage.completion_tokens").Int() + d.Get("usage.output_tokens").Int())
		if d.Get("choices.0.delta.role").Exists() {
			h.starts++
		}
		if d.Get("error").IsObject() {
			h.errors++
		}
		switch d.Get("type").String() {
		case "message_start":
			h.starts++
		case "content_block_start":
			h.open++
		case "content_block_stop":
			h.open--
		case "message_stop":
			h.ends++
		}
	}
	return h
}

// wantBegun checks that an answer has begun well and not with an error.
func (a *answer) wantBegun() {
	a.t.Helper()
	if a.resp.StatusCode != http.StatusOK || a.resp.Header.Get("X-Switchgear-Error") != "" {
		a.t.Fatalf("status %d, headers %v", a.resp.StatusCode, a.resp.Header)
	}
}

// serve starts a provider that reads its requests itself.
func serve(t *testing.T, play func(s scripted)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { play(scripted{w, r}) }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
