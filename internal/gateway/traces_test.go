package gateway_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

const (
	clientTrace  = "0af7651916cd43dd8448eb211c80319c"
	clientSpan   = "b7ad6b7169203331"
	clientParent = "00-" + clientTrace + "-" + clientSpan + "-01"
)

// tracing has a gateway make traces, which are exported at once.
func tracing(spans *tracetest.InMemoryExporter) func(*streamSetup) {
	return func(s *streamSetup) {
		s.Options.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	}
}

// telling is what a span says: its name, kind and status, and its attributes.
func telling(s *tracetest.SpanStub) map[string]any {
	out := map[string]any{"": fmt.Sprintf("%s %s", s.SpanKind, s.Name)}
	if s.Status.Code != codes.Unset {
		out["status"] = fmt.Sprintf("%s %s", s.Status.Code, s.Status.Description)
	}
	for _, a := range s.Attributes {
		out[string(a.Key)] = a.Value.AsInterface()
	}
	return out
}

// TestARequestIsASpanAndSoIsEachAttempt, with the names and attributes of the
// conventions.
func TestARequestIsASpanAndSoIsEachAttempt(t *testing.T) {
	for _, tc := range []struct {
		name  string
		way   asking
		fault providersim.Fault // of the first of two providers
		tune  func(*streamSetup)
		want  []map[string]any // the attempts in their order, then the request
	}{
		{"a fallback", chatWhole, providersim.Fault{Status: 404}, nil, []map[string]any{
			{"": "client chat up-0", "status": "Error ModelUnavailable", "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
				"gen_ai.request.model": "up-0", "gen_ai.request.stream": false, "server.address": "b0", "server.port": int64(80),
				"http.request.method": "POST", "http.response.status_code": int64(404), "error.type": "ModelUnavailable",
				"switchgear.namespace": "default", "switchgear.route": "gpt", "switchgear.backend": "b0", "switchgear.attempt": int64(1), "switchgear.class": "ModelUnavailable"},
			{"": "client chat up-1", "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
				"gen_ai.request.model": "up-1", "gen_ai.request.stream": false, "gen_ai.response.model": "up-1",
				"gen_ai.usage.output_tokens":           int64(8),
				"gen_ai.usage.cache_read.input_tokens": int64(0), "gen_ai.usage.cache_creation.input_tokens": int64(0),
				"server.address": "b1", "server.port": int64(80), "http.request.method": "POST", "http.response.status_code": int64(200),
				"switchgear.namespace": "default", "switchgear.route": "gpt", "switchgear.backend": "b1", "switchgear.attempt": int64(2), "switchgear.class": "Success"},
			{"": "server chat gpt", "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt", "gen_ai.request.stream": false,
				"http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": int64(200),
				"switchgear.namespace": "default", "switchgear.route": "gpt", "switchgear.backend": "b1", "switchgear.class": "Success",
				"switchgear.attempts": int64(2), "switchgear.request_id": "r-1"},
		}},
		{"a stream that breaks off", messagesStream, providersim.Fault{Kind: providersim.Cut, AfterTokens: 2, FirstTokenDelay: 2 * second}, nil, []map[string]any{
			{"": "client chat up-0", "status": "Error StreamError", "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
				"gen_ai.request.model": "up-0", "gen_ai.request.stream": true, "gen_ai.response.model": "up-0", "gen_ai.response.time_to_first_chunk": 2.0,
				"gen_ai.usage.output_tokens":           int64(1),
				"gen_ai.usage.cache_read.input_tokens": int64(0), "gen_ai.usage.cache_creation.input_tokens": int64(0),
				"server.address": "b0", "server.port": int64(80), "http.request.method": "POST", "error.type": "StreamError",
				"switchgear.namespace": "default", "switchgear.route": "claude", "switchgear.backend": "b0", "switchgear.attempt": int64(1), "switchgear.class": "StreamError"},
			{"": "server chat claude", "status": "Error StreamError", "gen_ai.operation.name": "chat", "gen_ai.request.model": "claude", "gen_ai.request.stream": true,
				"http.request.method": "POST", "http.route": "/v1/messages", "http.response.status_code": int64(200), "error.type": "StreamError",
				"switchgear.namespace": "default", "switchgear.route": "claude", "switchgear.backend": "b0", "switchgear.class": "StreamError",
				"switchgear.attempts": int64(1), "switchgear.request_id": "r-1"},
		}},
		{"translated", chatStream, providersim.Fault{FirstTokenDelay: second}, func(s *streamSetup) {
			s.Backend = func(_ int, b *gateway.Backend) {
				b.Dialect, b.URL.Path, b.Model, b.DefaultMaxTokens = gateway.Anthropic, "", "sonnet", 99
			}
		}, []map[string]any{
			{"": "client chat sonnet", "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
				"gen_ai.request.model": "sonnet", "gen_ai.request.stream": true, "gen_ai.response.model": "sonnet", "gen_ai.response.time_to_first_chunk": 1.0,
				"gen_ai.usage.output_tokens": int64(8), "gen_ai.usage.cache_read.input_tokens": int64(0), "gen_ai.usage.cache_creation.input_tokens": int64(0),
				"server.address": "b0", "server.port": int64(80), "http.request.method": "POST", "http.response.status_code": int64(200),
				"switchgear.namespace": "default", "switchgear.route": "gpt", "switchgear.backend": "b0", "switchgear.attempt": int64(1), "switchgear.class": "Success"},
			{"": "server chat gpt", "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt", "gen_ai.request.stream": true,
				"http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": int64(200),
				"switchgear.namespace": "default", "switchgear.route": "gpt", "switchgear.backend": "b0", "switchgear.class": "Success",
				"switchgear.attempts": int64(1), "switchgear.request_id": "r-1"},
		}},
		{"a path", pathGet, providersim.Fault{Status: 500}, nil, []map[string]any{
			{"": "client GET /ext", "status": "Error ServerError", "server.address": "b0", "server.port": int64(80), "http.request.method": "GET",
				"http.response.status_code": int64(500), "error.type": "ServerError",
				"switchgear.namespace": "default", "switchgear.route": "ext", "switchgear.backend": "b0", "switchgear.attempt": int64(1), "switchgear.class": "ServerError"},
			{"": "client GET /ext", "server.address": "b1", "server.port": int64(80), "http.request.method": "GET", "http.response.status_code": int64(200),
				"switchgear.namespace": "default", "switchgear.route": "ext", "switchgear.backend": "b1", "switchgear.attempt": int64(2), "switchgear.class": "Success"},
			{"": "server GET /ext", "http.request.method": "GET", "http.route": "/ext", "http.response.status_code": int64(200),
				"switchgear.namespace": "default", "switchgear.route": "ext", "switchgear.backend": "b1", "switchgear.class": "Success",
				"switchgear.attempts": int64(2), "switchgear.request_id": "r-1"},
		}},
		{"no route", asking{"", "/v1/chat/completions", `{"model":"who"}`}, providersim.Fault{}, nil, []map[string]any{
			{"": "server chat", "gen_ai.operation.name": "chat", "gen_ai.request.model": "who", "gen_ai.request.stream": false,
				"http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": int64(404), "error.type": "model_not_found",
				"switchgear.attempts": int64(0), "switchgear.request_id": "r-1"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spans := tracetest.NewInMemoryExporter()
			tune := func(s *streamSetup) {
				tracing(spans)(s)
				s.Retry.MaxAttempts = 1
				s.Backend = func(n int, b *gateway.Backend) {
					if b.Dialect != gateway.HTTP {
						b.Model = fmt.Sprintf("up-%d", n)
					}
				}
				if tc.tune != nil {
					tc.tune(s)
				}
			}
			inBubble(t, tune, 2, func(r *bubbleRig) {
				r.fault(0, tc.fault)
				r.ask(tc.way, "X-Request-Id", "r-1", "Traceparent", clientParent)
				synctest.Wait()
				checkSpans(r, tc.want, spans.GetSpans())
			})
		})
	}
}

// checkSpans compares what spans say, and that the attempts are the request's and
// the request the client's.
func checkSpans(r *bubbleRig, want []map[string]any, got tracetest.SpanStubs) {
	t := r.t
	t.Helper()
	told := make([]map[string]any, len(got))
	for i := range got {
		told[i] = telling(&got[i])
		delete(told[i], "switchgear.circuit")
		const input = "gen_ai.usage.input_tokens"
		if n, ok := told[i][input]; ok {
			// The simulated provider takes four bytes for a token.
			body := r.sims[told[i]["switchgear.backend"].(string)[1]-'0'].Requests()[0].Body
			if n != int64(1+len(body)/4) {
				t.Errorf("%v tokens of input for %q", n, body)
			}
			delete(told[i], input)
		}
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Fatal(d)
	}
	request := got[len(got)-1]
	if p := request.Parent; p.TraceID().String() != clientTrace || p.SpanID().String() != clientSpan {
		t.Errorf("the request's parent is %s of trace %s", p.SpanID(), p.TraceID())
	}
	for _, attempt := range got[:len(got)-1] {
		if attempt.Parent.SpanID() != request.SpanContext.SpanID() || attempt.SpanContext.TraceID().String() != clientTrace {
			t.Errorf("an attempt's parent is %s, and the request %s", attempt.Parent.SpanID(), request.SpanContext.SpanID())
		}
	}
}

// TestATraceGoesOnAtTheProvider, and without traces what the client sent.
func TestATraceGoesOnAtTheProvider(t *testing.T) {
	const unsampled = "00-" + clientTrace + "-" + clientSpan + "-00"
	for name, tc := range map[string]struct {
		off    bool
		client []string // headers
		spans  int
		// What the provider gets, %s being the attempt's span.
		parent, state string
	}{
		"the client's":     {client: []string{"Traceparent", clientParent, "Tracestate", "a=1,b=2"}, spans: 2, parent: "00-" + clientTrace + "-%s-01", state: "a=1,b=2"},
		"not sampled":      {client: []string{"Traceparent", unsampled, "Tracestate", "a=1"}, parent: "00-" + clientTrace + "-%s-00", state: "a=1"},
		"none":             {spans: 2, parent: "00-%s-%s-01"},
		"nonsense":         {client: []string{"Traceparent", "00-0-0-0", "Tracestate", "a=1"}, spans: 2, parent: "00-%s-%s-01"},
		"no traces":        {off: true, client: []string{"Traceparent", clientParent, "Tracestate", "a=1"}, parent: clientParent, state: "a=1"},
		"no traces, none":  {off: true},
		"no traces, other": {off: true, client: []string{"Traceparent", "what"}, parent: "what"},
	} {
		for _, way := range anything {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				spans := tracetest.NewInMemoryExporter()
				tune := tracing(spans)
				if tc.off {
					tune = nil
				}
				inBubble(t, tune, 1, func(r *bubbleRig) {
					r.ask(way, append(tc.client, "Baggage", "k=v")...)
					synctest.Wait()
					h := r.sims[0].Requests()[0].Header
					got, parent := spans.GetSpans(), tc.parent
					if len(got) != tc.spans {
						t.Fatalf("%d spans, want %d", len(got), tc.spans)
					}
					switch n := strings.Count(parent, "%s"); {
					case n == 2:
						parent = fmt.Sprintf(parent, got[0].SpanContext.TraceID(), got[0].SpanContext.SpanID())
					case n == 1 && len(got) > 0:
						parent = fmt.Sprintf(parent, got[0].SpanContext.SpanID())
					case n == 1: // nobody knows the span
						id := strings.Split(h.Get("Traceparent"), "-")[2]
						if id == clientSpan {
							t.Error("the client's span is the provider's parent")
						}
						parent = fmt.Sprintf(parent, id)
					}
					for key, want := range map[string]string{"Traceparent": parent, "Tracestate": tc.state, "Baggage": "k=v"} {
						if got := strings.Join(h.Values(key), ", "); got != want {
							t.Errorf("%s: %q, want %q", key, got, want)
						}
					}
				})
			})
		}
	}
}

// TestARefusalIsAnEventOfTheRequest: nobody was called.
func TestARefusalIsAnEventOfTheRequest(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	inBubble(t, func(s *streamSetup) {
		tracing(spans)(s)
		s.Policy.Circuit.FailureThreshold, s.Retry.MaxAttempts = 1, 1
	}, 1, func(r *bubbleRig) {
		r.fault(0, providersim.Fault{Status: 500})
		r.ask(chatWhole)
		synctest.Wait()
		spans.Reset()
		if a := r.ask(chatWhole); a.status != http.StatusServiceUnavailable {
			t.Fatalf("status %d", a.status)
		}
		synctest.Wait()
		got := spans.GetSpans()
		if len(got) != 1 || len(got[0].Events) != 1 {
			t.Fatalf("spans %+v", got)
		}
		e := got[0].Events[0]
		at := slices.IndexFunc(e.Attributes, func(kv attribute.KeyValue) bool { return kv.Key == "switchgear.backend" })
		if e.Name != "switchgear.refused" || at < 0 || e.Attributes[at].Value.AsString() != "b0" {
			t.Errorf("the event %s has %v", e.Name, e.Attributes)
		}
		if s := telling(&got[0]); s["status"] != "Error CircuitOpen" || s["error.type"] != "CircuitOpen" {
			t.Errorf("the request tells %v", s)
		}
	})
}

// TestAPathBelowV1IsNotTold where it is no call of a model: it names the account's
// files.
func TestAPathBelowV1IsNotTold(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	var book logbook
	sim := providersim.Start(t, providersim.Options{})
	r := newRig(t, func(o *gateway.Options) {
		s := streamSetup{}
		tracing(spans)(&s)
		book.logging(slog.LevelDebug, gateway.AccessLogAll)(&s)
		o.Tracer, o.Logger, o.AccessLog = s.Options.Tracer, s.Options.Logger, s.Options.AccessLog
	}, newRoute("*", newBackend(t, gateway.OpenAI, sim.URL+"/v1", newPolicy(t))))
	r.send(http.MethodGet, "/v1/files/hush", "")
	r.eventually("the request's span", func() bool { return len(spans.GetSpans()) == 2 })
	for i, want := range []string{"client GET /v1/*", "server GET /v1/*"} {
		if got := telling(&spans.GetSpans()[i])[""]; got != want {
			t.Errorf("the span is %s, want %s", got, want)
		}
	}
	r.eventually("a line", func() bool { return len(book.requests(t)) == 1 })
	if told := book.String() + fmt.Sprint(spans.GetSpans()); strings.Contains(told, "hush") || sim.Count() != 1 {
		t.Errorf("after %d calls it is told that %s", sim.Count(), told)
	}
}
