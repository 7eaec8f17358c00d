package dialect

import "github.com/tidwall/gjson"

// blocks are content of the Messages API on its way: a list of blocks, or where
// it is one text, that.
type blocks struct {
	w     jsonWriter
	n     int
	alone string // the first block's text as JSON, if it is one
}

// text adds a text. An empty one is left out: the Messages API refuses it.
func (b *blocks) text(v gjson.Result) {
	if v.Type != gjson.String || v.Str == "" {
		return
	}
	if b.n == 0 {
		b.alone = v.Raw
	}
	b.begin("text").member("text", v.Raw)
	b.end()
}

// begin begins a block of a kind; end ends it.
func (b *blocks) begin(kind string) *jsonWriter {
	b.n++
	b.w.open('{')
	b.w.text("type", kind)
	return &b.w
}

func (b *blocks) end() { b.w.close('}') }

func (b *blocks) writeTo(w *jsonWriter) {
	if b.n == 1 && b.alone != "" {
		w.raw(b.alone)
		return
	}
	w.open('[')
	w.raw(b.w.String())
	w.close(']')
}

// clear empties it and keeps its memory.
func (b *blocks) clear() { *b = blocks{w: jsonWriter{b.w.b[:0]}} }

// turns writes the turns of a conversation, which alternate: what the same role
// says in succession is one turn, and one that says nothing is none. Within a
// turn the results of tools come first.
type turns struct {
	out           *jsonWriter
	n             int
	role          string
	results, rest blocks
}

// of returns the content of the running turn, which is that role's.
func (t *turns) of(role string) *blocks {
	if t.role != role {
		t.end()
		t.role = role
	}
	return &t.rest
}

// toolResults returns the results in the running turn, which is the user's.
func (t *turns) toolResults() *blocks {
	t.of("user")
	return &t.results
}

// end ends the running turn.
func (t *turns) end() {
	content := &t.results
	if content.n == 0 {
		content = &t.rest
	} else if t.rest.n > 0 {
		content.n += t.rest.n
		content.w.raw(t.rest.w.String())
	}
	if content.n > 0 {
		t.n++
		t.out.open('{')
		t.out.text("role", t.role)
		t.out.key("content")
		content.writeTo(t.out)
		t.out.close('}')
	}
	t.results.clear()
	t.rest.clear()
}
