package dialect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// messagesTranscript is that of /v1/messages. Blocks follow one another: the
// last that the client has is the only one that may be open.
type messagesTranscript struct {
	transcript
	blocks int  // that the client has
	open   bool // the last of them has not ended
	fresh  bool // of the stream that goes on no block has come yet
}

func newMessagesTranscript() Transcript { return &messagesTranscript{} }

func (t *messagesTranscript) Prefill(body []byte, model string) [][]byte {
	t.fresh = true
	return t.transcript.Prefill(body, model)
}

func (t *messagesTranscript) Record(name, data []byte) {
	e, ok := object(data)
	if !ok {
		return
	}
	switch kindOf(name, e) {
	case "content_block_start":
		t.blocks++
		t.open = true
		block := gjson.Get(e, "content_block")
		if block.Get("type").Str != "text" || holdsSomething(block.Get("citations")) {
			t.Drop()
		}
		t.add(block.Get("text").Str)
	case "content_block_delta":
		delta := gjson.Get(e, "delta")
		if delta.Get("type").Str != "text_delta" {
			t.Drop()
		}
		t.add(delta.Get("text").Str)
	case "content_block_stop":
		t.open = false
	case "message_delta":
		// With its stop reason, the text has ended.
		if gjson.Get(e, "delta.stop_reason").Str != "" {
			t.Drop()
		}
	}
}

func (t *messagesTranscript) Splice(name, data []byte) []byte {
	e := newEdit(data)
	kind := kindOf(name, text(e))
	if strings.ContainsAny(kind, "\r\n") {
		kind = "" // no name that an event could bear
	}
	switch kind {
	case "message_start":
		return nil // the client's has begun
	case "content_block_start":
		return t.begin(e)
	case "content_block_delta":
		if delta := e.get("delta"); delta.Get("type").Str == "text_delta" {
			piece := delta.Get("text").Str
			e.setText("delta.text", piece, t.reconcile(piece))
		}
		e.set("index", t.last())
	case "content_block_stop":
		if !t.open {
			return nil
		}
		e.set("index", t.last())
	case "message_delta", "message_stop":
		e.more("usage.output_tokens", t.before)
		return append(t.end(), t.pass(kind, e)...)
	}
	return t.pass(kind, e)
}

// last is the index of the last block.
func (t *messagesTranscript) last() int { return max(t.blocks-1, 0) }

// pass takes in an event and writes it.
func (t *messagesTranscript) pass(kind string, e edit) []byte {
	t.Record([]byte(kind), e)
	return event(kind, e)
}

// end ends the block that is open.
func (t *messagesTranscript) end() []byte {
	if !t.open {
		return nil
	}
	e := edit(`{"type":"content_block_stop","index":0}`)
	e.set("index", t.last())
	return t.pass("content_block_stop", e)
}

// begin handles the start of a block. The first one, where it is text, goes on
// with the text that is open; any other needs that to be ended before it.
func (t *messagesTranscript) begin(e edit) []byte {
	block := e.get("content_block")
	isText := block.Get("type").Str == "text"
	goesOn := t.open && t.fresh && isText
	t.fresh = false
	begun := block.Get("text").Str
	if isText {
		begun = t.reconcile(begun)
	}
	if goesOn {
		return t.piece(begun)
	}
	e.setText("content_block.text", block.Get("text").Str, begun)
	before := t.end()
	e.set("index", t.blocks)
	return append(before, t.pass("content_block_start", e)...)
}

// piece is the event that brings the next piece of the open text.
func (t *messagesTranscript) piece(piece string) []byte {
	if piece == "" {
		return nil
	}
	e := edit(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}`)
	e.set("index", t.last())
	e.set("delta.text", piece)
	return t.pass("content_block_delta", e)
}
