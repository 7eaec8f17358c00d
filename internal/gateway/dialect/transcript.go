package dialect

import (
	"bytes"
	"fmt"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// Transcript follows what a client has of a streamed answer, so that another
// backend can go on with it. It is not safe for concurrent use.
type Transcript interface {
	// Record takes in an event that the client gets as it is.
	Record(data []byte)
	// Resumable reports whether what the client has is one plain text, and so can
	// be gone on with.
	Resumable() bool
	// Prefill returns the request, which body was, that asks to go on: with the
	// text as the assistant's last turn, and fewer tokens to come.
	Prefill(body []byte) ([]byte, error)
	// Splice turns an event of the stream that goes on into what the client gets,
	// and takes it in. It is empty where the client gets nothing.
	Splice(name, data []byte) []byte
}

// NewTranscript returns the transcript of an answer to a request; nil where it
// could not be gone on with.
func (e *Endpoint) NewTranscript(r Request, body []byte) Transcript {
	if e.newTranscript == nil || r.Choices > 1 || !gjson.GetBytes(body, "messages").IsArray() {
		return nil
	}
	return e.newTranscript()
}

// transcript is what both dialects have in common.
type transcript struct {
	text []byte
	// pieces of text are taken for a token each: no provider tells how many there
	// were in a stream that broke off.
	pieces int
	// before is how many of them came from backends before this one.
	before int
	// overlap is the white space at the text's end. A prefill may not have it, so
	// the text that follows mostly begins with it.
	overlap []byte
	unfit   bool // it is not one plain text
}

func (t *transcript) Resumable() bool { return !t.unfit }

func (t *transcript) add(text string) {
	if text != "" {
		t.text = append(t.text, text...)
		t.pieces++
	}
}

const whiteSpace = " \t\r\n"

func (t *transcript) Prefill(body []byte) ([]byte, error) {
	text := bytes.TrimRight(t.text, whiteSpace)
	t.overlap, t.before = bytes.Clone(t.text[len(text):]), t.pieces
	out := body
	for _, key := range [...]string{"max_tokens", "max_completion_tokens"} {
		n := gjson.GetBytes(body, key)
		if n.Type != gjson.Number {
			continue
		}
		var err error
		if out, err = sjson.SetBytes(out, key, max(n.Int()-int64(t.pieces), 1)); err != nil {
			return nil, fmt.Errorf("lessening %s: %w", key, err)
		}
	}
	if len(text) == 0 {
		return out, nil
	}
	path, value := prefilled(gjson.GetBytes(body, "messages").Array(), string(text))
	out, err := sjson.SetBytes(out, path, value)
	if err != nil {
		return nil, fmt.Errorf("adding the text so far: %w", err)
	}
	return out, nil
}

// prefilled says where a text goes so that it ends the last turn, which is the
// assistant's: into it, where the client itself had begun it.
func prefilled(turns []gjson.Result, text string) (path string, value any) {
	if n := len(turns) - 1; n >= 0 && turns[n].Get("role").Str == "assistant" {
		switch content := turns[n].Get("content"); {
		case content.Type == gjson.String:
			return fmt.Sprintf("messages.%d.content", n), content.Str + text
		case content.IsArray():
			return fmt.Sprintf("messages.%d.content.-1", n), map[string]string{"type": "text", "text": text}
		}
	}
	return "messages.-1", map[string]string{"role": "assistant", "content": text}
}

// reconcile takes from the next piece of text the white space that the client
// has already.
func (t *transcript) reconcile(piece string) string {
	for len(t.overlap) > 0 && piece != "" {
		if piece[0] != t.overlap[0] {
			t.overlap = nil
			break
		}
		piece, t.overlap = piece[1:], t.overlap[1:]
	}
	return piece
}

// edit is a JSON text on its way to being another. After an error it stays as it
// is: what it is made of is valid, and so are its paths.
type edit []byte

func (e *edit) set(path string, value any) {
	if out, err := sjson.SetBytes(*e, path, value); err == nil {
		*e = out
	}
}

func (e *edit) drop(path string) {
	if out, err := sjson.DeleteBytes(*e, path); err == nil {
		*e = out
	}
}

// more adds to a number, where there is one.
func (e *edit) more(path string, n int) {
	if v := gjson.GetBytes(*e, path); v.Type == gjson.Number {
		e.set(path, v.Int()+int64(n))
	}
}
