package providersim_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

const (
	weather = `{"type":"object","properties":{"city":{"type":"string"},"unit":{"enum":["C","F"]}}}`
	clock   = `{"type":"object","properties":{"zones":{"type":"array","items":{"type":["integer","null"]}}}}`

	chatTools    = `"tools":[{"type":"function","function":{"name":"weather","parameters":` + weather + `}},{"type":"function","function":{"name":"clock","parameters":` + clock + `}}]`
	messageTools = `"tools":[{"name":"weather","input_schema":` + weather + `},{"name":"clock","input_schema":` + clock + `}]`

	weatherArguments = `{"city":"word","unit":"C"}`
	clockArguments   = `{"zones":[1]}`
)

func TestOfferedToolsAreCalled(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	chat := `{"model":"m",` + chatTools + `,"messages":[{"role":"user","content":"hi"}]`
	message := `{"model":"m","max_tokens":100,` + messageTools + `,"messages":[{"role":"user","content":"hi"}]`
	const names, arguments, reason = "choices.0.message.tool_calls.#.function.name", "choices.0.message.tool_calls.#.function.arguments", "choices.0.finish_reason"
	for _, c := range []struct{ name, path, body, value, want string }{
		{"chat", chatPath, chat + `}`, names, `["weather","clock"]`},
		{"chat's reason", chatPath, chat + `}`, reason, "tool_calls"},
		{"chat's text", chatPath, chat + `}`, "choices.0.message.content", ""},
		{"one chosen", chatPath, chat + `,"tool_choice":{"type":"function","function":{"name":"clock"}}}`, names, `["clock"]`},
		{"one at a time", chatPath, chat + `,"parallel_tool_calls":false}`, names, `["weather"]`},
		{"none", chatPath, chat + `,"tool_choice":"none"}`, reason, "stop"},
		{"results", chatPath, strings.TrimSuffix(chat, "]") + `,{"role":"tool","tool_call_id":"c","content":"12"}]}`, reason, "stop"},
		{"message", messagePath, message + `}`, "content.#.name", `["weather","clock"]`},
		{"message's input", messagePath, message + `}`, "content.0.input", weatherArguments},
		{"message's reason", messagePath, message + `}`, "stop_reason", "tool_use"},
		{"message, one chosen", messagePath, message + `,"tool_choice":{"type":"tool","name":"clock"}}`, "content.#.name", `["clock"]`},
		{"message, one at a time", messagePath, message + `,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}}`, "content.#.name", `["weather"]`},
		{"message, none", messagePath, message + `,"tool_choice":{"type":"none"}}`, "stop_reason", "end_turn"},
		{"message, results", messagePath, strings.TrimSuffix(message, "]") + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"12"}]}]}`, "stop_reason", "end_turn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := post(t, s, c.path, c.body)
			if v := gjson.Get(got.body, c.value).String(); v != c.want || !gjson.Valid(got.body) {
				t.Errorf("%s is %q, want %q in %s", c.value, v, c.want, got.body)
			}
		})
	}
	args := gjson.Get(post(t, s, chatPath, chat+`}`).body, arguments).Array()
	if args[0].String() != weatherArguments || args[1].String() != clockArguments {
		t.Errorf("arguments %v", args)
	}
}

func TestCallsOfToolsAreStreamed(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	for _, c := range []struct{ name, path, body, index, piece, reason, want string }{
		{"chat", chatPath, `{"model":"m","stream":true,` + chatTools + `}`,
			"choices.0.delta.tool_calls.0.index", "choices.0.delta.tool_calls.0.function.arguments", "choices.0.finish_reason", "tool_calls"},
		{"message", messagePath, `{"model":"m","max_tokens":9,"stream":true,` + messageTools + `}`,
			"index", "delta.partial_json", "delta.stop_reason", "tool_use"},
	} {
		t.Run(c.name, func(t *testing.T) {
			arguments, pieces, reason := map[string]string{}, 0, ""
			for _, e := range events(post(t, s, c.path, c.body).body) {
				if piece := gjson.Get(e.data, c.piece); piece.String() != "" {
					arguments[gjson.Get(e.data, c.index).String()] += piece.String()
					pieces++
				}
				reason += gjson.Get(e.data, c.reason).String()
			}
			if arguments["0"] != weatherArguments || arguments["1"] != clockArguments || pieces < 6 || reason != c.want {
				t.Errorf("%d pieces, %v, %s", pieces, arguments, reason)
			}
		})
	}
}

func TestBlocksOfToolsOpenAndCloseInTurn(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	var got []string
	for _, e := range events(post(t, s, messagePath, `{"model":"m","max_tokens":9,"stream":true,`+messageTools+`}`).body) {
		if e.name != "content_block_delta" {
			got = append(got, e.name+gjson.Get(e.data, "index").String())
		}
	}
	want := "message_start ping content_block_start0 content_block_stop0 content_block_start1 content_block_stop1 message_delta message_stop"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestStructuredOutputFollowsItsSchema(t *testing.T) {
	s := providersim.Start(t, providersim.Options{})
	for _, c := range []struct{ name, path, body, text string }{
		{"chat", chatPath, `{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"w","schema":` + weather + `}}}`, "choices.0.message.content"},
		{"responses", responsePath, `{"model":"m","text":{"format":{"type":"json_schema","name":"w","schema":` + weather + `}}}`, "output.0.content.0.text"},
		{"message", messagePath, `{"model":"m","max_tokens":99,"output_config":{"format":{"type":"json_schema","schema":` + weather + `}}}`, "content.0.text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := gjson.Get(post(t, s, c.path, c.body).body, c.text).String(); v != weatherArguments {
				t.Errorf("unstreamed: %s", v)
			}
			if v := output(post(t, s, c.path, strings.TrimSuffix(c.body, "}")+`,"stream":true}`).body); v != weatherArguments {
				t.Errorf("streamed: %s", v)
			}
		})
	}
}
