package providersim

import (
	"fmt"
	"strings"
)

// chatWhole is a chat.completion.
func (c *call) chatWhole() []byte {
	choices := make([]string, c.choices)
	for i := range choices {
		choices[i] = fmt.Sprintf(`{"index":%d,"message":{"role":"assistant",%s,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":%q}`, i, c.chatContent(), c.finishReason())
	}
	return fmt.Appendf(nil, `{"id":%s,"object":"chat.completion","created":%d,"model":%s,"choices":[%s],"usage":%s,"system_fingerprint":null}`,
		quote(c.x.id("chatcmpl-")), c.created, quote(c.model), strings.Join(choices, ","), c.usageJSON())
}

func (c *call) chatContent() string {
	if len(c.tools) > 0 {
		return `"content":null,"tool_calls":` + c.chatToolCalls()
	}
	return `"content":` + quote(c.text())
}

// chatStream is a run of chat.completion.chunk: the role, the content or the
// calls of tools, the reason for the end, usage if asked for, [DONE].
func (c *call) chatStream() events {
	role, broken := `{"role":"assistant","content":"","refusal":null}`, `{"content":"bro`
	deltas := c.chatToolDeltas()
	if len(deltas) > 0 {
		role, broken = `{"role":"assistant","content":null,"refusal":null}`, `{"tool_calls":[{"index":0,"function":{"arguments":"bro`
	} else {
		for _, w := range c.words {
			deltas = append(deltas, `{"content":`+quote(w)+`}`)
		}
	}
	delta := func(delta, reason string) []byte {
		return c.chunks("chatcmpl-", "chat.completion.chunk", func(i int) string {
			return fmt.Sprintf(`{"index":%d,"delta":%s,"logprobs":null,"finish_reason":%s}`, i, delta, quoteOrNull(reason))
		})
	}
	return events{
		opening: delta(role, ""),
		token:   func(i int) []byte { return delta(deltas[i], "") },
		tokens:  len(deltas),
		finish:  append(delta(`{}`, c.finishReason()), c.usageChunk("chatcmpl-", "chat.completion.chunk")...),
		last:    sse("", "[DONE]"),
		broken:  sse("", `{"id":`+quote(c.x.id("chatcmpl-"))+`,"object":"chat.completion.chunk","choices":[{"index":0,"delta":`+broken),
		problem: sse("", string(c.x.problem(200).body())),
	}
}

// completionsWhole is a text_completion, the older dialect.
func (c *call) completionsWhole() []byte {
	choices := make([]string, c.choices)
	for i := range choices {
		choices[i] = fmt.Sprintf(`{"text":%s,"index":%d,"logprobs":null,"finish_reason":%q}`, quote(c.text()), i, c.finishReason())
	}
	return fmt.Appendf(nil, `{"id":%s,"object":"text_completion","created":%d,"model":%s,"choices":[%s],"usage":%s}`,
		quote(c.x.id("cmpl-")), c.created, quote(c.model), strings.Join(choices, ","), c.usageJSON())
}

func (c *call) completionsStream() events {
	piece := func(text, reason string) []byte {
		return c.chunks("cmpl-", "text_completion", func(i int) string {
			return fmt.Sprintf(`{"text":%s,"index":%d,"logprobs":null,"finish_reason":%s}`, quote(text), i, quoteOrNull(reason))
		})
	}
	return events{
		token:   func(i int) []byte { return piece(c.words[i], "") },
		tokens:  len(c.words),
		finish:  append(piece("", c.finishReason()), c.usageChunk("cmpl-", "text_completion")...),
		last:    sse("", "[DONE]"),
		broken:  sse("", `{"id":`+quote(c.x.id("cmpl-"))+`,"object":"text_completion","choices":[{"text":"bro`),
		problem: sse("", string(c.x.problem(200).body())),
	}
}

// chunks is one event for each choice. Where usage was asked for, every chunk
// has the field, null until the last.
func (c *call) chunks(prefix, object string, choice func(i int) string) []byte {
	usage := ""
	if c.usage {
		usage = `,"usage":null`
	}
	var out []byte
	for i := range c.choices {
		out = append(out, sse("", c.chunkHead(prefix, object)+`"choices":[`+choice(i)+`]`+usage+`}`)...)
	}
	return out
}

// usageChunk is the chunk without choices that comes after the finish.
func (c *call) usageChunk(prefix, object string) []byte {
	if !c.usage {
		return nil
	}
	return sse("", c.chunkHead(prefix, object)+`"choices":[],"usage":`+c.usageJSON()+`}`)
}

func (c *call) chunkHead(prefix, object string) string {
	return fmt.Sprintf(`{"id":%s,"object":%q,"created":%d,"model":%s,"system_fingerprint":null,`, quote(c.x.id(prefix)), object, c.created, quote(c.model))
}

func (c *call) usageJSON() string {
	in, out := c.promptTokens(), c.outputTokens()
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, in, out, in+out)
}

func (c *call) finishReason() string {
	switch {
	case len(c.tools) > 0:
		return "tool_calls"
	case c.shortened:
		return "length"
	}
	return "stop"
}

// modelsWhole is the list of models.
func (c *call) modelsWhole() []byte {
	names := c.x.sim.options.Models
	models := make([]string, len(names))
	for i, name := range names {
		models[i] = fmt.Sprintf(`{"id":%s,"object":"model","created":1700000000,"owned_by":%s}`, quote(name), quote(c.x.sim.options.Name))
	}
	return []byte(`{"object":"list","data":[` + strings.Join(models, ",") + `]}`)
}
