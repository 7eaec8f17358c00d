package dialect

import (
	"time"

	"github.com/tidwall/gjson"
)

// chatEvents writes the stream of a message as that of a chat completion.
type chatEvents struct {
	out       []byte // of the event at hand
	id, model string // as JSON
	created   int64
	withUsage bool
	usage     messagesUsage
	finished  bool

	calls int // so many were begun
	// inCall means that the block is a call, whose arguments may not have come
	// yet; input is what it began with.
	inCall, bare bool
	input        string
}

func newChatEvents(r Request, at time.Time) Events {
	return &chatEvents{id: "null", model: "null", created: at.Unix(), withUsage: r.Usage}
}

// pulseComment stands for what has no counterpart, so that the caller's
// connection stays alive where the provider's does.
var pulseComment = []byte(": ping\n\n")

func (t *chatEvents) Event(name, data []byte) ([]byte, error) {
	t.out = t.out[:0]
	s := text(data)
	e := gjson.Parse(s)
	switch kindOf(name, s) {
	case "message_start":
		m := e.Get("message")
		t.id, t.model = textOrNull(m.Get("id")), textOrNull(m.Get("model"))
		t.id, t.model = string([]byte(t.id)), string([]byte(t.model)) // the event's memory is not ours
		t.usage.report(m.Get("usage"))
		return t.delta(`{"role":"assistant","content":"","refusal":null}`), nil
	case "content_block_start":
		return t.begin(e.Get("content_block")), nil
	case "content_block_delta":
		return t.piece(e.Get("delta")), nil
	case "content_block_stop":
		return t.end(), nil
	case "message_delta":
		t.usage.report(e.Get("usage"))
		if stop := e.Get("delta.stop_reason").Str; stop != "" && !t.finished {
			return t.finish(finishReason(stop)), nil
		}
	case "ping":
		return pulseComment, nil
	}
	return nil, nil
}

// begin begins a block: a call of a tool is told at once, and whatever else comes
// with its beginning too.
func (t *chatEvents) begin(b gjson.Result) []byte {
	switch b.Get("type").Str {
	case "text":
		return t.text("content", b.Get("text"))
	case "thinking":
		return t.text("reasoning_content", b.Get("thinking"))
	case "tool_use":
		t.inCall, t.bare, t.input = true, true, "{}"
		if in := b.Get("input"); in.IsObject() {
			t.input = string([]byte(in.Raw))
		}
		t.calls++
		var w jsonWriter
		w.b = append(w.b, `{"tool_calls":[`...)
		writeCall(&w, t.calls-1, b, "")
		w.b = append(w.b, `]}`...)
		return t.delta(w.String())
	}
	return nil
}

func (t *chatEvents) piece(d gjson.Result) []byte {
	switch d.Get("type").Str {
	case "text_delta":
		return t.text("content", d.Get("text"))
	case "thinking_delta":
		return t.text("reasoning_content", d.Get("thinking"))
	case "input_json_delta":
		if p := d.Get("partial_json"); t.inCall && p.Str != "" {
			t.bare = false
			return t.arguments(p.Raw)
		}
	}
	return nil
}

// end ends a block. A call whose arguments have not come has those with which it
// began, mostly none.
func (t *chatEvents) end() []byte {
	missing := t.inCall && t.bare
	t.inCall = false
	if !missing {
		return nil
	}
	var w jsonWriter
	w.str(t.input)
	return t.arguments(w.String())
}

func (t *chatEvents) arguments(json string) []byte {
	var w jsonWriter
	w.b = append(w.b, `{"tool_calls":[{`...)
	w.number("index", int64(t.calls-1))
	w.b = append(w.b, `,"function":{"arguments":`...)
	w.b = append(append(w.b, json...), `}}]}`...)
	return t.delta(w.String())
}

func (t *chatEvents) text(field string, v gjson.Result) []byte {
	if v.Str == "" {
		return nil
	}
	return t.delta(`{"` + field + `":` + v.Raw + `}`)
}

func (t *chatEvents) delta(delta string) []byte {
	return t.chunk(`[{"index":0,"delta":` + delta + `,"logprobs":null,"finish_reason":null}]`)
}

func (t *chatEvents) finish(reason string) []byte {
	t.finished = true
	return t.chunk(`[{"index":0,"delta":{},"logprobs":null,"finish_reason":"` + reason + `"}]`)
}

// chunk is one event.
func (t *chatEvents) chunk(choices string) []byte {
	w := t.head()
	w.member("choices", choices)
	if t.withUsage {
		w.member("usage", "null")
	}
	w.b = append(w.b, "}\n\n"...)
	t.out = w.b
	return t.out
}

// head begins an event.
func (t *chatEvents) head() jsonWriter {
	w := jsonWriter{append(t.out, "data: {"...)}
	w.member("id", t.id)
	w.member("object", `"chat.completion.chunk"`)
	w.number("created", t.created)
	w.member("model", t.model)
	return w
}

func (t *chatEvents) End() []byte {
	t.out = t.out[:0]
	if !t.finished {
		t.finish("stop")
	}
	if t.withUsage {
		w := t.head()
		w.member("choices", "[]")
		w.key("usage")
		t.usage.asChat(&w)
		w.b = append(w.b, "}\n\n"...)
		t.out = w.b
	}
	return append(t.out, endOpenAI...)
}
