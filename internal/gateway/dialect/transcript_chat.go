package dialect

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// chatTranscript is that of /v1/chat/completions.
type chatTranscript struct {
	transcript
	id string
}

func newChatTranscript() Transcript { return &chatTranscript{} }

func (t *chatTranscript) Record(data []byte) {
	e, ok := object(data)
	if !ok {
		return
	}
	if t.id == "" {
		t.id = gjson.Get(e, "id").String()
	}
	gjson.Get(e, "choices").ForEach(func(_, c gjson.Result) bool {
		if c.Get("index").Int() != 0 || holdsSomething(c.Get("logprobs")) {
			t.unfit = true
		}
		c.Get("delta").ForEach(func(k, v gjson.Result) bool {
			switch k.Str {
			case "role":
			case "content":
				t.add(v.Str)
			default:
				t.unfit = t.unfit || holdsSomething(v)
			}
			return true
		})
		return true
	})
}

func (t *chatTranscript) Splice(_, data []byte) []byte {
	data = bytes.TrimSpace(data)
	if bytes.Equal(data, done) {
		return endOpenAI
	}
	e := edit(bytes.Clone(data))
	if t.id != "" {
		e.set("id", t.id)
	}
	e.more("usage.completion_tokens", t.before)
	e.more("usage.total_tokens", t.before)
	if choice := gjson.GetBytes(e, "choices.0"); choice.Exists() {
		// The client knows the role; nor does it need a piece of nothing.
		delta := choice.Get("delta")
		text := t.reconcile(delta.Get("content").Str)
		e.drop("choices.0.delta.role")
		if delta.Get("content").Exists() {
			e.set("choices.0.delta.content", text)
		}
		if text == "" && choice.Get("finish_reason").Str == "" && !othersIn(delta) && !gjson.GetBytes(e, "usage").IsObject() {
			return nil
		}
	}
	t.Record(e)
	return event("", e)
}

// othersIn reports whether a delta brings anything but a role and a text.
func othersIn(delta gjson.Result) bool {
	some := false
	delta.ForEach(func(k, v gjson.Result) bool {
		some = k.Str != "role" && k.Str != "content" && holdsSomething(v)
		return !some
	})
	return some
}
