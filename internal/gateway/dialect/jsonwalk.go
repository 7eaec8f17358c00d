package dialect

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// walker goes through a JSON text once, from left to right, and checks it on the
// way. A stream has thousands of events, and what most of them hold is of no
// interest: neither they nor their parts are looked at twice.
//
// What stands at the walker is passed by exactly one of object, array and skip.
type walker struct {
	data  []byte
	at    int
	depth int
	bad   bool // it is no JSON, or nested too deep; nothing more is found then
}

// whole reports whether the text was walked to its end, and is JSON.
func (w *walker) whole() bool { return w.next() == 0 && !w.bad && w.at == len(w.data) }

// next returns the byte that the next value or mark begins with; 0: there is none.
func (w *walker) next() byte {
	for ; w.at < len(w.data) && !w.bad; w.at++ {
		switch c := w.data[w.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take passes a mark, which must come next.
func (w *walker) take(mark byte) {
	if w.next() != mark {
		w.bad = true
		return
	}
	w.at++
}

// object goes through the members of an object; member passes each one's value.
func (w *walker) object(member func(key []byte)) {
	w.list('{', '}', func() {
		key := w.key()
		w.take(':')
		member(key)
	})
}

// array goes through an array; element passes each one.
func (w *walker) array(element func()) { w.list('[', ']', element) }

func (w *walker) list(first, last byte, each func()) {
	w.take(first)
	if w.depth++; w.depth > maxDepth {
		w.bad = true
	}
	if w.next() != last {
		each()
		for w.next() == ',' {
			w.at++
			each()
		}
	}
	w.depth--
	w.take(last)
}

func (w *walker) key() []byte {
	if w.next() != '"' {
		w.bad = true
	}
	raw := w.skip()
	if w.bad {
		return nil
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		return []byte(gjson.Parse(text(raw)).Str)
	}
	return raw[1 : len(raw)-1]
}

// skip passes a value and returns it as it stands there.
func (w *walker) skip() []byte {
	first := w.next()
	from := w.at
	switch first {
	case '{':
		w.object(func([]byte) { w.skip() })
	case '[':
		w.array(func() { w.skip() })
	case '"':
		w.str()
	case 't':
		w.word("true")
	case 'f':
		w.word("false")
	case 'n':
		w.word("null")
	default:
		w.number()
	}
	if w.bad {
		return nil
	}
	return w.data[from:w.at]
}

// filled passes a value and reports whether it is a text that is not empty.
func (w *walker) filled() bool {
	first := w.next()
	return len(w.skip()) > len(`""`) && first == '"'
}

// something passes a value and reports whether it is a text, list or object that
// is not empty.
func (w *walker) something() bool {
	switch w.next() {
	case '"':
		return w.filled()
	case '{', '[':
		inside := bytes.TrimSpace(w.skip())
		return len(inside) > 2 && len(bytes.TrimSpace(inside[1:len(inside)-1])) > 0
	}
	w.skip()
	return false
}

// str passes a string.
func (w *walker) str() {
	for w.at++; w.at < len(w.data); w.at++ {
		switch c := w.data[w.at]; {
		case c == '"':
			w.at++
			return
		case c == '\\':
			w.escape()
		case c < ' ':
			w.bad = true
			return
		}
	}
	w.bad = true
}

// escape passes the first characters of an escape.
func (w *walker) escape() {
	w.at++
	if w.at >= len(w.data) || bytes.IndexByte([]byte(`"\/bfnrtu`), w.data[w.at]) < 0 {
		w.bad = true
		return
	}
	if w.data[w.at] != 'u' {
		return
	}
	for range 4 {
		if w.at++; w.at >= len(w.data) || !isHex(w.data[w.at]) {
			w.bad = true
			return
		}
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func (w *walker) word(word string) {
	if !bytes.HasPrefix(w.data[w.at:], []byte(word)) {
		w.bad = true
		return
	}
	w.at += len(word)
}

// number passes a number: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (w *walker) number() {
	w.maybe("-")
	if !w.maybe("0") {
		w.digits()
	}
	if w.maybe(".") {
		w.digits()
	}
	if w.maybe("eE") {
		w.maybe("+-")
		w.digits()
	}
}

// maybe passes a byte if it is one of those.
func (w *walker) maybe(one string) bool {
	if w.at < len(w.data) && bytes.IndexByte([]byte(one), w.data[w.at]) >= 0 {
		w.at++
		return true
	}
	return false
}

func (w *walker) digits() {
	from := w.at
	for w.at < len(w.data) && w.data[w.at] >= '0' && w.data[w.at] <= '9' {
		w.at++
	}
	w.bad = w.bad || w.at == from
}
