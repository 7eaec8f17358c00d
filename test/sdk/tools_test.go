package sdk

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/sdk/stage"
)

// tool is a function of the application's, described by a JSON schema.
type tool struct {
	name   string
	schema map[string]any
}

// toolCall is a call of one, with JSON for arguments.
type toolCall struct{ id, name, arguments string }

var tools = []tool{
	{"weather", map[string]any{"type": "object", "properties": map[string]any{
		"city": map[string]any{"type": "string"}, "unit": map[string]any{"enum": []string{"C", "F"}},
	}}},
	{"clock", map[string]any{"type": "object", "properties": map[string]any{
		"zones": map[string]any{"type": "array", "items": map[string]any{"type": "integer"}},
	}}},
}

// TestTools has two tools called in parallel and their results sent back, in a
// second turn that the provider answers in words.
func TestTools(t *testing.T) {
	onStage(t, func(t *testing.T, s *scene) {
		for name, streamed := range map[string]bool{"whole": false, "streamed": true} {
			t.Run(name, func(t *testing.T) {
				calls, answer, err := s.UseTools(s.context(), s.model, streamed, tools)
				if err != nil || answer != s.Primary.Answer() {
					t.Fatalf("the second answer is %q, %v", answer, err)
				}
				wantCalls(t, calls)
				var called, told []string
				for _, c := range calls {
					called = append(called, c.id)
				}
				for _, id := range gjson.GetBytes(s.lastRequest().Body, s.provider.toolResultIDs).Array() {
					told = append(told, id.String())
				}
				if diff := cmp.Diff(called, told); diff != "" {
					t.Errorf("the provider got other results (-called +told):\n%s", diff)
				}
			})
		}
	})
}

// TestToolsAcrossAnOutage has the calls made by the primary, which then breaks: the
// fallback, of the other dialect, is told of them and of their results as of its
// own.
func TestToolsAcrossAnOutage(t *testing.T) {
	onStage(t, func(t *testing.T, s *scene) {
		other := openAIDialect
		if s.provider.schema == other.schema {
			other = anthropicDialect
		}
		for name, streamed := range map[string]bool{"whole": false, "streamed": true} {
			t.Run(name, func(t *testing.T) {
				s.fault(providersim.Fault{Requests: 1}, providersim.Fault{Status: 503})
				s.Fallback.ClearRequests()
				calls, answer, err := s.UseTools(s.context(), s.model+stage.Across, streamed, tools)
				if err != nil || answer != s.Fallback.Answer() {
					t.Fatalf("the second answer is %q, %v", answer, err)
				}
				wantCalls(t, calls)
				asked := s.Fallback.Requests()
				var called, told []string
				for _, c := range calls {
					called = append(called, c.id)
				}
				for _, id := range gjson.GetBytes(asked[len(asked)-1].Body, other.toolResultIDs).Array() {
					told = append(told, id.String())
				}
				if diff := cmp.Diff(called, told); diff != "" {
					t.Errorf("the fallback got other results (-called +told):\n%s", diff)
				}
			})
		}
	})
}

// wantCalls checks that each tool was called once, with what the simulated
// provider makes of its schema.
func wantCalls(t *testing.T, calls []toolCall) {
	t.Helper()
	type call struct {
		Name      string
		Arguments any
	}
	want := []call{
		{"weather", map[string]any{"city": "word", "unit": "C"}},
		{"clock", map[string]any{"zones": []any{1.0}}},
	}
	var got []call
	for _, c := range calls {
		one := call{Name: c.name}
		if err := json.Unmarshal([]byte(c.arguments), &one.Arguments); err != nil {
			t.Errorf("the arguments of %s: %v", c.name, err)
		}
		got = append(got, one)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("other calls (-want +got):\n%s", diff)
	}
}
