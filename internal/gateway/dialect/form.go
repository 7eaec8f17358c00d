package dialect

import (
	"bytes"
	"errors"
	"mime"
	"strings"
	"unicode"
)

// The bounds of a form; one beyond them is refused.
const (
	maxFormParts  = 1000
	maxPartHeader = 8 << 10
	maxFormModel  = 1 << 10
)

// The errors of a form; their texts are for the caller.
var (
	ErrContentType = errors.New("the Content-Type of the request cannot be read")
	ErrNotForm     = errors.New("the request body is not the multipart/form-data that its Content-Type says")
	ErrOddPart     = errors.New("the request body has a part whose name, or whose model, could be read in two ways")
)

// ParseRequest finds the model of a request. An endpoint whose requests all name
// one takes them as JSON, whatever their type says. Of the others, forms are read,
// and JSON objects; what else there is names none.
func (e *Endpoint) ParseRequest(contentType string, body []byte) (Request, error) {
	if e.named {
		return ParseRequest(body)
	}
	if len(body) == 0 {
		return Request{}, nil
	}
	kind, params, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil && contentType != "":
		return Request{}, ErrContentType
	case kind == "multipart/form-data":
		if strings.Contains(strings.ToLower(contentType), "boundary*") {
			return Request{}, ErrContentType
		}
		return parseForm(params["boundary"], body)
	case kind == "application/json", startsObject(body):
		return parseObject(body)
	}
	return Request{}, nil
}

func startsObject(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) }

// parseForm finds the model among the parts of a form (RFC 7578), in whatever
// order they come. The body is searched once for the lines between the parts; what
// is in the parts is neither decoded nor copied. Where two readers might find
// different models, there is an error, because the provider might find the other
// one than was routed by.
func parseForm(boundary string, body []byte) (Request, error) {
	f, err := newForm(boundary, body)
	if err != nil {
		return Request{}, err
	}
	r := Request{form: true}
	for range maxFormParts {
		from := f.at
		to, err := f.line()
		if err != nil {
			return Request{}, err
		}
		p, err := readPart(body[from:to])
		switch {
		case err != nil:
			return Request{}, err
		case p.name == "model" && r.Model != "":
			return Request{}, ErrDuplicateModel
		case p.name == "model":
			if r.Model, err = p.model(); err != nil {
				return Request{}, err
			}
			r.modelStart, r.modelEnd = from, to
		case strings.EqualFold(p.name, "model"):
			return Request{}, ErrOddKey
		}
		if f.ended {
			return r, nil
		}
	}
	return Request{}, ErrNotForm
}

// form goes through the parts of a form's body.
type form struct {
	body  []byte
	mark  []byte // what every line between two parts begins with, and the LF before
	at    int    // where the next part begins
	ended bool   // the last line has been read
}

// newForm finds the first part.
func newForm(boundary string, body []byte) (*form, error) {
	if !isBoundary(boundary) {
		return nil, ErrContentType
	}
	f := &form{body: body, mark: []byte("\n--" + boundary)}
	var err error
	if first := f.mark[1:]; bytes.HasPrefix(body, first) {
		err = f.pass(len(first))
	} else {
		_, err = f.line()
	}
	if err != nil || f.ended {
		return nil, ErrNotForm
	}
	return f, nil
}

// isBoundary reports whether RFC 2046, 5.1.1, allows a boundary.
func isBoundary(s string) bool {
	const longest = 70
	return s != "" && len(s) <= longest && !strings.HasSuffix(s, " ") && !strings.ContainsFunc(s, func(c rune) bool {
		return !strings.ContainsRune("'()+_,-./:=? ", c) && (c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c))
	})
}

// line finds the next line between two parts and returns where it begins: with
// the line end before it, which must be a whole one. To some readers LF alone is
// one, and what follows a part of its own.
func (f *form) line() (int, error) {
	i := bytes.Index(f.body[f.at:], f.mark)
	if i < 1 || f.body[f.at+i-1] != '\r' {
		return 0, ErrNotForm
	}
	i += f.at
	return i - 1, f.pass(i + len(f.mark))
}

// pass reads the end of a line between two parts.
func (f *form) pass(at int) error {
	rest := f.body[at:]
	f.ended = bytes.Equal(rest, []byte("--")) || bytes.HasPrefix(rest, []byte("--\r\n"))
	if !f.ended && !bytes.HasPrefix(rest, []byte("\r\n")) {
		return ErrNotForm // a line that only begins like one
	}
	f.at = at + len("\r\n") // as long as the last line's --
	return nil
}
