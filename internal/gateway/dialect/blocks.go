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

// take adds the blocks of another.
func (b *blocks) take(o *blocks) {
	if o.n == 0 {
		return
	}
	b.n += o.n
	b.w.raw(o.w.String())
}

// turns writes the turns of a conversation, which alternate: what the same role
// says in succession is one turn, and one that says nothing is none.
type turns struct {
	out  *jsonWriter
	n    int
	last string // whose turn was written last
	// before waits until it is known that now says something. If it does not, what
	// follows belongs to before, since there are two roles.
	before, now turn
}

// turn is what one role says. The results of tools come first.
type turn struct {
	role          string
	results, rest blocks
}

// of returns the content of the running turn, which is that role's.
func (t *turns) of(role string) *blocks { return &t.turn(role).rest }

// toolResults returns the results in the running turn, which is the user's.
func (t *turns) toolResults() *blocks { return &t.turn("user").results }

func (t *turns) turn(role string) *turn {
	if t.now.role == role {
		return &t.now
	}
	if t.now.results.n+t.now.rest.n > 0 {
		t.write(&t.before)
	}
	t.before, t.now = t.now, t.before
	t.now.role = role
	return &t.now
}

// end writes what has waited.
func (t *turns) end() {
	t.write(&t.before)
	t.write(&t.now)
}

// write writes a turn and empties it.
func (t *turns) write(v *turn) {
	content := &v.results
	if content.n == 0 {
		content = &v.rest
	} else {
		content.take(&v.rest)
	}
	if content.n > 0 {
		t.n++
		t.last = v.role
		t.out.open('{')
		t.out.text("role", v.role)
		t.out.key("content")
		content.writeTo(t.out)
		t.out.close('}')
	}
	v.results.clear()
	v.rest.clear()
}
