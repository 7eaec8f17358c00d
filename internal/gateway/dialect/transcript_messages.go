package dialect

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// messagesTranscript is that of /v1/messages.
type messagesTranscript struct {
	transcript
	started bool
	blocks  int  // that the client has
	open    bool // the last of them has not ended

	// shift is what the blocks of the stream that goes on are counted up by, once
	// its first has come.
	shift   int
	shifted bool
}

func newMessagesTranscript() Transcript { return &messagesTranscript{} }

func (t *messagesTranscript) Prefill(body []byte) ([]byte, error) {
	t.shifted = false
	return t.transcript.Prefill(body)
}

func (t *messagesTranscript) Record(data []byte) {
	e, ok := object(data)
	if !ok {
		return
	}
	switch gjson.Get(e, "type").Str {
	case "message_start":
		t.started = true
	case "content_block_start":
		t.blocks++
		t.open = true
		block := gjson.Get(e, "content_block")
		t.unfit = t.unfit || block.Get("type").Str != "text" || holdsSomething(block.Get("citations"))
		t.add(block.Get("text").Str)
	case "content_block_delta":
		delta := gjson.Get(e, "delta")
		t.unfit = t.unfit || delta.Get("type").Str != "text_delta"
		t.add(delta.Get("text").Str)
	case "content_block_stop":
		t.open = false
	}
}

func (t *messagesTranscript) Splice(name, data []byte) []byte {
	e := edit(bytes.Clone(bytes.TrimSpace(data)))
	kind := gjson.GetBytes(e, "type").Str
	var before []byte
	switch kind {
	case "message_start":
		if t.started {
			return nil
		}
	case "content_block_start":
		var goesOn bool
		if before, goesOn = t.begin(&e); goesOn {
			return t.piece(gjson.GetBytes(e, "content_block.text").Str)
		}
	case "content_block_delta":
		e.more("index", t.shift)
		if d := gjson.GetBytes(e, "delta"); d.Get("type").Str == "text_delta" {
			return t.piece(d.Get("text").Str)
		}
	case "content_block_stop":
		e.more("index", t.shift)
	case "message_delta":
		e.more("usage.output_tokens", t.before)
	}
	t.Record(e)
	if len(name) == 0 {
		name = []byte(kind)
	}
	return append(before, event(string(name), e)...)
}

// begin numbers a block on from those that the client has. The first one, where
// it is text, goes on with the text that is open; any other needs that to be
// ended before it.
func (t *messagesTranscript) begin(e *edit) (before []byte, goesOn bool) {
	if !t.shifted {
		t.shifted = true
		t.shift = t.blocks - int(gjson.GetBytes(*e, "index").Int())
		if t.open && gjson.GetBytes(*e, "content_block.type").Str == "text" {
			t.shift--
			return nil, true
		}
		if t.open {
			stop := edit(`{"type":"content_block_stop"}`)
			stop.set("index", t.blocks-1)
			before = event("content_block_stop", stop)
		}
	}
	e.more("index", t.shift)
	return before, false
}

// piece is the event that brings the next piece of the open text.
func (t *messagesTranscript) piece(text string) []byte {
	if text = t.reconcile(text); text == "" {
		return nil
	}
	e := edit(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}`)
	e.set("index", t.blocks-1)
	e.set("delta.text", text)
	t.Record(e)
	return event("content_block_delta", e)
}
