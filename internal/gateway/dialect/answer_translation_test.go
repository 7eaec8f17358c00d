package dialect

import (
	"testing"

	"github.com/tidwall/gjson"
)

// TestArguments are what a chat completion's calls of a tool become.
func TestArguments(t *testing.T) {
	for _, tc := range []struct {
		name, arguments, finish string
		want, stop              string // want is empty where there is no answer
	}{
		{"whole", `{\"a\":1}`, "tool_calls", `{"a":1}`, "tool_use"},
		{"none", ``, "tool_calls", `{}`, "tool_use"},
		{"broken off by the client's limit", `{\"a\":`, "length", `{}`, "max_tokens"},
		{"whole, and then the limit", `{\"a\":1}`, "length", `{"a":1}`, "max_tokens"},
		{"broken off without a reason", `{\"a\":`, "tool_calls", ``, ""},
		{"no object", `7`, "tool_calls", ``, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, err := messagesTranslation().Answer([]byte(`{"id":"i","choices":[{"message":{"content":null,"tool_calls":[{"id":"t","function":{"name":"f","arguments":"`+tc.arguments+`"}}]},"finish_reason":"`+tc.finish+`"}]}`), answeredAt)
			if (err == nil) != (tc.want != "") {
				t.Fatalf("got %s, %v", out, err)
			}
			m := gjson.ParseBytes(out)
			if got := m.Get("content.0.input").Raw; got != tc.want || m.Get("stop_reason").Str != tc.stop {
				t.Errorf("got %s, want input %s, stop_reason %s", out, tc.want, tc.stop)
			}
		})
	}
}
