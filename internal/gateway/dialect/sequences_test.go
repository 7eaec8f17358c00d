package dialect

import "testing"

// step is one event of a stream and what it means.
type step struct {
	name, data string
	want       Mark
}

// TestJudgesFollowRealStreams plays streams as the providers send them, fields
// that mean nothing to the gateway included.
func TestJudgesFollowRealStreams(t *testing.T) {
	for _, tc := range []struct {
		name, endpoint, request string
		steps                   []step
	}{
		{"chat: a tool call in pieces", "/chat/completions", `{}`, []step{
			{"", `{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":null},"logprobs":null,"finish_reason":null}],"usage":null}`, 0},
			{"", `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"ci"}}]},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"ty\":1}"}}]},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]}`, Finish},
			{"", `[DONE]`, Finish | Done},
		}},
		{"chat: the older function call", "/chat/completions", `{}`, []step{
			{"", `{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"function_call":{"name":"f","arguments":""}},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{"function_call":{"arguments":"{}"}},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{},"finish_reason":"function_call"}]}`, Finish},
		}},
		{"chat: a refusal", "/chat/completions", `{}`, []step{
			{"", `{"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}`, 0},
			{"", `{"choices":[{"index":0,"delta":{"refusal":"I"},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, Finish},
		}},
		{"chat: reasoning before the text", "/chat/completions", `{}`, []step{
			{"", `{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":""},"finish_reason":null}]}`, 0},
			{"", `{"choices":[{"index":0,"delta":{"content":null,"reasoning_content":"Hm"},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{"content":"","reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm"}]},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{"content":[],"tool_calls":[],"reasoning_details":[ ]},"finish_reason":null}]}`, 0},
			{"", `{"choices":[{"index":0,"delta":{"content":"Yes","reasoning_content":null},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"total_tokens":9}}`, Finish},
		}},
		{"chat: usage in a chunk without choices", "/chat/completions", `{}`, []step{
			{"", `{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null}`, Output},
			{"", `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}`, Finish},
			{"", `{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`, Finish | Usage},
			{"", `{"choices":null,"usage":{"total_tokens":2}}`, Finish},
			{"", ` [DONE] `, Finish | Done},
		}},
		{"chat: Azure's content filter before, within and after", "/chat/completions", `{}`, []step{
			{"", `{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}`, 0},
			{"", `{"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}]}`, 0},
			{"", `{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"delta":{"content":"Hi"},"finish_reason":null,"index":0}]}`, Output},
			{"", `{"choices":[{"content_filter_result":{"error":{"code":"content_filter_error","message":"not filtered"}},"delta":{"content":" you"},"finish_reason":null,"index":0}]}`, Output},
			{"", `{"choices":[{"content_filter_results":{},"delta":{},"finish_reason":"stop","index":0}]}`, Finish},
			{"", `{"choices":[{"content_filter_offsets":{"check_offset":0},"content_filter_results":{"hate":{"filtered":false}},"finish_reason":null,"index":0}]}`, Finish},
			{"", `[DONE]`, Finish | Done},
		}},
		{"chat: cut by the content filter", "/chat/completions", `{}`, []step{
			{"", `{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{},"finish_reason":"content_filter","content_filter_results":{"violence":{"filtered":true,"severity":"high"}}}]}`, Finish},
		}},
		{"chat: two choices by turns", "/chat/completions", `{"model":"m","n":2}`, []step{
			{"", `{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`, 0},
			{"", `{"choices":[{"index":1,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`, 0},
			{"", `{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null},{"index":0,"delta":{"content":""},"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, 0},
			{"", `{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}`, Finish},
		}},
		{"chat: a finish reason that is not given is none", "/chat/completions", `{}`, []step{
			{"", `{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":""}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{"content":"b"}}]}`, Output},
			{"", `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, Finish},
		}},
		{"chat: more choices than are told apart end with the mark", "/chat/completions", `{"model":"m","n":65}`, []step{
			{"", `{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}`, Output},
			{"", `{"choices":[{"index":64,"delta":{"content":"a"},"finish_reason":"stop"}]}`, Output},
			{"", `[DONE]`, Finish | Done},
		}},
		{"chat: an error, named", "/chat/completions", `{}`, []step{
			{"error", `{"message":"out of memory","code":"oom"}`, Failed},
			{"error", `{"error":{"message":"x"}}`, Failed},
			{"", `{"error":"flat"}`, Failed},
			{"", `{"error":null,"choices":[]}`, 0},
			{"", `{"error":{},"choices":[]}`, 0},
			{"", `{"choices":[{"index":0,"delta":{"content":"\"error\""}}]}`, Output},
		}},
		{"completions: two prompts by turns", "/completions", `{"model":"m","prompt":["a","b"]}`, []step{
			{"", `{"object":"text_completion","choices":[{"text":"x","index":0,"logprobs":null,"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"text":"","index":0,"finish_reason":"length"}]}`, 0},
			{"", `{"choices":[{"text":"y","index":1,"finish_reason":null}]}`, Output},
			{"", `{"choices":[{"text":"","index":1,"finish_reason":"stop"}]}`, Finish},
			{"", `{"choices":[],"usage":{"total_tokens":4}}`, Finish | Usage},
			{"", `[DONE]`, Finish | Done},
		}},
		{"messages: thinking, text and a tool", "/messages", `{}`, []step{
			{"message_start", `{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}`, 0},
			{"ping", `{"type": "ping"}`, 0},
			{"content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`, 0},
			{"content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}`, Output},
			{"content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"Eq=="}}`, 0},
			{"content_block_stop", `{"type":"content_block_stop","index":0}`, 0},
			{"content_block_start", `{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"Em=="}}`, Output},
			{"content_block_stop", `{"type":"content_block_stop","index":1}`, 0},
			{"content_block_start", `{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}`, 0},
			{"content_block_delta", `{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":""}}`, 0},
			{"content_block_delta", `{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Hi"}}`, Output},
			{"content_block_delta", `{"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"char_location"}}}`, 0},
			{"content_block_stop", `{"type":"content_block_stop","index":2}`, 0},
			{"content_block_start", `{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t","name":"weather","input":{}}}`, Output},
			{"content_block_delta", `{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}`, 0},
			{"content_block_delta", `{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}`, Output},
			{"content_block_stop", `{"type":"content_block_stop","index":3}`, 0},
			{"message_delta", `{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":9}}`, 0},
			{"message_stop", `{"type":"message_stop"}`, Finish | Done},
		}},
		{"messages: a tool of the server's", "/messages", `{}`, []step{
			{"content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}`, Output},
			{"content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"q"}}`, Output},
			{"content_block_stop", `{"type":"content_block_stop","index":0}`, 0},
			{"content_block_start", `{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","tool_use_id":"s","content":[]}}`, Output},
			{"content_block_stop", `{"type":"content_block_stop","index":1}`, 0},
		}},
		{"messages: errors", "/messages", `{}`, []step{
			{"error", `{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"}}`, Failed},
			{"error", `{"error":{"type":"api_error","message":"x"}}`, Failed},
			{"", `{"error":{"type":"api_error","message":"x"}}`, Failed},
			{"error", `{"message":"x"}`, Failed},
		}},
		{"messages: events that are named but of no type", "/messages", `{}`, []step{
			{"ping", `{}`, 0},
			{"message_stop", `{}`, Finish | Done},
		}},
		{"responses: reasoning, text and a function call", "/responses", `{}`, []step{
			{"response.created", `{"type":"response.created","sequence_number":0,"response":{"id":"r","status":"in_progress","error":null,"output":[]}}`, 0},
			{"response.in_progress", `{"type":"response.in_progress","sequence_number":1,"response":{"error":null}}`, 0},
			{"response.output_item.added", `{"type":"response.output_item.added","output_index":0,"item":{"id":"rs","type":"reasoning","summary":[]}}`, 0},
			{"response.reasoning_summary_part.added", `{"type":"response.reasoning_summary_part.added","part":{"type":"summary_text","text":""}}`, 0},
			{"response.reasoning_summary_text.delta", `{"type":"response.reasoning_summary_text.delta","delta":"**Hm"}`, Output},
			{"response.reasoning_summary_text.done", `{"type":"response.reasoning_summary_text.done","text":"**Hm"}`, 0},
			{"response.reasoning_text.delta", `{"type":"response.reasoning_text.delta","delta":"Hm"}`, Output},
			{"response.output_item.done", `{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning"}}`, 0},
			{"response.output_item.added", `{"type":"response.output_item.added","output_index":1,"item":{"type":"message","role":"assistant","content":[]}}`, 0},
			{"response.content_part.added", `{"type":"response.content_part.added","part":{"type":"output_text","text":""}}`, 0},
			{"response.output_text.delta", `{"type":"response.output_text.delta","delta":"","logprobs":[]}`, 0},
			{"response.output_text.delta", `{"type":"response.output_text.delta","delta":"Hi","logprobs":[]}`, Output},
			{"response.refusal.delta", `{"type":"response.refusal.delta","delta":"No"}`, Output},
			{"response.output_text.annotation.added", `{"type":"response.output_text.annotation.added","annotation":{}}`, 0},
			{"response.output_item.added", `{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","name":"weather","arguments":""}}`, Output},
			{"response.function_call_arguments.delta", `{"type":"response.function_call_arguments.delta","delta":"{}"}`, Output},
			{"response.function_call_arguments.done", `{"type":"response.function_call_arguments.done","arguments":"{}"}`, 0},
			{"response.output_item.done", `{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call"}}`, 0},
			{"response.completed", `{"type":"response.completed","response":{"status":"completed","error":null}}`, Finish | Done},
		}},
		{"responses: a search of the server's", "/responses", `{}`, []step{
			{"response.output_item.added", `{"type":"response.output_item.added","item":{"type":"web_search_call","status":"in_progress"}}`, Output},
			{"response.web_search_call.searching", `{"type":"response.web_search_call.searching"}`, 0},
			{"response.output_item.done", `{"type":"response.output_item.done","item":{"type":"web_search_call"}}`, 0},
		}},
		{"responses: incomplete", "/responses", `{}`, []step{
			{"response.incomplete", `{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}`, Finish | Done},
		}},
		{"responses: failed", "/responses", `{}`, []step{
			{"response.failed", `{"type":"response.failed","response":{"error":{"code":"server_error","message":"x"}}}`, Finish | Done | Failed},
			{"response.failed", `{"type":"response.failed","response":{"error":null}}`, Finish | Done | Failed},
		}},
		{"responses: errors in both forms", "/responses", `{}`, []step{
			{"error", `{"type":"error","code":"rate_limit_exceeded","message":"x","param":null,"sequence_number":3}`, Failed},
			{"error", `{"type":"error","sequence_number":3,"error":{"type":"server_error","code":null,"message":"x"}}`, Failed},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := ParseRequest([]byte(`{"model":"m","r":` + tc.request + `}`))
			if tc.request != `{}` {
				r, err = ParseRequest([]byte(tc.request))
			}
			if err != nil {
				t.Fatal(err)
			}
			j := Lookup(tc.endpoint).NewJudge(r)
			for i, s := range tc.steps {
				if got := j.Event([]byte(s.name), []byte(s.data)); got != s.want {
					t.Errorf("event %d, %s: marks %b, want %b", i, s.data, got, s.want)
				}
			}
		})
	}
}

func TestJudgesRefuseWhatIsNoEvent(t *testing.T) {
	for _, endpoint := range []string{"/chat/completions", "/completions", "/messages", "/responses"} {
		for _, data := range []string{
			``, ` `, `7`, `"x"`, `[]`, `null`, `{`, `{"a":}`, `{"choices":[{"delta":{"content":"bro`, `{} {}`, `{"a":"` + "\x01" + `"}`,
		} {
			if m := Lookup(endpoint).NewJudge(Request{}).Event(nil, []byte(data)); m != Malformed {
				t.Errorf("%s: %q has marks %b, want malformed", endpoint, data, m)
			}
		}
	}
	for _, endpoint := range []string{"/messages", "/responses"} {
		if m := Lookup(endpoint).NewJudge(Request{}).Event(nil, []byte(`{"a":1}`)); m != Malformed {
			t.Errorf("%s: an event without a type has marks %b, want malformed", endpoint, m)
		}
	}
}

func TestEachChoiceHasItsOwnToolCall(t *testing.T) {
	j := Lookup("/chat/completions").NewJudge(Request{Choices: 2})
	j.Event(nil, []byte(`{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}`))
	j.Event(nil, []byte(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`))
	if !j.InToolArguments() {
		t.Error("the end of one choice ended the tool call of another")
	}
	j.Event(nil, []byte(`{"choices":[{"index":1,"delta":{},"finish_reason":"tool_calls"}]}`))
	if j.InToolArguments() {
		t.Error("arguments still open after the end of their choice")
	}
}

func TestResponsesKnowWhenAToolIsCalled(t *testing.T) {
	for _, tc := range []struct{ begin, end string }{
		{"response.output_item.added", "response.output_item.done"},
		{"response.function_call_arguments.delta", "response.function_call_arguments.done"},
		{"response.mcp_call_arguments.delta", "response.mcp_call_arguments.done"},
		{"response.custom_tool_call_input.delta", "response.custom_tool_call_input.done"},
		{"response.code_interpreter_call_code.delta", "response.code_interpreter_call_code.done"},
	} {
		j := Lookup("/responses").NewJudge(Request{})
		j.Event(nil, []byte(`{"type":"`+tc.begin+`","delta":"x","item":{"type":"mcp_call"}}`))
		if !j.InToolArguments() {
			t.Errorf("no tool call after %s", tc.begin)
		}
		j.Event(nil, []byte(`{"type":"response.output_text.done","text":"x"}`))
		if !j.InToolArguments() {
			t.Errorf("the end of a text ended what %s began", tc.begin)
		}
		j.Event(nil, []byte(`{"type":"`+tc.end+`"}`))
		if j.InToolArguments() {
			t.Errorf("still in a tool call after %s", tc.end)
		}
	}
}

func TestJudgesTellTheErrorOfAStream(t *testing.T) {
	for _, tc := range []struct {
		endpoint, name, data string
		want                 Error
	}{
		{"/chat/completions", "", `{"error":{"type":"server_error","code":"c","message":"m"}}`, Error{"server_error", "c", "m"}},
		{"/chat/completions", "", `{"error":{"type":"x","code":503,"message":"m"}}`, Error{"x", "503", "m"}},
		{"/chat/completions", "", `{"error":"flat"}`, Error{Message: "flat"}},
		{"/chat/completions", "error", `{"type":"error","code":"c","message":"m"}`, Error{"", "c", "m"}},
		{"/messages", "error", `{"type":"error","error":{"type":"overloaded_error","message":"m"}}`, Error{"overloaded_error", "", "m"}},
		{"/messages", "error", `{"type":"error","message":"m"}`, Error{"", "", "m"}},
		{"/responses", "error", `{"type":"error","code":"server_error","message":"m","param":null}`, Error{"", "server_error", "m"}},
		{"/responses", "error", `{"type":"error","error":{"type":"t","code":"c","message":"m"}}`, Error{"t", "c", "m"}},
		{"/responses", "", `{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"m"}}}`, Error{"", "rate_limit_exceeded", "m"}},
		{"/responses", "", `{"type":"response.failed","response":{"error":null}}`, Error{}},
	} {
		j := Lookup(tc.endpoint).NewJudge(Request{})
		if m := j.Event([]byte(tc.name), []byte(tc.data)); !m.Has(Failed) {
			t.Errorf("%s %s: marks %b, want failed", tc.endpoint, tc.data, m)
		}
		if got := j.Err(); got != tc.want {
			t.Errorf("%s %s: error %+v, want %+v", tc.endpoint, tc.data, got, tc.want)
		}
	}
}
