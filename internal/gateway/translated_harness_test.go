package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/internal/gateway"
	"github.com/switchgear/switchgear/test/providersim"
)

// direction is a way over the border between the dialects: a caller's endpoint
// and the dialect of the backends.
type direction struct {
	name          string
	caller        gateway.Dialect
	backend       gateway.Dialect
	whole, stream streamEndpoint
	// path and stop are the provider's endpoint and what it calls the limit.
	path, limit string
}

var (
	chatToAnthropic  = direction{"chat to Anthropic", gateway.OpenAI, gateway.Anthropic, chatDoor, chatEndpoint, "/v1/messages", "max_tokens"}
	messagesToOpenAI = direction{"messages to OpenAI", gateway.Anthropic, gateway.OpenAI, messagesDoor, messagesEndpoint, "/v1/chat/completions", "max_completion_tokens"}

	directions = []direction{chatToAnthropic, messagesToOpenAI}
)

// translatedRig is a rig in front of one provider of the other dialect.
func translatedRig(t *testing.T, d direction, tune func(*gateway.Options, *gateway.Backend)) (*streamRig, *providersim.Server) {
	t.Helper()
	sim := providersim.Start(t, providersim.Options{Strict: true})
	b := backendOf(t, d.backend, sim.URL, newPolicy(t))
	b.DefaultMaxTokens = 4096
	return newRig(t, func(o *gateway.Options) {
		if tune != nil {
			tune(o, b)
		}
	}, newRoute(gjson.Get(d.whole.body, "model").Str, b)), sim
}

// backendOf makes a backend of a dialect at a provider, with the path of that
// dialect's base URL.
func backendOf(t *testing.T, d gateway.Dialect, provider string, p *gateway.Policy) *gateway.Backend {
	t.Helper()
	return newBackend(t, d, provider+basePath(d), p)
}

func basePath(d gateway.Dialect) string {
	if d == gateway.OpenAI {
		return "/v1"
	}
	return ""
}

// speaking has the n-th backends of the routes for models speak a dialect each.
func speaking(dialects ...gateway.Dialect) func(*streamSetup) {
	return func(s *streamSetup) {
		s.Backend = func(n int, b *gateway.Backend) {
			if b.Dialect == gateway.HTTP {
				return
			}
			b.Dialect, b.DefaultMaxTokens = dialects[n], 4096
			b.URL.Path = basePath(b.Dialect)
		}
	}
}

// wantJSON compares what two texts say as JSON.
func wantJSON(t *testing.T, what, got, want string) {
	t.Helper()
	if !gjson.Valid(got) {
		t.Errorf("%s is no JSON: %q", what, got)
		return
	}
	if d := cmp.Diff(gjson.Parse(want).Value(), gjson.Parse(got).Value()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// promptTokens is what the simulated provider counts for a request.
func promptTokens(r providersim.Request) int { return 1 + r.BodyBytes/4 }

// paths are where a provider was called, in order.
func paths(s *providersim.Sim) string {
	var out []string
	for _, r := range s.Requests() {
		out = append(out, r.Path)
	}
	return strings.Join(out, " ")
}

// wantText checks that a client heard a whole stream with that text.
func (h heard) wantText(t *testing.T, want string) {
	t.Helper()
	if h.text != want || h.starts != 1 || h.open != 0 || h.ends != 1 || h.errors != 0 || len(h.ids) != 1 {
		t.Errorf("the client heard %+v, want %q", h, want)
	}
}

// ask changes a request's parameters: name, JSON, and so on.
func (e streamEndpoint) with(parameters ...string) streamEndpoint {
	for i := 0; i < len(parameters); i += 2 {
		e.body = strings.TrimSuffix(e.body, "}") + fmt.Sprintf(",%q:%s}", parameters[i], parameters[i+1])
	}
	return e
}
