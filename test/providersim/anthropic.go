package providersim

import "fmt"

// messagesWhole is a message of Anthropic's dialect.
func (c *call) messagesWhole() []byte {
	return fmt.Appendf(nil, `{"id":%s,"type":"message","role":"assistant","model":%s,"content":[%s],"stop_reason":%q,"stop_sequence":null,"usage":{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":%d}}`,
		quote(c.x.id("msg_")), quote(c.model), c.messageBlocks(), c.stopReason(), c.promptTokens(), c.outputTokens())
}

func (c *call) messageBlocks() string {
	if len(c.tools) > 0 {
		return c.messageToolBlocks()
	}
	return `{"type":"text","text":` + quote(c.text()) + `}`
}

// messagesStream is the message as events: message_start, one block of text or a
// block for each call of a tool, message_delta, message_stop.
func (c *call) messagesStream() events {
	start := fmt.Sprintf(`{"type":"message_start","message":{"id":%s,"type":"message","role":"assistant","model":%s,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}`,
		quote(c.x.id("msg_")), quote(c.model), c.promptTokens())
	ping := sse("ping", `{"type":"ping"}`)
	text := func(fields string) string {
		return `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":` + fields
	}
	ev := events{
		opening: joined(
			sse("message_start", start),
			sse("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
			ping,
		),
		token:   func(i int) []byte { return sse("content_block_delta", text(quote(c.words[i])+`}}`)) },
		tokens:  len(c.words),
		finish:  sse("content_block_stop", `{"type":"content_block_stop","index":0}`),
		last:    sse("message_stop", `{"type":"message_stop"}`),
		broken:  sse("content_block_delta", text(`"bro`)),
		ping:    ping,
		problem: sse("error", string(c.x.problem(200).body())),
	}
	if steps := c.messageToolEvents(); len(steps) > 0 {
		ev.opening, ev.finish = joined(sse("message_start", start), ping), nil
		ev.token, ev.tokens = func(i int) []byte { return steps[i] }, len(steps)
		ev.broken = sse("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"bro`)
	}
	ev.finish = joined(ev.finish, sse("message_delta", fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":%q,"stop_sequence":null},"usage":{"output_tokens":%d}}`, c.stopReason(), c.outputTokens())))
	return ev
}

func (c *call) stopReason() string {
	switch {
	case len(c.tools) > 0:
		return "tool_use"
	case c.shortened:
		return "max_tokens"
	}
	return "end_turn"
}
