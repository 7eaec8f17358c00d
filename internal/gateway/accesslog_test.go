package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// logbook is where a gateway logs to.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// logging has a gateway log to a book, of a level, with so many lines of access.
func (l *logbook) logging(level slog.Level, limit int) func(*streamSetup) {
	return func(s *streamSetup) {
		s.Options.Logger = slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level}))
		s.Options.AccessLog = limit
	}
}

// requests are the lines of access, without time and level.
func (l *logbook) requests(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(l.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if entry["msg"] != "Request" {
			continue
		}
		if entry["level"] != "INFO" {
			t.Errorf("the level is %v", entry["level"])
		}
		for _, key := range []string{"msg", "time", "level"} {
			delete(entry, key)
		}
		out = append(out, entry)
	}
	return out
}

// entry is a line of access: the given fields, and those that every line has.
func entry(fields map[string]any) map[string]any {
	out := map[string]any{"requestID": "r-1", "method": "POST", "stream": false, "attempts": 1.0, "durationSeconds": 0.0}
	for key, value := range fields {
		out[key] = value
		if value == nil {
			delete(out, key)
		}
	}
	return out
}

func TestEveryRequestHasALine(t *testing.T) {
	chat := map[string]any{"endpoint": "/v1/chat/completions", "namespace": "default", "route": "gpt", "model": "gpt"}
	with := func(base map[string]any, more ...any) map[string]any {
		out := maps.Clone(base)
		for i := 0; i < len(more); i += 2 {
			out[more[i].(string)] = more[i+1]
		}
		return entry(out)
	}
	tokens := func(body string) float64 { return float64(1 + len(body)/4) }
	for _, tc := range []struct {
		name   string
		way    asking
		faults [2]providersim.Fault
		want   map[string]any
	}{
		{"whole", chatWhole, [2]providersim.Fault{{HeaderDelay: 2 * second}},
			with(chat, "backend", "b0", "class", "Success", "status", 200.0, "durationSeconds", 2.0, "inputTokens", tokens(chatWhole.body), "outputTokens", 8.0)},
		{"streamed", chatStream, [2]providersim.Fault{{FirstTokenDelay: 3 * second, TokenDelay: second}},
			with(chat, "stream", true, "backend", "b0", "class", "Success", "status", 200.0, "durationSeconds", 10.0, "firstTokenSeconds", 3.0,
				"inputTokens", tokens(asked(chatStream.body)), "outputTokens", 8.0)},
		{"answered by another backend", chatWhole, [2]providersim.Fault{{Status: 404, HeaderDelay: second}},
			with(chat, "backend", "b1", "class", "Success", "status", 200.0, "attempts", 2.0, "durationSeconds", 1.0, "inputTokens", tokens(chatWhole.body), "outputTokens", 8.0)},
		{"refused by the provider", chatWhole, [2]providersim.Fault{{Status: 418}},
			with(chat, "backend", "b0", "class", "Rejected", "status", 418.0)},
		{"broken in the middle", messagesStream, [2]providersim.Fault{{Kind: providersim.Cut, AfterTokens: 2}},
			entry(map[string]any{"endpoint": "/v1/messages", "namespace": "default", "route": "claude", "model": "claude", "stream": true, "backend": "b0",
				"class": "StreamError", "status": 200.0, "inputTokens": tokens(messagesStream.body), "outputTokens": 1.0})},
		{"a path", pathGet, [2]providersim.Fault{},
			entry(map[string]any{"method": "GET", "endpoint": "/ext", "namespace": "default", "route": "ext", "backend": "b0", "class": "Success", "status": 200.0})},
		{"an unknown model", asking{"", "/v1/chat/completions", `{"model":"x","messages":[]}`}, [2]providersim.Fault{},
			entry(map[string]any{"endpoint": "/v1/chat/completions", "model": "x", "attempts": 0.0, "status": 404.0, "code": "model_not_found"})},
		{"an unknown path", asking{"", "/ns/sk-secret/v1/what", ""}, [2]providersim.Fault{},
			entry(map[string]any{"method": "GET", "endpoint": "/v1/*", "attempts": 0.0, "status": 404.0, "code": "no_route"})},
		{"a path that nobody has", asking{"", "/sk-secret", ""}, [2]providersim.Fault{},
			entry(map[string]any{"method": "GET", "attempts": 0.0, "status": 404.0, "code": "no_route"})},
		{"the models", asking{"", "/v1/models", ""}, [2]providersim.Fault{},
			entry(map[string]any{"method": "GET", "endpoint": "/v1/models", "attempts": 0.0, "status": 200.0})},
		{"an unreadable body", asking{"", "/v1/chat/completions", `{"model":`}, [2]providersim.Fault{},
			entry(map[string]any{"endpoint": "/v1/chat/completions", "attempts": 0.0, "status": 400.0, "code": "invalid_body"})},
		{"a model beyond all measure", asking{"", "/v1/chat/completions", `{"model":"` + strings.Repeat("ä", 100) + `"}`}, [2]providersim.Fault{},
			entry(map[string]any{"endpoint": "/v1/chat/completions", "model": strings.Repeat("ä", 64) + "…", "attempts": 0.0, "status": 404.0, "code": "model_not_found"})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var book logbook
			inBubble(t, book.logging(slog.LevelInfo, gateway.AccessLogAll), 2, func(r *bubbleRig) {
				for i, fault := range tc.faults {
					r.fault(i, fault)
				}
				r.ask(tc.way, "X-Request-Id", "r-1")
				synctest.Wait()
				if d := cmp.Diff([]map[string]any{tc.want}, book.requests(t)); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// TestALineTellsOfTheClientThatLeft, and of the circuit that was open.
func TestALineTellsOfTheClientThatLeft(t *testing.T) {
	var book logbook
	tune := func(s *streamSetup) {
		book.logging(slog.LevelInfo, gateway.AccessLogAll)(s)
		s.Policy.Circuit.FailureThreshold, s.Retry.MaxAttempts = 1, 1
	}
	inBubble(t, tune, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Kind: providersim.Hang, Requests: 1})
		ctx, leave := context.WithTimeout(r.t.Context(), 3*second)
		defer leave()
		r.askUntil(ctx, chatWhole)
		synctest.Wait()
		r.fault(0, providersim.Fault{Status: 500})
		r.ask(chatWhole)
		r.ask(chatWhole)
		synctest.Wait()
		var got []string
		for _, line := range book.requests(t) {
			got = append(got, line["class"].(string))
		}
		if d := cmp.Diff([]string{"ClientGone", "ServerError", "CircuitOpen"}, got); d != "" {
			t.Error(d)
		}
		if last := book.requests(t)[2]; last["code"] != "circuit_open" || last["attempts"] != 0.0 || last["status"] != 503.0 {
			t.Errorf("of the open circuit: %v", last)
		}
	})
}

// TestTheLogHoldsNeitherContentNorCredential, at any level, and nor do traces,
// whatever becomes of a request.
func TestTheLogHoldsNeitherContentNorCredential(t *testing.T) {
	const mark = "hush" // is in all that must not be told
	body := func(stream string) string {
		return `{"model":"gpt"` + stream + `,"messages":[{"role":"user","content":"hush-prompt"}],"user":"hush-user"}`
	}
	ways := []asking{
		{"whole", "/v1/chat/completions?key=hush-query", body("")},
		{"streamed", "/v1/chat/completions", body(`,"stream":true`)},
		{"messages", "/v1/messages", strings.Replace(body(`,"stream":true,"max_tokens":9`), "gpt", "claude", 1)},
		{"path", "/ext/hush-path?q=hush-query", "hush-body"},
		{"broken", "/v1/chat/completions", `{"model":"gpt","x":"hush-value"`},
		{"no model", "/v1/chat/completions", `{"model":["hush-model"]}`},
		{"no route", "/hush-path", ""},
		{"no call of a model", "/v1/files/hush-file", ""},
		{"a model", "/v1/models/hush-model", ""},
		{"no namespace", "/ns/hush-namespace/v1/chat/completions", body("")},
	}
	faults := map[string]providersim.Fault{
		"well":           {},
		"its words":      {Status: 500, Body: `{"error":{"message":"hush-error","type":"hush-type","code":"hush-code"}}`},
		"its refusal":    {Status: 400, Body: `{"error":{"message":"hush-error"}}`},
		"the credential": {Status: 401, Body: `{"error":{"message":"Incorrect API key provided: hush-own"}}`},
		"cut":            {Kind: providersim.Cut, AfterTokens: 2},
		"malformed":      {Kind: providersim.Malformed, AfterTokens: 2, Events: 2},
		"an error event": {Kind: providersim.ErrorEvent, AfterTokens: 2},
		"a page":         {Kind: providersim.NotJSON},
		"a redirect":     {Kind: providersim.Redirect, Location: "http://hush-host/hush-path"},
		"reset":          {Kind: providersim.Reset},
	}
	credentials := []string{"Authorization", "Bearer hush-client", "X-Api-Key", "hush-client", "Api-Key", "hush-client",
		"Cookie", "hush=hush-client", "X-Switchgear-Circuit", "hush-bypass", "Openai-Organization", "hush-org"}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var book logbook
			spans := tracetest.NewInMemoryExporter()
			sim := providersim.Start(t, providersim.Options{Name: mark})
			r := newStreamRig(t, func(s *streamSetup) {
				book.logging(slog.LevelDebug, gateway.AccessLogAll)(s)
				tracing(spans)(s)
				s.Key, s.Recovery = "hush-own", gateway.RecoverByResuming
			}, sim.URL)
			sim.SetFault(fault)
			for _, way := range ways {
				method := http.MethodPost
				if way.body == "" {
					method = http.MethodGet
				}
				r.exchange(t.Context(), method, way.path, way.body, credentials...)
				r.exchange(t.Context(), method, way.path, way.body, credentials[:8]...)
			}
			r.eventually("a line of each request", func() bool { return len(book.requests(t)) == 2*len(ways) })
			if n := len(spans.GetSpans()); n <= 2*len(ways) {
				t.Errorf("%d spans", n)
			}
			for what, text := range map[string]string{"the log": book.String(), "a span": fmt.Sprintf("%+v", spans.GetSpans())} {
				if at := strings.Index(text, mark); at >= 0 {
					t.Errorf("%s holds %q", what, text[max(0, at-200):min(len(text), at+100)])
				}
			}
		})
	}
}

// TestUnderLoadLinesAreLeftOut, and it is told how many: as many as may be of
// those that ended well, and as many again of those that did not.
func TestUnderLoadLinesAreLeftOut(t *testing.T) {
	var book logbook
	inBubble(t, book.logging(slog.LevelInfo, 3), 1, func(r *bubbleRig) {
		classes := func() map[any]int {
			out := map[any]int{}
			for _, line := range book.requests(t) {
				out[line["class"]]++
			}
			return out
		}
		burst := func() {
			r.fault(0)
			for range 10 {
				r.ask(chatWhole)
			}
			r.fault(0, providersim.Fault{Status: 418})
			for range 10 {
				r.ask(chatWhole)
			}
			synctest.Wait()
		}
		burst()
		if d := cmp.Diff(map[any]int{"Success": 3, "Rejected": 3}, classes()); d != "" {
			t.Error(d)
		}
		r.wantTally(":14", "access_log_omitted_total")
		time.Sleep(second)
		burst()
		lines := book.requests(t)
		if d := cmp.Diff(map[any]int{"Success": 6, "Rejected": 6}, classes()); d != "" {
			t.Error(d)
		}
		for i, line := range lines {
			// Of each ten, seven are left out before the line that follows them.
			if first := i%3 == 0 && i > 0; first != (line["omitted"] == 7.0) {
				t.Errorf("line %d: %v were left out", i, line["omitted"])
			}
		}
		r.wantTally(":28", "access_log_omitted_total")
	})
}

// TestNoLines where none are wanted.
func TestNoLines(t *testing.T) {
	for name, tune := range map[string]func(*logbook) func(*streamSetup){
		"off":        func(l *logbook) func(*streamSetup) { return l.logging(slog.LevelDebug, 0) },
		"level warn": func(l *logbook) func(*streamSetup) { return l.logging(slog.LevelWarn, gateway.AccessLogAll) },
	} {
		t.Run(name, func(t *testing.T) {
			var book logbook
			inBubble(t, tune(&book), 1, func(r *bubbleRig) {
				r.ask(chatWhole)
				synctest.Wait()
				if n := len(book.requests(t)); n != 0 {
					t.Errorf("%d lines", n)
				}
			})
		})
	}
}
