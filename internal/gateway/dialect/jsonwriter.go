package dialect

import (
	"strconv"

	"github.com/tidwall/gjson"
)

// jsonWriter writes JSON into one buffer. What is taken over from other JSON is
// copied as it stands, so that an image is neither decoded nor encoded.
type jsonWriter struct{ b []byte }

// separate writes the comma that stands before a key or an element.
func (w *jsonWriter) separate() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':':
		default:
			w.b = append(w.b, ',')
		}
	}
}

// open begins an object or a list, as a value.
func (w *jsonWriter) open(bracket byte) {
	w.separate()
	w.b = append(w.b, bracket)
}

func (w *jsonWriter) close(bracket byte) { w.b = append(w.b, bracket) }

// key begins a member of an object; it is one of this package's own, which need
// no escapes.
func (w *jsonWriter) key(k string) {
	w.separate()
	w.b = append(append(append(w.b, '"'), k...), `":`...)
}

// raw writes JSON as it is.
func (w *jsonWriter) raw(json string) {
	w.separate()
	w.b = append(w.b, json...)
}

func (w *jsonWriter) str(s string) {
	w.separate()
	w.b = gjson.AppendJSONString(w.b, s)
}

// The members of an object: JSON as it is, a text, a whole number.

func (w *jsonWriter) member(k, json string) {
	w.key(k)
	w.raw(json)
}

func (w *jsonWriter) text(k, s string) {
	w.key(k)
	w.str(s)
}

func (w *jsonWriter) number(k string, n int64) {
	w.key(k)
	w.b = strconv.AppendInt(w.b, n, 10)
}

// empty reports whether nothing was written.
func (w *jsonWriter) empty() bool { return len(w.b) == 0 }

// String is what was written. It lives no longer than the writer stays
// unchanged.
func (w *jsonWriter) String() string { return text(w.b) }

// orNull is a value's JSON, also where there is none.
func orNull(v gjson.Result) string {
	if v.Raw == "" {
		return "null"
	}
	return v.Raw
}

// textOrNull is the JSON of a value that must be a text, in one line.
func textOrNull(v gjson.Result) string {
	if v.Type != gjson.String {
		return "null"
	}
	return v.Raw
}
