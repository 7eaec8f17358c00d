package dialect

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
)

// fields are a JSON object.
type fields = map[string]any

// author makes up conversations of which neither dialect loses anything.
type author struct{ *rand.Rand }

func (a author) often(n int) bool { return a.IntN(n) > 0 }

// text is never empty, and has what must be escaped.
func (a author) text() string {
	words := []string{"Hello", "\"quoted\"", "é\n", "\\", "<&>", "\u2028", "😀", " ", "\x00", "{\"a\":1}"}
	out := "x"
	for range 1 + a.IntN(5) {
		out += words[a.IntN(len(words))]
	}
	return out
}

// schema is of an object, as both dialects want it.
func (a author) schema() fields {
	properties := fields{}
	for i := range 1 + a.IntN(3) {
		properties[fmt.Sprint("p", i)] = fields{"type": []string{"string", "integer", "boolean"}[a.IntN(3)], "description": a.text()}
	}
	return fields{"type": "object", "properties": properties, "additionalProperties": false}
}

// chat is a request for a chat completion.
func (a author) chat() fields {
	r := fields{"model": "m", "max_completion_tokens": 1 + a.IntN(9000)}
	var messages []any
	for range a.IntN(3) {
		messages = append(messages, fields{"role": "system", "content": a.text()})
	}
	calls := 0
	for turn, last := 0, a.IntN(4); turn <= last; turn++ {
		messages = append(messages, fields{"role": "user", "content": a.content(true)})
		if turn == last {
			break
		}
		said := fields{"role": "assistant", "content": a.content(false)}
		messages = append(messages, said)
		if a.often(2) {
			continue
		}
		var made []any
		var results []any
		for range 1 + a.IntN(3) {
			calls++
			id := fmt.Sprint("call_", calls)
			arguments, _ := json.Marshal(fields{"a": a.text(), "b": a.IntN(9)}) // plain values always encode
			made = append(made, fields{"id": id, "type": "function", "function": fields{"name": "f", "arguments": string(arguments)}})
			results = append(results, fields{"role": "tool", "tool_call_id": id, "content": []any{a.content(false), ""}[a.IntN(2)]})
		}
		said["tool_calls"] = made
		if a.often(2) {
			said["content"] = nil
		}
		messages = append(messages, results...)
	}
	r["messages"] = messages
	a.options(r)
	return r
}

// content is a text or several parts: of the user's, also images.
func (a author) content(images bool) any {
	if a.often(3) {
		return a.text()
	}
	parts := []any{fields{"type": "text", "text": a.text()}}
	for range 1 + a.IntN(2) {
		switch part := a.IntN(3); {
		case images && part == 0:
			parts = append(parts, fields{"type": "image_url", "image_url": fields{"url": "https://example.com/" + fmt.Sprint(a.IntN(9))}})
		case images && part == 1:
			parts = append(parts, fields{"type": "image_url", "image_url": fields{"url": "data:image/png;base64,iVBORw0KGgo="}})
		default:
			parts = append(parts, fields{"type": "text", "text": a.text()})
		}
	}
	return parts
}

func (a author) options(r fields) {
	maybe := func(name string, value any) {
		if a.IntN(2) == 0 {
			r[name] = value
		}
	}
	if tenths := float64(a.IntN(10)) / 10; a.often(2) {
		maybe("temperature", tenths)
	} else {
		maybe("top_p", tenths)
	}
	maybe("stop", []any{"END", a.text()})
	maybe("response_format", fields{"type": "json_schema", "json_schema": fields{"name": "response", "schema": a.schema(), "strict": true}})
	if a.often(2) {
		r["stream"] = true
	}
	if called := slices.ContainsFunc(r["messages"].([]any), func(m any) bool { return m.(fields)["tool_calls"] != nil }); !called && !a.often(2) {
		return
	}
	r["tools"] = []any{
		fields{"type": "function", "function": fields{"name": "f", "description": a.text(), "parameters": a.schema()}},
		fields{"type": "function", "function": fields{"name": "g", "parameters": a.schema(), "strict": true}},
	}
	r["tool_choice"] = []any{"auto", "required", "none", fields{"type": "function", "function": fields{"name": "f"}}}[a.IntN(4)]
	if r["tool_choice"] != "none" {
		maybe("parallel_tool_calls", false)
	}
}

const stories = 1000

// TestConversationsReturnUnchanged from the other dialect, whatever is in them.
func TestConversationsReturnUnchanged(t *testing.T) {
	for seed := range uint64(stories) {
		a := author{rand.New(rand.NewPCG(seed, 1))}
		asked, err := json.Marshal(a.chat())
		if err != nil {
			t.Fatal(err)
		}
		there, dropped, err := chatTranslation().Request(asked, "", Options{DefaultMaxTokens: 1})
		if err != nil || dropped != nil {
			t.Fatalf("seed %d: dropped %q, %v: %s", seed, dropped, err, asked)
		}
		back, dropped, err := messagesTranslation().Request(there, "", Options{})
		if err != nil || dropped != nil {
			t.Fatalf("seed %d: on the way back dropped %q, %v: %s", seed, dropped, err, there)
		}
		wantJSON(t, fmt.Sprint("seed ", seed), back, asked)
		again, _, err := chatTranslation().Request(back, "", Options{DefaultMaxTokens: 1})
		if err != nil || string(again) != string(there) {
			t.Errorf("seed %d: %v, the second time it is\n%s, not\n%s", seed, err, again, there)
		}
		if t.Failed() {
			return
		}
	}
}

// message is an answer of Anthropic's: its blocks and why it ended.
func (a author) message() (blocks []fields, stop string) {
	if a.often(4) {
		blocks = append(blocks, fields{"type": "text", "text": a.text()})
	}
	for i := range a.IntN(4) {
		blocks = append(blocks, fields{"type": "tool_use", "id": fmt.Sprint("toolu_", i), "name": "f", "input": fields{"a": a.text(), "n": a.IntN(9)}})
	}
	if n := len(blocks); n > 0 && blocks[n-1]["type"] == "tool_use" {
		return blocks, "tool_use"
	}
	return blocks, []string{"end_turn", "max_tokens", "refusal"}[a.IntN(3)]
}

// TestAnswersReturnUnchanged whole, and cut into events wherever that is.
func TestAnswersReturnUnchanged(t *testing.T) {
	for seed := range uint64(stories) {
		a := author{rand.New(rand.NewPCG(seed, 2))}
		blocks, stop := a.message()
		usage := fields{"input_tokens": a.IntN(99), "cache_creation_input_tokens": 0, "cache_read_input_tokens": a.IntN(99), "output_tokens": a.IntN(99)}
		message, err := json.Marshal(fields{
			"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "content": append([]fields{}, blocks...),
			"stop_reason": stop, "stop_sequence": nil, "usage": usage,
		})
		if err != nil {
			t.Fatal(err)
		}
		chat, err := chatTranslation().Answer(message, answeredAt)
		if err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, message)
		}
		back, err := messagesTranslation().Answer(chat, answeredAt)
		if err != nil {
			t.Fatalf("seed %d: %v: %s", seed, err, chat)
		}
		wantJSON(t, fmt.Sprint("seed ", seed), back, message)

		stream := play(t, chatTranslation(), Request{Usage: true}, a.events(blocks, stop))
		returned, gotStop := blocksOf(t, play(t, messagesTranslation(), Request{}, a.byTurns(stream)))
		if diff := cmp.Diff(shown(t, blocks), returned); diff != "" || gotStop != stop {
			t.Errorf("seed %d, streamed: stop %q, want %q; blocks (-want +got):\n%s", seed, gotStop, stop, diff)
		}
		if t.Failed() {
			return
		}
	}
}

// events is a message as a stream, whose pieces are cut anywhere.
func (a author) events(blocks []fields, stop string) []sent {
	var out []sent
	for i, b := range blocks {
		start, kind, field, whole := `{"type":"text","text":""}`, "text_delta", "text", b["text"]
		if b["type"] == "tool_use" {
			input, _ := json.Marshal(b["input"]) // plain values always encode
			start = fmt.Sprintf(`{"type":"tool_use","id":%q,"name":"f","input":{}}`, b["id"])
			kind, field, whole = "input_json_delta", "partial_json", string(input)
		}
		var deltas []string
		for rest := []rune(whole.(string)); len(rest) > 0; {
			n := min(1+a.IntN(6), len(rest))
			piece, _ := json.Marshal(fields{"type": kind, field: string(rest[:n])}) // plain values always encode
			deltas, rest = append(deltas, string(piece)), rest[n:]
		}
		out = append(out, block(fmt.Sprint(i), start, deltas...)...)
	}
	return messagePieces(stop, out...)
}

// byTurns mixes the pieces of different calls in a chat's stream, each call's own
// in their order, as some providers bring them.
func (a author) byTurns(stream []sent) []sent {
	index := func(s sent) int64 {
		if i := gjson.Get(s.data, "choices.0.delta.tool_calls.0.index"); i.Exists() {
			return i.Int()
		}
		return -1
	}
	out := slices.Clone(stream)
	for range 5 * len(out) {
		i := a.IntN(max(len(out)-1, 1))
		begins := func(s sent) bool { return gjson.Get(s.data, "choices.0.delta.tool_calls.0.id").Exists() }
		if x, y := index(out[i]), index(out[i+1]); x >= 0 && y >= 0 && x != y && (!begins(out[i]) || !begins(out[i+1])) {
			out[i], out[i+1] = out[i+1], out[i]
		}
	}
	return out
}

// shown are blocks as blocksOf writes them.
func shown(t *testing.T, blocks []fields) []string {
	t.Helper()
	var out []string
	for _, b := range blocks {
		if b["type"] == "text" {
			out = append(out, "text: "+b["text"].(string))
			continue
		}
		input, err := json.Marshal(b["input"])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("tool_use %s f: %s", b["id"], input))
	}
	return out
}
