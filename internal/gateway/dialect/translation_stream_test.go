package dialect

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sent is one event that a caller gets.
type sent struct{ name, data string }

// play translates a stream and returns what the caller gets of it. It fails if
// the provider's judge does not find the stream whole.
func play(t *testing.T, translation *Translation, r Request, events []sent) []sent {
	t.Helper()
	translated := translation.Events(r, answeredAt)
	judge := translation.To.NewJudge(r)
	var out []byte
	var whole Mark
	for _, e := range events {
		whole = judge.Event([]byte(e.name), []byte(e.data))
		if whole&(Malformed|Failed) != 0 {
			t.Fatalf("the provider's judge marks %b: %s", whole, e.data)
		}
		data := []byte(e.data)
		b, err := translated.Event([]byte(e.name), data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			data[i] = '#' // nothing is kept
		}
		out = append(out, b...)
	}
	if !whole.Has(Finish) {
		t.Fatal("the provider's stream is not whole")
	}
	return split(t, append(out, translated.End()...))
}

// split cuts a stream into its events.
func split(t *testing.T, stream []byte) []sent {
	t.Helper()
	var out []sent
	for e := range bytes.SplitSeq(stream, []byte("\n\n")) {
		if len(e) == 0 {
			continue
		}
		var s sent
		for line := range strings.SplitSeq(string(e), "\n") {
			switch {
			case strings.HasPrefix(line, "event: "):
				s.name = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				s.data = line[len("data: "):]
			case !strings.HasPrefix(line, ":"):
				t.Fatalf("a line that is none of an event: %q", line)
			}
		}
		if s.data != "" {
			out = append(out, s)
		}
	}
	return out
}

// wantWhole checks that the caller's dialect finds a stream whole, and not
// sooner than at its end.
func wantWhole(t *testing.T, e *Endpoint, stream []sent) {
	t.Helper()
	judge := e.NewJudge(Request{})
	for i, s := range stream {
		m := judge.Event([]byte(s.name), []byte(s.data))
		if m&(Malformed|Failed) != 0 {
			t.Errorf("event %d has marks %b: %s", i, m, s.data)
		}
		if m.Has(Done) != (i == len(stream)-1) {
			t.Errorf("event %d of %d has marks %b: %s", i, len(stream), m, s.data)
		}
	}
}

// chatPieces are the deltas of a chat's stream and why it finished.
func chatPieces(finish string, deltas ...string) []sent {
	var out []sent
	for _, d := range deltas {
		out = append(out, sent{"", `{"id":"id_1","model":"m-1","choices":[{"index":0,"delta":` + d + `,"finish_reason":null}]}`})
	}
	return append(out,
		sent{"", `{"id":"id_1","model":"m-1","choices":[{"index":0,"delta":{},"finish_reason":"` + finish + `"}]}`},
		sent{"", `{"id":"id_1","model":"m-1","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4}}}`},
		sent{"", `[DONE]`})
}

// blocksOf reads a message's stream as its reader does: block after block.
func blocksOf(t *testing.T, stream []sent) (blocks []string, stop string) {
	t.Helper()
	open := -1
	for _, s := range stream {
		var e struct {
			Type         string
			Index        int
			ContentBlock struct{ Type, ID, Name string } `json:"content_block"`
			Delta        struct {
				Text        string
				PartialJSON string `json:"partial_json"`
				StopReason  string `json:"stop_reason"`
			}
		}
		if err := json.Unmarshal([]byte(s.data), &e); err != nil || e.Type != s.name {
			t.Fatalf("event %s: %v: %s", s.name, err, s.data)
		}
		switch e.Type {
		case "content_block_start":
			if open >= 0 || e.Index != len(blocks) {
				t.Fatalf("block %d begins while %d is open and %d were: %s", e.Index, open, len(blocks), s.data)
			}
			open = e.Index
			b := e.ContentBlock
			blocks = append(blocks, strings.TrimSpace(b.Type+" "+b.ID+" "+b.Name)+": ")
		case "content_block_delta":
			if e.Index != open {
				t.Fatalf("a piece of block %d while %d is open: %s", e.Index, open, s.data)
			}
			blocks[open] += e.Delta.Text + e.Delta.PartialJSON
		case "content_block_stop":
			if e.Index != open {
				t.Fatalf("block %d ends while %d is open", e.Index, open)
			}
			open = -1
		case "message_delta":
			stop = e.Delta.StopReason
		}
	}
	return blocks, stop
}

func call(index, id, name, arguments string) string {
	head := ""
	if id != "" {
		head = `"id":"` + id + `","type":"function",`
		name = `"name":"` + name + `",`
	}
	quoted, _ := json.Marshal(arguments)
	return `{"tool_calls":[{"index":` + index + `,` + head + `"function":{` + name + `"arguments":` + string(quoted) + `}}]}`
}

func TestChatStreamsBecomeMessages(t *testing.T) {
	for _, tc := range []struct {
		name   string
		events []sent
		blocks []string
		stop   string
	}{
		{"text", chatPieces("stop", `{"role":"assistant","content":""}`, `{"content":"Hel"}`, `{"content":"lo \"you\"\n"}`), []string{"text: Hello \"you\"\n"}, "end_turn"},
		{"nothing", chatPieces("length", `{"role":"assistant","content":null}`), nil, "max_tokens"},
		{"a refusal", chatPieces("stop", `{"role":"assistant","content":null,"refusal":null}`, `{"refusal":"I can"}`, `{"refusal":"not."}`), []string{"text: I cannot."}, "refusal"},
		{"a filter", chatPieces("content_filter", `{"content":"x"}`), []string{"text: x"}, "refusal"},
		{"reasoning", chatPieces("stop", `{"reasoning_content":"Hm"}`, `{"content":"x"}`), []string{"text: x"}, "end_turn"},
		{
			"text and calls one after the other",
			chatPieces("tool_calls", `{"content":"I look."}`, call("0", "call_1", "f", ""), call("0", "", "", `{"a"`), call("0", "", "", `:1}`), call("1", "call_2", "g", `{}`)),
			[]string{"text: I look.", `tool_use call_1 f: {"a":1}`, "tool_use call_2 g: {}"}, "tool_use",
		},
		{
			"calls by turns, text between them, one without arguments",
			chatPieces("stop", call("0", "a:0", "f", ""), call("1", "call_2", "g", `{"b"`), `{"content":"tex"}`, call("0", "", "", `{"a"`), `{"content":"t"}`, call("2", "call_3", "h", ""), call("1", "", "", `:2}`), call("0", "", "", `:1}`)),
			[]string{`tool_use a_0 f: {"a":1}`, `tool_use call_2 g: {"b":2}`, "text: text", "tool_use call_3 h: {}"}, "tool_use",
		},
		{
			"calls that all have one number, by their ids",
			chatPieces("tool_calls", call("0", "call_1", "f", `{"a":1}`), call("0", "call_2", "g", ""), call("0", "", "", `{"b":`), call("0", "call_2", "g", `2}`), call("0", "call_3", "f", "")),
			[]string{`tool_use call_1 f: {"a":1}`, `tool_use call_2 g: {"b":2}`, "tool_use call_3 f: {}"}, "tool_use",
		},
		{
			"calls without a number",
			chatPieces("tool_calls", `{"tool_calls":[{"id":"call_1","function":{"name":"f","arguments":"{}"}},{"id":"call_2","function":{"name":"f","arguments":"{\"b\":2}"}}]}`),
			[]string{`tool_use call_1 f: {}`, `tool_use call_2 f: {"b":2}`}, "tool_use",
		},
		{
			"a whole answer in one chunk, usage in it, no end mark",
			[]sent{{"", `{"id":"id_1","choices":[{"index":0,"delta":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`}},
			[]string{"text: x"}, "end_turn",
		},
		{
			"a filter's report before the message",
			append([]sent{{"", `{"choices":[],"id":"","model":"","prompt_filter_results":[]}`}}, chatPieces("stop", `{"content":"x"}`)...),
			[]string{"text: x"}, "end_turn",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := play(t, messagesTranslation(), Request{}, tc.events)
			wantWhole(t, Lookup("/messages"), got)
			blocks, stop := blocksOf(t, got)
			if diff := cmp.Diff(tc.blocks, blocks); diff != "" || stop != tc.stop {
				t.Errorf("stop %q, want %q; blocks (-want +got):\n%s", stop, tc.stop, diff)
			}
			if got[0].name != "message_start" || !strings.Contains(got[0].data, `"id":"id_1"`) {
				t.Errorf("it begins with %v", got[0])
			}
		})
	}
}

func TestAMessagesStreamTellsWhatItCost(t *testing.T) {
	got := play(t, messagesTranslation(), Request{}, chatPieces("stop", `{"content":"x"}`))
	want := sent{"message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":8,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":3}}`}
	if diff := cmp.Diff(want, got[len(got)-2], cmp.AllowUnexported(sent{})); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWaitsForOtherBlocksIsBounded(t *testing.T) {
	events := messagesTranslation().Events(Request{}, answeredAt)
	piece := strings.Repeat("x", 1<<20)
	if _, err := events.Event(nil, []byte(chatPieces("stop", call("0", "a", "f", ""))[0].data)); err != nil {
		t.Fatal(err)
	}
	for range 2 * maxWaiting >> 20 {
		if _, err := events.Event(nil, []byte(chatPieces("stop", call("1", "b", "g", piece))[0].data)); err != nil {
			return
		}
	}
	t.Errorf("more than %d bytes wait", 2*maxWaiting)
}

// messagePieces is a message's stream around its blocks.
func messagePieces(stop string, events ...sent) []sent {
	out := []sent{
		{"message_start", `{"type":"message_start","message":{"id":"id_1","model":"m-1","role":"assistant","content":[],"usage":{"input_tokens":8,"cache_read_input_tokens":3,"cache_creation_input_tokens":1,"output_tokens":1}}}`},
		{"ping", `{"type":"ping"}`},
	}
	out = append(out, events...)
	return append(out,
		sent{"message_delta", `{"type":"message_delta","delta":{"stop_reason":"` + stop + `"},"usage":{"output_tokens":3}}`},
		sent{"message_stop", `{"type":"message_stop"}`})
}

// block is a block of a message in events.
func block(index, start string, deltas ...string) []sent {
	out := []sent{{"content_block_start", `{"type":"content_block_start","index":` + index + `,"content_block":` + start + `}`}}
	for _, d := range deltas {
		out = append(out, sent{"content_block_delta", `{"type":"content_block_delta","index":` + index + `,"delta":` + d + `}`})
	}
	return append(out, sent{"content_block_stop", `{"type":"content_block_stop","index":` + index + `}`})
}

// answerOf puts a chat's stream together as its reader does.
func answerOf(t *testing.T, stream []sent) (content, reasoning string, calls []string, finish string) {
	t.Helper()
	for _, s := range stream[:len(stream)-1] {
		var c struct {
			ID, Object, Model string
			Created           int64
			Choices           []struct {
				Delta struct {
					Content, ReasoningContent string
					Reasoning                 string `json:"reasoning_content"`
					Calls                     []struct {
						Index    int
						ID       string
						Function struct{ Name, Arguments string }
					} `json:"tool_calls"`
				}
				Finish string `json:"finish_reason"`
			}
		}
		if err := json.Unmarshal([]byte(s.data), &c); err != nil {
			t.Fatalf("%v: %s", err, s.data)
		}
		if c.ID != "id_1" || c.Model != "m-1" || c.Object != "chat.completion.chunk" || c.Created != answeredAt.Unix() {
			t.Errorf("a chunk of another answer: %s", s.data)
		}
		for _, choice := range c.Choices {
			content += choice.Delta.Content
			reasoning += choice.Delta.Reasoning
			finish += choice.Finish
			for _, call := range choice.Delta.Calls {
				if call.ID != "" {
					calls = append(calls, call.ID+" "+call.Function.Name+": ")
				}
				if call.Index != len(calls)-1 {
					t.Fatalf("a piece of call %d while %d have begun", call.Index, len(calls))
				}
				calls[call.Index] += call.Function.Arguments
			}
		}
	}
	return content, reasoning, calls, finish
}

func TestMessagesStreamsBecomeChat(t *testing.T) {
	text := block("0", `{"type":"text","text":""}`, `{"type":"text_delta","text":"Hel"}`, `{"type":"text_delta","text":"lo \"you\""}`)
	for _, tc := range []struct {
		name      string
		events    []sent
		content   string
		reasoning string
		calls     []string
		finish    string
	}{
		{"text", messagePieces("end_turn", text...), `Hello "you"`, "", nil, "stop"},
		{"nothing", messagePieces("max_tokens"), "", "", nil, "length"},
		{"a refusal", messagePieces("refusal", text...), `Hello "you"`, "", nil, "content_filter"},
		{
			"thinking", messagePieces("stop_sequence", append(block("0", `{"type":"thinking","thinking":""}`, `{"type":"thinking_delta","thinking":"Hm"}`, `{"type":"signature_delta","signature":"s"}`), text...)...),
			`Hello "you"`, "Hm", nil, "stop",
		},
		{
			"tools, one without arguments, one that has them from the start",
			messagePieces("tool_use", append(append(append(text,
				block("1", `{"type":"tool_use","id":"t1","name":"f","input":{}}`, `{"type":"input_json_delta","partial_json":""}`, `{"type":"input_json_delta","partial_json":"{\"a\""}`, `{"type":"input_json_delta","partial_json":":1}"}`)...),
				block("2", `{"type":"tool_use","id":"t2","name":"g","input":{}}`, `{"type":"input_json_delta","partial_json":""}`)...),
				block("3", `{"type":"tool_use","id":"t3","name":"h","input":{"b": 2}}`)...)...),
			`Hello "you"`, "", []string{`t1 f: {"a":1}`, "t2 g: {}", `t3 h: {"b": 2}`}, "tool_calls",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := play(t, chatTranslation(), Request{}, tc.events)
			wantWhole(t, Lookup("/chat/completions"), got)
			content, reasoning, calls, finish := answerOf(t, got)
			if content != tc.content || reasoning != tc.reasoning || finish != tc.finish {
				t.Errorf("content %q, reasoning %q, finish %q; want %q, %q, %q", content, reasoning, finish, tc.content, tc.reasoning, tc.finish)
			}
			if diff := cmp.Diff(tc.calls, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if strings.Contains(got[len(got)-2].data, `"usage"`) {
				t.Errorf("usage that nobody asked for: %s", got[len(got)-2].data)
			}
		})
	}
}

func TestAChatsStreamTellsWhatItCostWhereAsked(t *testing.T) {
	r, err := ParseRequest([]byte(`{"model":"m","stream":true,"stream_options":{"include_usage":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := play(t, chatTranslation(), r, messagePieces("end_turn"))
	wantWhole(t, Lookup("/chat/completions"), got)
	want := `{"id":"id_1","object":"chat.completion.chunk","created":1700000000,"model":"m-1","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":3}}}`
	if last := got[len(got)-2].data; last != want {
		t.Errorf("got  %s\nwant %s", last, want)
	}
	for _, s := range got[:len(got)-2] {
		if !strings.Contains(s.data, `"usage":null`) {
			t.Errorf("a chunk without usage: %s", s.data)
		}
	}
}

func TestPingsKeepTheCallersConnectionAlive(t *testing.T) {
	for _, tc := range []struct {
		translation *Translation
		event       sent
		want        string
	}{
		{chatTranslation(), sent{"ping", `{"type":"ping"}`}, ": ping\n\n"},
		{messagesTranslation(), sent{"", `{"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}`}, "event: ping\ndata: {\"type\":\"ping\"}\n\n"},
	} {
		events := tc.translation.Events(Request{}, answeredAt)
		_, _ = events.Event(nil, []byte(`{"choices":[{"index":0,"delta":{"role":"assistant"}}]}`))
		if got, err := events.Event([]byte(tc.event.name), []byte(tc.event.data)); err != nil || string(got) != tc.want {
			t.Errorf("%s became %q, %v; want %q", tc.event.data, got, err, tc.want)
		}
	}
}

func TestErrorsInTheCallersDialect(t *testing.T) {
	for _, tc := range []struct {
		translation *Translation
		status      int
		told        Error
		wantStatus  int
		want        string
	}{
		{chatTranslation(), 529, Error{"overloaded_error", "", "Overloaded"}, 503, `{"error":{"message":"Overloaded","type":"server_error","param":null,"code":"overloaded_error"}}`},
		{chatTranslation(), 429, Error{"rate_limit_error", "", "slow down"}, 429, `{"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}`},
		{chatTranslation(), 400, Error{"invalid_request_error", "", "prompt is too long: 9 tokens"}, 400, `{"error":{"message":"prompt is too long: 9 tokens","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}`},
		{chatTranslation(), 400, Error{"invalid_request_error", "", "bad"}, 400, `{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}}`},
		{chatTranslation(), 500, Error{"api_error", "", "oh"}, 500, `{"error":{"message":"oh","type":"server_error","param":null,"code":null}}`},
		{chatTranslation(), 401, Error{"authentication_error", "", "no"}, 401, `{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{messagesTranslation(), 404, Error{"invalid_request_error", "model_not_found", "no model"}, 404, `{"type":"error","error":{"type":"not_found_error","message":"no model"}}`},
		{messagesTranslation(), 503, Error{"server_error", "", "busy"}, 503, `{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`},
		{messagesTranslation(), 400, Error{"invalid_request_error", "context_length_exceeded", "maximum context length is 8"}, 400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: maximum context length is 8"}}`},
		{messagesTranslation(), 500, Error{}, 500, `{"type":"error","error":{"type":"api_error","message":"the provider gave no reason"}}`},
	} {
		status, body := tc.translation.Error(tc.status, tc.told)
		if status != tc.wantStatus || string(body) != tc.want {
			t.Errorf("%d %+v became %d %s, want %d %s", tc.status, tc.told, status, body, tc.wantStatus, tc.want)
		}
	}
}
