package sdk

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/sdk/stage"
)

// patiently is how long a test waits for what must come. An SDK that came back
// to a circuit of stage.Touchy would sleep for longer.
const patiently = 20 * time.Second

// sdk is an official SDK, so far as both can do the same.
type sdk interface {
	// Ask returns the text of the answer.
	Ask(ctx context.Context, model string) (string, error)
	// Stream returns the text of the answer, or as much as came before the error.
	Stream(ctx context.Context, model string) (string, error)
	// UseTools offers the tools, asks, and asks again with what their calls
	// return. It returns the calls and the text of the second answer.
	UseTools(ctx context.Context, model string, streamed bool, tools []tool) ([]toolCall, string, error)
	// Show asks about a PNG.
	Show(ctx context.Context, model string, png []byte) error
	// Fill asks for an answer that follows a schema and returns its text.
	Fill(ctx context.Context, model string, schema map[string]any) (string, error)
	// Failure reads the SDK's own type of error; false: it is of another type.
	Failure(err error) (failure, bool)
	// StreamFailure reads what the SDK raises for an error within a stream.
	StreamFailure(err error) (failure, bool)
}

// asking is [sdk.Ask] or [sdk.Stream].
type asking func(ctx context.Context, model string) (string, error)

// ways are both, by name.
var ways = map[string]func(s sdk) asking{
	"whole":    func(s sdk) asking { return s.Ask },
	"streamed": func(s sdk) asking { return s.Stream },
}

// failure is what an application learns from an SDK's error.
type failure struct {
	Status int
	// Code is OpenAI's code, or Anthropic's type.
	Code    string
	Message string
	Header  http.Header
}

// dialect says what is where in a request, and which of two codes is raised.
type dialect struct {
	toolResultIDs, picture, schema string
	code                           func(openAI, anthropic string) string
}

var (
	openAIDialect = dialect{
		toolResultIDs: `messages.#(role=="tool")#.tool_call_id`,
		picture:       `messages.0.content.#(type=="image_url").image_url.url`,
		schema:        "response_format.json_schema.schema",
		code:          func(openAI, _ string) string { return openAI },
	}
	anthropicDialect = dialect{
		toolResultIDs: `messages.@reverse.0.content.#.tool_use_id`,
		picture:       `messages.0.content.#(type=="image").source.data`,
		schema:        "output_config.format.schema",
		code:          func(_, anthropic string) string { return anthropic },
	}
)

// column is an SDK before a provider, which the model chooses.
type column struct {
	name  string
	model string
	// connect makes the SDK's client, that calls through another one.
	connect func(url, key string, through *http.Client) sdk
	// own is the SDK's dialect, provider the provider's.
	own, provider dialect
}

// columns are what every test of this package is run on that knows no SDK.
var columns = []column{
	{"OpenAI", stage.OpenAIModel, newOpenAI, openAIDialect, openAIDialect},
	{"Anthropic", stage.AnthropicModel, newAnthropic, anthropicDialect, anthropicDialect},
	{"OpenAI translated", stage.AnthropicModel, newOpenAI, openAIDialect, anthropicDialect},
	{"Anthropic translated", stage.OpenAIModel, newAnthropic, anthropicDialect, openAIDialect},
}

// scene is an SDK's client on a stage of its own.
type scene struct {
	column
	sdk
	*stage.Stage
	t *testing.T
	// sent counts what the SDK has sent since the last fault.
	sent *counter
}

// onStage runs a test on each column, all at once.
func onStage(t *testing.T, test func(t *testing.T, s *scene)) {
	t.Parallel()
	for _, c := range columns {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t)
			sent := &counter{}
			test(t, &scene{c, c.connect(st.URL, "sk-client", &http.Client{Transport: sent}), st, t, sent})
		})
	}
}

func newStage(t *testing.T) *stage.Stage {
	t.Helper()
	st, err := stage.Start(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// context bounds a call.
func (s *scene) context() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), patiently)
	s.t.Cleanup(cancel)
	return ctx
}

// fault breaks the primary, and counts from here.
func (s *scene) fault(f ...providersim.Fault) {
	s.t.Helper()
	s.Primary.ClearRequests()
	s.sent.requests.Store(0)
	if err := s.Primary.SetFault(f...); err != nil {
		s.t.Fatal(err)
	}
}

// lastRequest is the last that the primary was asked.
func (s *scene) lastRequest() providersim.Request {
	s.t.Helper()
	all := s.Primary.Requests()
	if len(all) == 0 {
		s.t.Fatal("the primary was asked nothing")
	}
	return all[len(all)-1]
}

// wantTries checks how often the SDK has called since the last fault.
func (s *scene) wantTries(n int64) {
	s.t.Helper()
	if got := s.sent.requests.Load(); got != n {
		s.t.Errorf("the SDK has called %d times, want %d", got, n)
	}
}

// counter counts requests on their way.
type counter struct{ requests atomic.Int64 }

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}
