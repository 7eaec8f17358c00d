package providersim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// toolCall is a call of one of the client's functions. Its arguments are JSON.
type toolCall struct{ id, name, arguments string }

// toolCalls are what an answer asks for in the place of text: each tool that the
// request offers, once, in parallel. It is none where the request forbids tools,
// or its last message already brings results.
func (c *call) toolCalls() []toolCall {
	if c.x.target.op != opChat && c.x.target.op != opMessages {
		return nil
	}
	messages := c.body.Get("messages").Array()
	if len(messages) > 0 && bringsResults(messages[len(messages)-1]) {
		return nil
	}
	choice := c.body.Get("tool_choice")
	if choice.String() == "none" || choice.Get("type").String() == "none" {
		return nil
	}
	only := choice.Get("function.name").String() + choice.Get("name").String()
	single := c.body.Get("parallel_tool_calls").Raw == "false" || choice.Get("disable_parallel_tool_use").Bool()
	prefix := "call_"
	if c.x.target.op == opMessages {
		prefix = "toolu_"
	}
	var calls []toolCall
	for _, tool := range c.body.Get("tools").Array() {
		name, schema := tool.Get("name"), tool.Get("input_schema")
		if f := tool.Get("function"); f.Exists() {
			name, schema = f.Get("name"), f.Get("parameters")
		}
		if name.String() == "" || only != "" && name.String() != only {
			continue
		}
		id := c.x.id(prefix) + "-" + strconv.Itoa(len(calls))
		calls = append(calls, toolCall{id, name.String(), example(schema)})
		if single {
			break
		}
	}
	return calls
}

// bringsResults tells whether a message holds what tools have returned.
func bringsResults(message gjson.Result) bool {
	return message.Get("role").String() == "tool" || message.Get(`content.#(type=="tool_result")`).Exists()
}

// chatToolCalls is the field tool_calls of a chat message.
func (c *call) chatToolCalls() string {
	calls := make([]string, len(c.tools))
	for i, t := range c.tools {
		calls[i] = fmt.Sprintf(`{"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}`, quote(t.id), quote(t.name), quote(t.arguments))
	}
	return "[" + strings.Join(calls, ",") + "]"
}

// chatToolDeltas are the deltas of a streamed chat message: for each call its
// name, then its arguments piece by piece.
func (c *call) chatToolDeltas() []string {
	var out []string
	for i, t := range c.tools {
		out = append(out, fmt.Sprintf(`{"tool_calls":[{"index":%d,"id":%s,"type":"function","function":{"name":%s,"arguments":""}}]}`, i, quote(t.id), quote(t.name)))
		for _, p := range pieces(t.arguments) {
			out = append(out, fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}`, i, quote(p)))
		}
	}
	return out
}

// messageToolBlocks are the blocks tool_use of a message.
func (c *call) messageToolBlocks() string {
	blocks := make([]string, len(c.tools))
	for i, t := range c.tools {
		blocks[i] = fmt.Sprintf(`{"type":"tool_use","id":%s,"name":%s,"input":%s}`, quote(t.id), quote(t.name), t.arguments)
	}
	return strings.Join(blocks, ",")
}

// messageToolEvents are the events of a streamed message, a step each: every
// block's start, its input piece by piece, and with the last piece its stop.
func (c *call) messageToolEvents() [][]byte {
	var out [][]byte
	for i, t := range c.tools {
		input := func(piece string) []byte {
			return sse("content_block_delta", fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"input_json_delta","partial_json":%s}}`, i, quote(piece)))
		}
		out = append(out, joined(
			sse("content_block_start", fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":{"type":"tool_use","id":%s,"name":%s,"input":{}}}`, i, quote(t.id), quote(t.name))),
			input(""),
		))
		for _, p := range pieces(t.arguments) {
			out = append(out, input(p))
		}
		last := len(out) - 1
		out[last] = append(out[last], sse("content_block_stop", fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, i))...)
	}
	return out
}
