package dialect

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lossy is a request of which the other dialect cannot say all, or says it
// otherwise.
type lossy struct {
	name string
	// in are the parameters of a request beside the model; want are those of the
	// provider's.
	in, want string
	dropped  []string
}

func (l lossy) check(t *testing.T, translation *Translation, o Options) {
	t.Helper()
	in := []byte(`{"model":"m",` + l.in + `}`)
	if _, err := ParseRequest(in); err != nil {
		t.Fatal(err)
	}
	out, dropped, err := translation.Request(in, "other", o)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, "the request", out, []byte(`{"model":"other",`+l.want+`}`))
	if diff := cmp.Diff(l.dropped, dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

const (
	chatHi     = `"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]`
	messagesHi = `"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]`
	chatHiSent = `"max_completion_tokens":9,"messages":[{"role":"user","content":"Hi"}]`
)

func TestChatRequestsLose(t *testing.T) {
	for _, tc := range []lossy{
		{"the older name of the limit", chatHi, messagesHi, nil},
		{"no limit", `"messages":[{"role":"user","content":"Hi"}]`, `"max_tokens":4096,"messages":[{"role":"user","content":"Hi"}]`, nil},
		{
			"what says nothing",
			chatHi + `,"n":1,"logprobs":false,"logit_bias":{ },"stop":null,"top_p":1,"store":false,"modalities":[ "text" ],"temperature":null,"tools":[],"tool_choice":"none","unheard_of":null`,
			messagesHi, nil,
		},
		{
			"advice", chatHi + `,"user":"u","metadata":{"a":"b"},"seed":7,"service_tier":"flex","store":true,"reasoning_effort":"low","presence_penalty":0.5`,
			messagesHi,
			[]string{"user", "metadata", "seed", "service_tier", "store", "reasoning_effort", "presence_penalty"},
		},
		{"a temperature as it is anyway", chatHi + `,"temperature":1.0,"top_p":0.5`, messagesHi + `,"top_p":0.5`, nil},
		{"two ways to sample", chatHi + `,"top_p":0.5,"temperature":0`, messagesHi + `,"temperature":0`, []string{"top_p"}},
		{"a high temperature", chatHi + `,"temperature":1.5`, messagesHi + `,"temperature":1`, []string{"temperature"}},
		{
			"several instructions, one in the middle",
			`"max_tokens":9,"messages":[{"role":"system","content":"A"},{"role":"user","content":"x"},{"role":"developer","content":"B"},{"role":"user","content":"y"}]`,
			`"max_tokens":9,"system":[{"type":"text","text":"A"},{"type":"text","text":"B"}],"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}]`, nil,
		},
		{
			"texts that are empty", `"max_tokens":9,"messages":[{"role":"system","content":""},{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"x"}]},{"role":"assistant","content":""},{"role":"user","content":"y"}]`,
			`"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}]`, nil,
		},
		{
			"turns that say nothing between others, and at the end",
			`"max_tokens":9,"messages":[{"role":"user","content":""},{"role":"assistant","content":"a"},{"role":"user","content":""},{"role":"assistant","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"t","content":"r"},{"role":"assistant","content":null},{"role":"user","content":"y"},{"role":"assistant","content":""}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`,
			`"max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r"},{"type":"text","text":"y"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]`, nil,
		},
		{
			"results after the user's words",
			`"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"functions.f:0","type":"function","function":{"name":"f","arguments":""}}]},{"role":"user","content":"y"},{"role":"tool","tool_call_id":"functions.f:0","content":"r"}]`,
			`"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"functions_f_0","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"functions_f_0","content":"r"},{"type":"text","text":"y"}]}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"none"}`, nil,
		},
		{
			"calls of functions that are offered no more",
			`"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"g","arguments":""}},{"id":"b","function":{"name":"f","arguments":""}},{"id":"c","function":{"name":"\u0067","arguments":""}}]},{"role":"tool","tool_call_id":"a","content":"r"},{"role":"tool","tool_call_id":"b","content":"r"},{"role":"tool","tool_call_id":"c","content":"r"}],"tools":[],"parallel_tool_calls":false`,
			`"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"g","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}},{"type":"tool_use","id":"c","name":"g","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"r"},{"type":"tool_result","tool_use_id":"b","content":"r"},{"type":"tool_result","tool_use_id":"c","content":"r"}]}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}},{"name":"g","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"none"}`, nil,
		},
		{
			"a refusal, names, thoughts and the detail of an image",
			`"max_tokens":9,"messages":[{"role":"user","name":"Ann","content":[{"type":"image_url","image_url":{"url":"https://e/x","detail":"high"}}]},{"role":"assistant","content":null,"refusal":"No.","reasoning_content":"Hm"},{"role":"user","content":"y"}]`,
			`"max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://e/x"}}]},{"role":"assistant","content":"No."},{"role":"user","content":"y"}]`,
			[]string{"messages.name", "messages.content.detail"},
		},
		{
			"a function without parameters, one at a time",
			chatHi + `,"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g","parameters":{"properties":{}}}}],"parallel_tool_calls":false`,
			messagesHi + `,"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}},{"name":"g","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`, nil,
		},
		{
			"a schema's name", chatHi + `,"response_format":{"type":"json_schema","json_schema":{"name":"person","schema":{"type":"object"}}}`,
			messagesHi + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}`, nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.check(t, chatTranslation(), Options{DefaultMaxTokens: 4096}) })
	}
}

func TestMessagesRequestsLose(t *testing.T) {
	for _, tc := range []lossy{
		{
			"what says nothing", messagesHi + `,"system":[],"stop_sequences":[],"thinking":{"type": "disabled"},"service_tier":"auto","top_p":1.0,"metadata":null`,
			chatHiSent, nil,
		},
		{
			"advice", messagesHi + `,"metadata":{"user_id":"u"},"top_k":5,"thinking":{"type":"enabled","budget_tokens":2000},"output_config":{"effort":"low"}`, chatHiSent,
			[]string{"metadata", "top_k", "thinking", "output_config.effort"},
		},
		{
			"hints for the cache",
			`"max_tokens":9,"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}],"tools":[{"name":"f","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}]`,
			`"max_completion_tokens":9,"messages":[{"role":"system","content":"S"},{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`,
			[]string{"system.cache_control", "messages.content.cache_control", "tools.cache_control"},
		},
		{
			"thoughts, an image among results, an error",
			`"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":[{"type":"text","text":"r"},{"type":"image","source":{"type":"url","url":"https://e/x"}}]}]}]`,
			`"max_completion_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"t","content":"r"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://e/x"}}]}]`,
			[]string{"messages.content.is_error"},
		},
		{
			"a turn of nothing but thoughts",
			`"max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"s"}]},{"role":"user","content":"y"}]`,
			`"max_completion_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"user","content":"y"}]`, nil,
		},
		{
			"the older name of the format", messagesHi + `,"output_format":{"type":"json_schema","schema":{"type":"object"}}`,
			chatHiSent + `,"response_format":{"type":"json_schema","json_schema":{"name":"response","strict":true,"schema":{"type":"object"}}}`, nil,
		},
		{"a name that is none", messagesHi + `,"output_config":{"A b\n":1}`, chatHiSent, []string{"output_config"}},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.check(t, messagesTranslation(), Options{DefaultMaxTokens: 4096}) })
	}
}

func TestAnAssistantsTurnAtTheEndNeedsPrefill(t *testing.T) {
	for _, translation := range []*Translation{chatTranslation(), messagesTranslation()} {
		in := []byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"{"}]}`)
		_, _, err := translation.Request(in, "", Options{DefaultMaxTokens: 1})
		var inexpressible *InexpressibleError
		if !errors.As(err, &inexpressible) || inexpressible.Parameter != "messages" {
			t.Errorf("to %v: %v, want an error about messages", translation.To.Dialect, err)
		}
		if _, _, err := translation.Request(in, "", Options{DefaultMaxTokens: 1, SupportsPrefill: true}); err != nil {
			t.Errorf("to %v, which supports prefill: %v", translation.To.Dialect, err)
		}
	}
}

func TestRequestsThatCannotBeExpressed(t *testing.T) {
	user := func(content string) string {
		return `"max_tokens":9,"messages":[{"role":"user","content":` + content + `}]`
	}
	for _, tc := range []struct {
		translation   *Translation
		in, parameter string
	}{
		{chatTranslation(), chatHi + `,"n":2`, "n"},
		{chatTranslation(), chatHi + `,"logprobs":true`, "logprobs"},
		{chatTranslation(), chatHi + `,"logit_bias":{"50256":-100}`, "logit_bias"},
		{chatTranslation(), chatHi + `,"modalities":["text","audio"]`, "modalities"},
		{chatTranslation(), chatHi + `,"response_format":{"type":"json_object"}`, "response_format"},
		{chatTranslation(), chatHi + `,"response_format":"json"`, "response_format"},
		{chatTranslation(), chatHi + `,"response_format":{}`, "response_format"},
		{chatTranslation(), chatHi + `,"unheard_of":1`, "unheard_of"},
		{chatTranslation(), chatHi + `,"stop":"\n\n"`, "stop"},
		{chatTranslation(), chatHi + `,"stop":["a"," "]`, "stop[1]"},
		{chatTranslation(), chatHi + `,"tools":[{"type":"custom","custom":{"name":"f"}}]`, "tools[0]"},
		{chatTranslation(), chatHi + `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools"}`, "tool_choice"},
		{chatTranslation(), user(`[{"type":"text","text":"x"},{"type":"input_audio"}]`), "messages[0].content[1]"},
		{chatTranslation(), user(`[{"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,AA"}}]`), "messages[0].content[0]"},
		{chatTranslation(), user(`[{"type":"image_url","image_url":{"url":"data:image/png,AA"}}]`), "messages[0].content[0]"},
		{chatTranslation(), user(`7`), "messages[0].content"},
		{chatTranslation(), `"messages":[{"role":"system","content":"S"}]`, "messages"},
		{chatTranslation(), `"messages":"Hi"`, "messages"},
		{chatTranslation(), `"messages":[{"role":"function","content":"x"}]`, "messages[0].role"},
		{chatTranslation(), `"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]},{"role":"user","content":"x"}]`, "messages[0].tool_calls[0].function.arguments"},
		{messagesTranslation(), messagesHi + `,"mcp_servers":[{"type":"url"}]`, "mcp_servers"},
		{messagesTranslation(), messagesHi + `,"unheard_of":1`, "unheard_of"},
		{messagesTranslation(), messagesHi + `,"stop_sequences":["a","b","c","d","e"]`, "stop_sequences"},
		{messagesTranslation(), messagesHi + `,"tools":[{"type":"web_search_20250305","name":"web_search"}]`, "tools[0]"},
		{messagesTranslation(), messagesHi + `,"tools":[{"name":"` + strings.Repeat("f", 65) + `","input_schema":{}}]`, "tools[0].name"},
		{messagesTranslation(), user(`[{"type":"document"}]`), "messages[0].content[0]"},
		{messagesTranslation(), user(`[{"type":"image","source":{"type":"file","file_id":"f"}}]`), "messages[0].content[0]"},
		{messagesTranslation(), `"max_tokens":9,"messages":[]`, "messages"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			out, _, err := tc.translation.Request([]byte(`{"model":"m",`+tc.in+`}`), "", Options{DefaultMaxTokens: 1})
			var inexpressible *InexpressibleError
			if !errors.As(err, &inexpressible) || inexpressible.Parameter != tc.parameter {
				t.Fatalf("got %s, %v; want an error about %s", out, err, tc.parameter)
			}
			if !strings.Contains(err.Error(), "the parameter "+tc.parameter+" ") {
				t.Errorf("the caller is not told the parameter: %v", err)
			}
		})
	}
}
