package dialect

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// chatToMessages writes the parameters of /v1/messages, but for the model.
func (r *rewriting) chatToMessages(fields map[string]gjson.Result) {
	r.maxTokens(fields)
	r.messagesConversation(fields["messages"])
	r.carry(fields, "stream")
	r.messagesStops(fields["stop"])
	r.messagesSampling(fields["temperature"], fields["top_p"])
	r.messagesTools(fields)
	r.messagesFormat(fields["response_format"])
}

// maxTokens writes the limit, which the Messages API requires.
func (r *rewriting) maxTokens(fields map[string]gjson.Result) {
	for _, name := range [...]string{"max_completion_tokens", "max_tokens"} {
		if v, ok := fields[name]; ok {
			r.w.member("max_tokens", v.Raw)
			return
		}
	}
	r.w.number("max_tokens", int64(max(r.options.DefaultMaxTokens, 1)))
}

// messagesSampling writes a temperature, which here goes up to 1, or top_p: newer
// models refuse a request with both.
func (r *rewriting) messagesSampling(temperature, topP gjson.Result) {
	switch {
	case !temperature.Exists():
		r.optional("top_p", topP)
		return
	case temperature.Type == gjson.Number && temperature.Num > 1:
		r.w.number("temperature", 1)
		r.drop("temperature")
	default:
		r.w.member("temperature", temperature.Raw)
	}
	if topP.Exists() {
		r.drop("top_p")
	}
}

func (r *rewriting) messagesStops(v gjson.Result) {
	if !v.Exists() {
		return
	}
	r.w.key("stop_sequences")
	r.w.open('[')
	stop := func(s gjson.Result, name string) {
		if strings.TrimSpace(s.Str) == "" {
			r.refuse(name, "the provider's dialect stops at no white space")
		}
		r.w.raw(s.Raw)
	}
	if v.IsArray() {
		r.each(v, "stop", func(s gjson.Result) { stop(s, "") })
	} else {
		stop(v, "stop")
	}
	r.w.close(']')
}

// messagesFormat writes the schema that an answer must have. The schema's name
// and its strictness have no place there: it is always strict.
func (r *rewriting) messagesFormat(v gjson.Result) {
	switch kind := v.Get("type").Str; {
	case kind == "json_schema":
		schema := v.Get("json_schema.schema")
		if !schema.IsObject() {
			r.refuse("response_format", "it has no schema")
			return
		}
		r.w.key("output_config")
		r.w.open('{')
		r.w.key("format")
		r.w.open('{')
		r.w.text("type", "json_schema")
		r.w.member("schema", schema.Raw)
		r.w.close('}')
		r.w.close('}')
	case kind == "text", !v.Exists():
	default:
		r.refuse("response_format", "the provider's dialect has structured output by a schema only")
	}
}

// chatTurn is a message of a chat.
type chatTurn struct {
	role                            string
	content, refusal, calls, callID gjson.Result
	audio, functionCall             bool
}

// turn reads a message. What the assistant has thought is left out: it is worth
// nothing without the provider's signature.
func (r *rewriting) turn(m gjson.Result) (t chatTurn) {
	m.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "role":
			t.role = v.Str
		case "content":
			t.content = v
		case "refusal":
			t.refusal = v
		case "tool_calls":
			t.calls = v
		case "tool_call_id":
			t.callID = v
		case "audio":
			t.audio = v.Type != gjson.Null
		case "function_call":
			t.functionCall = v.Type != gjson.Null
		case "annotations", "reasoning", "reasoning_content", "reasoning_details":
		default:
			r.odd("messages", k, v)
		}
		return true
	})
	return t
}

// messagesConversation writes messages and system. All instructions stand at the
// beginning there, also those from within the conversation.
func (r *rewriting) messagesConversation(messages gjson.Result) {
	var system blocks
	turns := turns{out: &r.w}
	r.w.key("messages")
	r.w.open('[')
	r.each(messages, "messages", func(m gjson.Result) {
		switch t := r.turn(m); t.role {
		case "system", "developer":
			r.chatContent(t.content, &system, false)
		case "user":
			r.chatContent(t.content, turns.of("user"), true)
		case "assistant":
			r.assistantTurn(&t, turns.of("assistant"))
		case "tool":
			r.toolResult(&t, turns.toolResults())
		default:
			r.refuse("role", "the provider's dialect has no such role")
		}
	})
	turns.end()
	r.w.close(']')
	switch {
	case r.err != nil:
		return
	case turns.n == 0:
		r.refuse("messages", "without a turn of the user's or the assistant's there is nothing to answer")
	case turns.last == "assistant" && !r.options.SupportsPrefill:
		r.refuse("messages", "it ends with a turn of the assistant's, which the backend would not go on with")
	}
	if system.n > 0 {
		r.w.key("system")
		system.writeTo(&r.w)
	}
}

// chatContent adds the parts of a message to a turn.
func (r *rewriting) chatContent(v gjson.Result, to *blocks, images bool) {
	if v.Type == gjson.String {
		to.text(v)
		return
	}
	r.each(v, "content", func(p gjson.Result) {
		switch kind := p.Get("type").Str; {
		case kind == "text":
			r.only(p, "messages.content", "type", "text")
			to.text(p.Get("text"))
		case kind == "refusal":
			to.text(p.Get("refusal"))
		case kind == "image_url" && images:
			r.messagesImage(p.Get("image_url"), to)
		default:
			r.refuse("", "the provider's dialect takes no "+strconv.Quote(kind)+" there")
		}
	})
}

// imageTypes are those that the Messages API takes ("Vision").
var imageTypes = map[string]string{
	"image/jpeg": "image/jpeg", "image/jpg": "image/jpeg", "image/png": "image/png", "image/gif": "image/gif", "image/webp": "image/webp",
}

// messagesImage adds an image: one that is in the request, or its address.
func (r *rewriting) messagesImage(v gjson.Result, to *blocks) {
	if d := v.Get("detail").Str; d != "" && d != "auto" {
		r.drop("messages.content.detail")
	}
	address := v.Get("url").Str
	w := to.begin("image")
	w.key("source")
	w.open('{')
	if inline, ok := strings.CutPrefix(address, "data:"); ok {
		kind, data, ok := strings.Cut(inline, ";base64,")
		kind = imageTypes[strings.ToLower(kind)]
		if !ok || kind == "" {
			r.refuse("", "want an image as base64, of type jpeg, png, gif or webp")
		}
		w.text("type", "base64")
		w.text("media_type", kind)
		w.text("data", data)
	} else {
		if address == "" {
			r.refuse("", "it has no url")
		}
		w.text("type", "url")
		w.text("url", address)
	}
	w.close('}')
	to.end()
}

// assistantTurn adds what the assistant has said and called.
func (r *rewriting) assistantTurn(t *chatTurn, to *blocks) {
	if t.audio {
		r.refuse("audio", "the provider's dialect has nothing like it")
	}
	if t.functionCall {
		r.refuse("function_call", "the provider's dialect has nothing like it")
	}
	r.chatContent(t.content, to, false)
	to.text(t.refusal)
	r.each(t.calls, "tool_calls", func(c gjson.Result) {
		arguments := c.Get("function.arguments").Str
		if strings.TrimSpace(arguments) == "" {
			arguments = "{}"
		}
		switch {
		case !c.Get("function").IsObject():
			r.refuse("", "the provider's dialect calls functions only")
		case !isObject(arguments):
			r.refuse("function.arguments", "want a JSON object")
		}
		name := c.Get("function.name")
		if r.called == nil {
			r.called = map[string]bool{}
		}
		r.called[name.Str] = true
		w := to.begin("tool_use")
		w.text("id", messagesToolID(c.Get("id").Str))
		w.member("name", textOrNull(name))
		w.member("input", arguments)
		to.end()
	})
}

// toolResult adds the result of a call.
func (r *rewriting) toolResult(t *chatTurn, to *blocks) {
	var content blocks
	r.chatContent(t.content, &content, false)
	w := to.begin("tool_result")
	w.text("tool_use_id", messagesToolID(t.callID.Str))
	if content.n > 0 {
		w.key("content")
		content.writeTo(w)
	}
	to.end()
}

// messagesToolID is a call's identifier as the Messages API takes it: of letters,
// digits, _ and -.
func messagesToolID(id string) string {
	return strings.Map(func(c rune) rune {
		if c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c)) || c == '-' {
			return c
		}
		return '_'
	}, id)
}

// isObject reports whether a text is a JSON object.
func isObject(s string) bool {
	return valid([]byte(s)) && gjson.Parse(s).IsObject()
}
