package dialect

import (
	"bytes"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// edit is the JSON of an event on its way to being another. After an error it
// stays as it is: what it is made of is valid, and so are its paths.
type edit []byte

// newEdit copies the data of an event into one line, which it need not have been.
func newEdit(data []byte) edit {
	e := bytes.Clone(bytes.TrimSpace(data))
	for i, c := range e {
		if c == '\n' || c == '\r' {
			e[i] = ' '
		}
	}
	return e
}

func (e *edit) get(path string) gjson.Result { return gjson.GetBytes(*e, path) }

func (e *edit) set(path string, value any) {
	if out, err := sjson.SetBytes(*e, path, value); err == nil {
		*e = out
	}
}

// setText changes a text, where it is another.
func (e *edit) setText(path, was, is string) {
	if was != is {
		e.set(path, is)
	}
}

func (e *edit) drop(path string) {
	if out, err := sjson.DeleteBytes(*e, path); err == nil {
		*e = out
	}
}

// more adds to a number, where there is one.
func (e *edit) more(path string, n int) {
	if v := e.get(path); v.Type == gjson.Number && n != 0 {
		e.set(path, v.Int()+int64(n))
	}
}
