package gateway_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/switchgear/switchgear/internal/gateway"
)

// allocations is how many a request costs, the provider's and the client's
// included, whose answer is a stream of so many tokens, or whole.
func allocations(t *testing.T, tokens int, tune func(*streamSetup)) float64 {
	t.Helper()
	answer, kind, door := `{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":9}}`, "application/json", chatDoor
	if tokens > 0 {
		answer, kind, door = strings.Repeat(chunk("token"), tokens)+chatFinish+chatDone, "text/event-stream", chatEndpoint
	}
	provider := serve(t, func(s scripted) {
		_, _ = io.Copy(io.Discard, s.r.Body) // nobody leaves
		s.w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(s.w, answer) // nobody leaves
	})
	r := newStreamSetup(t, tune).rig(t, []string{provider})
	t.Cleanup(r.gw.Close)
	return testing.AllocsPerRun(300, func() {
		w := httptest.NewRecorder()
		r.gw.ServeHTTP(w, httptest.NewRequest(http.MethodPost, door.path, strings.NewReader(door.body)))
		if w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	})
}

func jsonTo(w io.Writer, lines int) func(*streamSetup) {
	return func(s *streamSetup) {
		s.Options.Logger, s.Options.AccessLog = slog.New(slog.NewJSONHandler(w, nil)), lines
	}
}

// TestTelemetryCostsLittle: a log that has its lines already allocates nothing,
// and nobody allocates for the events of a stream.
func TestTelemetryCostsLittle(t *testing.T) {
	const some, many, noise = 10, 110, 3
	of := func(tokens int, tune func(*streamSetup)) float64 { return allocations(t, tokens, tune) }
	whole := of(0, nil)
	if n := of(0, jsonTo(io.Discard, 1)); n > whole+noise {
		t.Errorf("a request whose line is left out: %.0f allocations, without a log %.0f", n, whole)
	}
	for name, tune := range map[string]func(*streamSetup){
		"nothing": nil,
		"all": func(s *streamSetup) {
			jsonTo(io.Discard, gateway.AccessLogAll)(s)
			s.Options.Tracer = sdktrace.NewTracerProvider().Tracer("")
		},
	} {
		few, lots := of(some, tune), of(many, tune)
		t.Logf("allocations with %s: a request %.0f, a stream %.0f and %.0f", name, of(0, tune), few, lots)
		if lots > few+(many-some)/2 {
			t.Errorf("with %s, %d events more cost %.0f allocations more", name, many-some, lots-few)
		}
	}
}
