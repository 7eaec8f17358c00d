package dialect

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Transcript follows what a client has of a streamed answer, so that another
// backend can go on with it. It is not safe for concurrent use.
type Transcript interface {
	// Record takes in an event that the client gets as it is. It keeps neither
	// name nor data.
	Record(name, data []byte)
	// Resumable reports whether what the client has is the beginning of one plain
	// text, and so can be gone on with. An answer that is not, never will be.
	Resumable() bool
	// Size is how many bytes are held.
	Size() int
	// Drop forgets the text. From then on the answer is not resumable.
	Drop()
	// Prefill returns the request, which body was, that asks to go on: with the
	// text as the assistant's last turn, fewer tokens to come, and where a model
	// is given, that. It comes in parts to be sent one after the other; the body
	// is not copied.
	Prefill(body []byte, model string) [][]byte
	// Splice turns an event of the stream that goes on into what the client gets,
	// and takes it in. It is empty where the client gets nothing.
	Splice(name, data []byte) []byte
}

// NewTranscript returns the transcript of an answer to a request; nil where it
// could not be gone on with.
func (e *Endpoint) NewTranscript(r Request, body []byte) Transcript {
	if e.newTranscript == nil || r.Choices > 1 || !gjson.Get(text(body), "messages").IsArray() {
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
	overlap string
	unfit   bool // it is not the beginning of one plain text
}

func (t *transcript) Resumable() bool { return !t.unfit }
func (t *transcript) Size() int       { return cap(t.text) }
func (t *transcript) Drop()           { t.unfit, t.text = true, nil }

// add takes in a piece of the text. One that holds half a character, or what a
// half was replaced by, cannot be asked to be gone on with.
func (t *transcript) add(piece string) {
	if piece == "" {
		return
	}
	t.pieces++
	if strings.ContainsRune(piece, utf8.RuneError) {
		t.Drop()
	}
	if !t.unfit {
		t.text = append(t.text, piece...)
	}
}

func (t *transcript) Prefill(body []byte, model string) [][]byte {
	seen := strings.TrimRightFunc(string(t.text), unicode.IsSpace)
	t.overlap, t.before = string(t.text[len(seen):]), t.pieces
	return prefilled(body, model, seen, t.pieces)
}

// reconcile takes from the next piece of text the white space that the client
// has already.
func (t *transcript) reconcile(piece string) string {
	for t.overlap != "" && piece != "" {
		_, n := utf8.DecodeRuneInString(t.overlap)
		rest, ok := strings.CutPrefix(piece, t.overlap[:n])
		if !ok {
			t.overlap = ""
			break
		}
		piece, t.overlap = rest, t.overlap[n:]
	}
	return piece
}
