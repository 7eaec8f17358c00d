package dialect

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// maxWaiting bounds what of a stream waits for the end of another block.
const maxWaiting = 4 << 20

var errMuchWaits = errors.New("its stream brings more at a time than can be put in order")

// messagesEvents writes the stream of a chat completion as that of a message.
// Its blocks come one after the other, while a chat's calls may come in pieces
// by turns: one block is open, and what belongs to others waits until it ends.
type messagesEvents struct {
	out     jsonWriter // of the event at hand
	begun   bool       // message_start was written
	index   int        // of the open block
	open    *streamBlock
	waiting []*streamBlock
	size    int // of what waits

	finish          string
	calls, refuses  bool
	usage           string // as JSON
	closed, thought bool
}

// streamBlock is a block of a message: text, or the call with that number.
type streamBlock struct {
	call   bool
	number int64
	id     string
	name   string // as JSON
	held   []byte // text, or arguments
	some   bool   // arguments were written
}

func newMessagesEvents(Request, time.Time) Events { return &messagesEvents{} }

var pingMessages = event("ping", []byte(`{"type":"ping"}`))

func (t *messagesEvents) Event(_, data []byte) ([]byte, error) {
	e := gjson.Parse(text(data))
	if !e.IsObject() {
		return nil, nil // the end mark
	}
	t.out.b, t.thought = t.out.b[:0], false
	var choice, id, model gjson.Result
	e.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "id":
			id = v
		case "model":
			model = v
		case "choices":
			choice = v.Get("0")
		case "usage":
			if v.IsObject() {
				var w jsonWriter
				asMessagesUsage(&w, v)
				t.usage = w.String()
			}
		}
		return true
	})
	if choice.IsObject() && t.finish == "" {
		t.begin(id, model)
		if err := t.choice(choice); err != nil {
			return nil, err
		}
	}
	if t.out.empty() && t.thought {
		return pingMessages, nil
	}
	return t.out.b, nil
}

// choice takes in a piece of the first choice; there is no other.
func (t *messagesEvents) choice(c gjson.Result) error {
	var finish string
	var delta gjson.Result
	first := true
	c.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "index":
			first = v.Int() == 0
		case "delta":
			delta = v
		case "finish_reason":
			finish = v.Str
		}
		return true
	})
	if !first {
		return nil
	}
	t.delta(delta)
	if t.size > maxWaiting {
		return errMuchWaits
	}
	if finish != "" {
		t.finish = strings.Clone(finish)
		t.closeAll()
	}
	return nil
}

// begin writes the message's start, once.
func (t *messagesEvents) begin(id, model gjson.Result) {
	if t.begun {
		return
	}
	t.begun = true
	usage := t.usage
	if usage == "" {
		usage = `{"input_tokens":0,"output_tokens":0}`
	}
	t.emit("message_start", `{"type":"message_start","message":{"id":`, textOrNull(id),
		`,"type":"message","role":"assistant","model":`, textOrNull(model),
		`,"content":[],"stop_reason":null,"stop_sequence":null,"usage":`, usage, `}}`)
}

// emit writes an event, whose JSON comes in parts.
func (t *messagesEvents) emit(name string, parts ...string) {
	t.out.b = append(append(append(t.out.b, "event: "...), name...), "\ndata: "...)
	for _, p := range parts {
		t.out.b = append(t.out.b, p...)
	}
	t.out.b = append(t.out.b, "\n\n"...)
}

// delta takes in a piece of the answer. What the model thinks is not passed on:
// without a signature no provider would take it back.
func (t *messagesEvents) delta(d gjson.Result) {
	if !d.IsObject() {
		return
	}
	var content, refusal, calls gjson.Result
	d.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "content":
			content = v
		case "refusal":
			refusal = v
		case "tool_calls":
			calls = v
		case "reasoning_content", "reasoning", "reasoning_details":
			t.thought = t.thought || holdsSomething(v)
		}
		return true
	})
	forEachText(content, t.text)
	if refusal.Str != "" {
		t.refuses = true
		t.text(refusal)
	}
	if calls.IsArray() {
		calls.ForEach(func(_, c gjson.Result) bool {
			t.call(c)
			return t.size <= maxWaiting
		})
	}
}

func (t *messagesEvents) text(v gjson.Result) {
	if v.Type != gjson.String || v.Str == "" {
		return
	}
	b := t.open
	switch {
	case b == nil:
		b = t.start(&streamBlock{})
	case b.call:
		if n := len(t.waiting); n > 0 && !t.waiting[n-1].call {
			b = t.waiting[n-1]
		} else {
			b = t.wait(&streamBlock{})
		}
	}
	t.add(b, v.Str)
}

// call takes in a piece of a call. Some providers give every call the same number,
// or none: then another id with a name begins another call.
func (t *messagesEvents) call(c gjson.Result) {
	t.calls = true
	number, name := c.Get("index").Int(), c.Get("function.name")
	id := messagesToolID(c.Get("id").Str)
	b := t.find(number)
	if b == nil || name.Str != "" && id != "" && id != b.id {
		b = &streamBlock{call: true, number: number, id: strings.Clone(id), name: strings.Clone(textOrNull(name))}
		if t.open != nil && t.open.call {
			t.wait(b)
		} else {
			t.stop() // a text that has been open ends
			t.start(b)
		}
	}
	t.add(b, c.Get("function.arguments").Str)
}

// find returns the last block of a call that has begun.
func (t *messagesEvents) find(number int64) *streamBlock {
	for _, b := range slices.Backward(t.waiting) {
		if b.call && b.number == number {
			return b
		}
	}
	if b := t.open; b != nil && b.call && b.number == number {
		return b
	}
	return nil
}

// waitingCost is what a block that waits takes beside its text.
const waitingCost = 128

func (t *messagesEvents) wait(b *streamBlock) *streamBlock {
	t.waiting = append(t.waiting, b)
	t.size += waitingCost + len(b.id) + len(b.name)
	return b
}

// add writes a piece of the open block, and keeps one of any other.
func (t *messagesEvents) add(b *streamBlock, piece string) {
	if piece == "" {
		return
	}
	if b != t.open {
		b.held = append(b.held, piece...)
		t.size += len(piece)
		return
	}
	kind := `,"delta":{"type":"text_delta","text":`
	if b.call {
		kind = `,"delta":{"type":"input_json_delta","partial_json":`
		b.some = true
	}
	t.out.b = append(t.out.b, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	t.out.b = append(strconv.AppendInt(t.out.b, int64(t.index), 10), kind...)
	t.out.b = append(gjson.AppendJSONString(t.out.b, piece), "}}\n\n"...)
}

// start opens a block.
func (t *messagesEvents) start(b *streamBlock) *streamBlock {
	var w jsonWriter
	w.open('{')
	w.text("type", "content_block_start")
	w.number("index", int64(t.index))
	w.key("content_block")
	if b.call {
		w.raw(`{"type":"tool_use","id":"` + b.id + `","name":` + b.name + `,"input":{}}`)
	} else {
		w.raw(`{"type":"text","text":""}`)
	}
	w.close('}')
	t.emit("content_block_start", w.String())
	t.open = b
	held := b.held
	b.held = nil
	t.add(b, string(held))
	return b
}

// stop ends the open block, if there is one.
func (t *messagesEvents) stop() {
	if t.open == nil {
		return
	}
	if t.open.call && !t.open.some {
		t.add(t.open, "{}")
	}
	var w jsonWriter
	w.open('{')
	w.text("type", "content_block_stop")
	w.number("index", int64(t.index))
	w.close('}')
	t.emit("content_block_stop", w.String())
	t.open = nil
	t.index++
}

// closeAll ends the open block and writes those that have waited for it.
func (t *messagesEvents) closeAll() {
	t.stop()
	for _, b := range t.waiting {
		t.start(b)
		t.stop()
	}
	t.waiting, t.size = nil, 0
}

// End writes why the answer ended and what it cost, which the provider tells
// last.
func (t *messagesEvents) End() []byte {
	if t.closed {
		return nil
	}
	t.closed = true
	t.out.b = t.out.b[:0]
	t.begin(gjson.Result{}, gjson.Result{})
	t.closeAll()
	usage := t.usage
	if usage == "" {
		usage = `{"output_tokens":0}`
	}
	t.emit("message_delta", `{"type":"message_delta","delta":{"stop_reason":"`, stopReason(t.finish, t.calls, t.refuses),
		`","stop_sequence":null},"usage":`, usage, `}`)
	t.emit("message_stop", `{"type":"message_stop"}`)
	return t.out.b
}
