package dialect

import "testing"

func TestJudges(t *testing.T) {
	type step struct {
		data string
		want Mark
	}
	for _, tc := range []struct {
		name, endpoint string
		choices        int
		steps          []step
	}{
		{"chat", "/chat/completions", 0, []step{
			{`{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`, 0},
			{`{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}`, Output},
			{`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, Finish},
			{`{"choices":[],"usage":{"total_tokens":3}}`, Finish | Usage},
			{`[DONE]`, Finish | Done},
		}},
		{"chat with two choices ends with both", "/chat/completions", 2, []step{
			{`{"choices":[{"index":0,"delta":{"content":"a"}}]}`, Output},
			{`{"choices":[{"index":1,"delta":{"content":"b"}}]}`, Output},
			{`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, 0},
			{`{"choices":[{"index":1,"delta":{},"finish_reason":"length"}]}`, Finish},
		}},
		{"chat whose second choice begins after the first has ended", "/chat/completions", 2, []step{
			{`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`, Output},
			{`{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"stop"}]}`, Output | Finish},
		}},
		{"chat error", "/chat/completions", 0, []step{{`{"error":{"type":"server_error","message":"x"}}`, Failed}}},
		{"chat malformed", "/chat/completions", 0, []step{{`{"choices":[`, Malformed}, {`7`, Malformed}, {``, Malformed}}},
		{"completions", "/completions", 0, []step{
			{`{"choices":[{"index":0,"text":"Hi","finish_reason":null}]}`, Output},
			{`{"choices":[{"index":0,"text":"","finish_reason":"stop"}]}`, Finish},
		}},
		{"messages", "/messages", 0, []step{
			{`{"type":"message_start","message":{}}`, 0},
			{`{"type":"ping"}`, 0},
			{`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`, 0},
			{`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}`, Output},
			{`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`, 0},
			{`{"type":"message_stop"}`, Finish | Done},
			{`{"type":"error","error":{"type":"overloaded_error"}}`, Failed},
			{`{}`, Malformed},
		}},
		{"responses", "/responses", 0, []step{
			{`{"type":"response.created"}`, 0},
			{`{"type":"response.output_text.delta","delta":"Hi"}`, Output},
			{`{"type":"response.completed"}`, Finish | Done},
			{`{"type":"response.incomplete"}`, Finish | Done},
			{`{"type":"response.failed","response":{"error":{"code":"server_error"}}}`, Finish | Done | Failed},
			{`{"type":"error","code":"rate_limit_exceeded","message":"x"}`, Failed},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := Lookup(tc.endpoint).NewJudge(Request{Choices: tc.choices})
			for i, s := range tc.steps {
				if got := j.Event(nil, []byte(s.data)); got != s.want {
					t.Errorf("event %d, %s: marks %b, want %b", i, s.data, got, s.want)
				}
			}
		})
	}
}

func TestToolArgumentsAreOpenUntilTheCallEnds(t *testing.T) {
	for endpoint, steps := range map[string][2]string{
		"/chat/completions": {`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}`, `{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`},
		"/messages":         {`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use"}}`, `{"type":"content_block_stop","index":1}`},
		"/responses":        {`{"type":"response.function_call_arguments.delta","delta":"{"}`, `{"type":"response.function_call_arguments.done"}`},
	} {
		j := Lookup(endpoint).NewJudge(Request{})
		if m := j.Event(nil, []byte(steps[0])); !m.Has(Output) || !j.InToolArguments() {
			t.Errorf("%s: a tool call's start has marks %b and open %v", endpoint, m, j.InToolArguments())
		}
		j.Event(nil, []byte(steps[1]))
		if j.InToolArguments() {
			t.Errorf("%s: arguments still open after the call's end", endpoint)
		}
	}
}
