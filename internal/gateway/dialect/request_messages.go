package dialect

import (
	"strconv"

	"github.com/tidwall/gjson"
)

// maxStops is how many stop sequences a chat completion takes.
const maxStops = 4

// messagesToChat writes the parameters of /v1/chat/completions, but for the
// model.
func (r *rewriting) messagesToChat(fields map[string]gjson.Result) {
	if v, ok := fields["max_tokens"]; ok {
		r.w.member("max_completion_tokens", v.Raw)
	}
	r.chatConversation(fields)
	r.carry(fields, "stream", "temperature", "top_p")
	if v, ok := fields["stop_sequences"]; ok {
		if n := v.Get("#").Int(); n > maxStops {
			r.refuse("stop_sequences", "the provider's dialect takes at most 4")
		}
		r.w.member("stop", v.Raw)
	}
	r.chatTools(fields)
	r.chatFormat(fields)
}

// chatFormat writes the schema that an answer must have.
func (r *rewriting) chatFormat(fields map[string]gjson.Result) {
	config := fields["output_config"]
	r.only(config, "output_config", "format")
	format := config.Get("format")
	if f, ok := fields["output_format"]; ok {
		format = f // the name that it had before
	}
	switch format.Get("type").Str {
	case "json_schema":
		r.w.key("response_format")
		r.w.raw(`{"type":"json_schema","json_schema":{"name":"response","schema":` + orNull(format.Get("schema")) + `,"strict":true}}`)
	case "":
	default:
		r.refuse("output_config.format", "the provider's dialect has nothing like it")
	}
}

// chatConversation writes the messages, which begin with the system prompt.
func (r *rewriting) chatConversation(fields map[string]gjson.Result) {
	r.w.key("messages")
	r.w.open('[')
	r.chatSystem(fields["system"], "system")
	last := ""
	r.each(fields["messages"], "messages", func(m gjson.Result) {
		var content gjson.Result
		last = ""
		m.ForEach(func(k, v gjson.Result) bool {
			switch k.Str {
			case "role":
				last = v.Str
			case "content":
				content = v
			default:
				r.odd("messages", k, v)
			}
			return true
		})
		switch last {
		case "system":
			r.chatSystem(content, "content")
		case "user":
			r.chatUser(content)
		case "assistant":
			r.chatAssistant(content)
		default:
			r.refuse("role", "the provider's dialect has no such role")
		}
	})
	switch last {
	case "":
		r.refuse("messages", "without a turn of the user's or the assistant's there is nothing to answer")
	case "assistant":
		if !r.options.SupportsPrefill {
			r.refuse("messages", "it ends with a turn of the assistant's, which the backend would not go on with")
		}
	}
	r.w.close(']')
}

// chatSystem writes one message for each text of a system prompt.
func (r *rewriting) chatSystem(v gjson.Result, name string) {
	if v.Type == gjson.String {
		r.chatMessage("system", v.Raw)
		return
	}
	r.each(v, name, func(b gjson.Result) {
		if b.Get("type").Str != "text" {
			r.refuse("", "the provider's dialect takes texts only there")
		}
		r.only(b, "system", "type", "text", "citations")
		r.chatMessage("system", textOrNull(b.Get("text")))
	})
}

func (r *rewriting) chatMessage(role, content string) {
	r.w.open('{')
	r.w.text("role", role)
	r.w.member("content", content)
	r.w.close('}')
}

// chatUser writes a turn of the user's: the results of tools as messages of
// their own, and then the rest.
func (r *rewriting) chatUser(v gjson.Result) {
	if v.Type == gjson.String {
		r.chatMessage("user", v.Raw)
		return
	}
	var rest blocks
	results := false
	r.each(v, "content", func(b gjson.Result) {
		if kind := b.Get("type").Str; kind == "tool_result" {
			results = true
			r.chatToolResult(b, &rest)
		} else {
			r.chatPart(b, kind, &rest)
		}
	})
	if rest.n > 0 || !results {
		r.w.open('{')
		r.w.text("role", "user")
		r.w.key("content")
		rest.writeTo(&r.w)
		r.w.close('}')
	}
}

// chatPart adds a text or an image to the parts of a message.
func (r *rewriting) chatPart(b gjson.Result, kind string, to *blocks) {
	r.only(b, "messages.content", "type", kind, "source", "citations")
	switch kind {
	case "text":
		to.text(b.Get("text"))
	case "image":
		r.chatImage(b.Get("source"), to)
	default:
		r.refuse("", "the provider's dialect takes no "+strconv.Quote(kind)+" there")
	}
}

func (r *rewriting) chatImage(source gjson.Result, to *blocks) {
	address := source.Get("url").Str
	switch source.Get("type").Str {
	case "url":
	case "base64":
		address = "data:" + source.Get("media_type").Str + ";base64," + source.Get("data").Str
	default:
		r.refuse("", "want an image as base64 or by its url")
	}
	w := to.begin("image_url")
	w.key("image_url")
	w.open('{')
	w.text("url", address)
	w.close('}')
	to.end()
}

// chatToolResult writes the result of a call. It can hold texts only there; the
// images follow in the user's message.
func (r *rewriting) chatToolResult(b gjson.Result, images *blocks) {
	r.only(b, "messages.content", "type", "tool_use_id", "content", "is_error")
	if b.Get("is_error").Type == gjson.True {
		r.drop("messages.content.is_error")
	}
	var texts blocks
	if v := b.Get("content"); v.Type == gjson.String {
		texts.text(v)
	} else {
		r.each(v, "content", func(p gjson.Result) {
			kind, to := p.Get("type").Str, &texts
			if kind == "image" {
				to = images
			}
			r.chatPart(p, kind, to)
		})
	}
	r.w.open('{')
	r.w.text("role", "tool")
	r.w.member("tool_call_id", textOrNull(b.Get("tool_use_id")))
	r.w.key("content")
	if texts.n == 0 {
		r.w.str("")
	} else {
		texts.writeTo(&r.w)
	}
	r.w.close('}')
}

// chatAssistant writes what the assistant has said and called. What it has
// thought stays out.
func (r *rewriting) chatAssistant(v gjson.Result) {
	if v.Type == gjson.String {
		r.chatMessage("assistant", v.Raw)
		return
	}
	var said blocks
	var calls jsonWriter
	r.each(v, "content", func(b gjson.Result) {
		switch kind := b.Get("type").Str; kind {
		case "text":
			r.chatPart(b, kind, &said)
		case "thinking", "redacted_thinking":
		case "tool_use":
			r.only(b, "messages.content", "type", "id", "name", "input")
			writeCall(&calls, -1, b, orNull(b.Get("input")))
		default:
			r.refuse("", "the provider's dialect has nothing like "+strconv.Quote(kind))
		}
	})
	if said.n == 0 && calls.empty() {
		return // it was nothing but thoughts
	}
	r.w.open('{')
	r.w.text("role", "assistant")
	r.w.key("content")
	if said.n == 0 {
		r.w.raw("null")
	} else {
		said.writeTo(&r.w)
	}
	if !calls.empty() {
		r.w.key("tool_calls")
		r.w.open('[')
		r.w.raw(calls.String())
		r.w.close(']')
	}
	r.w.close('}')
}

// writeCall writes a tool_use block as a call, in a stream with its place.
func writeCall(w *jsonWriter, index int, block gjson.Result, arguments string) {
	w.open('{')
	if index >= 0 {
		w.number("index", int64(index))
	}
	w.member("id", textOrNull(block.Get("id")))
	w.text("type", "function")
	w.key("function")
	w.open('{')
	w.member("name", textOrNull(block.Get("name")))
	w.text("arguments", arguments)
	w.close('}')
	w.close('}')
}
