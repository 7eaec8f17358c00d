package dialect

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"
)

// chatTranscript is that of /v1/chat/completions.
type chatTranscript struct {
	transcript
	id string
}

func newChatTranscript() Transcript { return &chatTranscript{} }

func (t *chatTranscript) Record(_, data []byte) {
	e, ok := object(data)
	if !ok {
		return
	}
	if t.id == "" {
		t.id = strings.Clone(gjson.Get(e, "id").Str)
	}
	gjson.Get(e, "choices").ForEach(func(_, c gjson.Result) bool {
		c.Get("delta").ForEach(func(k, v gjson.Result) bool {
			switch {
			case k.Str == "role":
			case k.Str == "content" && v.Type == gjson.String:
				t.add(v.Str)
			case holdsSomething(v):
				t.Drop()
			}
			return true
		})
		// With its finish reason, the text has ended.
		if c.Get("index").Int() != 0 || holdsSomething(c.Get("logprobs")) || c.Get("finish_reason").Str != "" {
			t.Drop()
		}
		return true
	})
}

func (t *chatTranscript) Splice(_, data []byte) []byte {
	if bytes.Equal(bytes.TrimSpace(data), done) {
		return endOpenAI
	}
	e := newEdit(data)
	if t.id != "" {
		e.set("id", t.id)
	}
	e.more("usage.completion_tokens", t.before)
	e.more("usage.total_tokens", t.before)
	if delta := e.get("choices.0.delta"); delta.IsObject() {
		e.drop("choices.0.delta.role") // the client knows it
		if content := delta.Get("content"); content.Type == gjson.String {
			e.setText("choices.0.delta.content", content.Str, t.reconcile(content.Str))
		}
	}
	t.Record(nil, e)
	return event("", e)
}
