package providersim

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"github.com/tidwall/gjson"
)

// form is a request of multipart/form-data: its fields, and the one file.
type form struct {
	fields   map[string]string
	filename string
	file     []byte
	broken   bool
}

// readForm reads a body as a form, where its type says that it is one.
func readForm(contentType string, body []byte) *form {
	kind, params, _ := mime.ParseMediaType(contentType) // what cannot be read is no form
	if !strings.HasPrefix(kind, "multipart/") {
		return nil
	}
	f := &form{fields: map[string]string{}}
	for r := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		p, err := r.NextPart()
		if err != nil {
			f.broken = !errors.Is(err, io.EOF)
			return f
		}
		content, err := io.ReadAll(p)
		if err != nil {
			f.broken = true
			return f
		}
		if name := p.FileName(); name != "" {
			f.filename, f.file = name, content
			continue
		}
		f.fields[p.FormName()] = string(content)
	}
}

// field is a parameter of the request, from a form or from JSON.
func (x *exchange) field(name string) string {
	if x.form != nil {
		return x.form.fields[name]
	}
	return gjson.GetBytes(x.body, name).String()
}

// streams reports whether the operation has answers in events.
func (o operation) streams() bool {
	switch o {
	case opEmbeddings, opCountTokens, opModerations, opImages, opSpeech, opFiles, opJobs:
		return false
	}
	return true
}

// complaint is what is wrong with a call that need not be JSON.
func (c *call) complaint() string {
	x := c.x
	switch {
	case x.form != nil && x.form.broken:
		return "We could not parse your multipart form."
	case x.form == nil && !x.validJSON():
		return "We could not parse the JSON body of your request."
	case x.target.op == opHearing && x.model == "":
		return "you must provide a model parameter"
	case x.target.op == opHearing && x.form == nil:
		return "file: Field required"
	}
	return ""
}
