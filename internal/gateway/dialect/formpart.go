package dialect

import (
	"bytes"
	"strings"
	"unicode"
)

// modelPart is the header of a part that holds a model, for one that is put in the
// place of the client's: what that said of its length or its encoding may not hold.
const modelPart = "Content-Disposition: form-data; name=\"model\"\r\n\r\n"

// part is a part of a form.
type part struct {
	name    string
	file    bool // it has a file's name
	encoded bool // its content means other bytes than it has
	content []byte
}

// model returns the model that the part holds, as a copy that does not keep the
// body alive.
func (p *part) model() (string, error) {
	s := text(p.content)
	switch {
	case len(s) > maxFormModel, !isName(s):
		return "", ErrNoModel
	case p.file, p.encoded, strings.ContainsFunc(s, unicode.IsControl):
		return "", ErrOddPart
	}
	return strings.Clone(s), nil
}

// readPart reads the header of a part.
func readPart(raw []byte) (part, error) {
	const end = "\r\n\r\n"
	header, _, ok := bytes.Cut(raw[:min(len(raw), maxPartHeader)], []byte(end))
	if !ok {
		return part{}, ErrNotForm
	}
	p := part{content: raw[len(header)+len(end):]}
	for line := range strings.SplitSeq(string(header), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isHeaderName(name) || strings.ContainsFunc(value, unicode.IsControl) {
			return part{}, ErrNotForm
		}
		switch strings.ToLower(name) {
		case "content-disposition":
			if p.name != "" || !p.readDisposition(value) {
				return part{}, ErrOddPart
			}
		case "content-transfer-encoding":
			switch strings.ToLower(strings.TrimSpace(value)) {
			case "7bit", "8bit", "binary":
			default:
				p.encoded = true
			}
		}
	}
	if p.name == "" {
		return part{}, ErrNotForm
	}
	return p, nil
}

// isHeaderName reports whether a text has only the letters of a header's name (RFC
// 9110, 5.6.2): no space, which some readers overlook.
func isHeaderName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

// readDisposition reads the value of a Content-Disposition, such as
//
//	form-data; name="file"; filename="a.wav"
//
// and reports whether all readers take the same name from it.
func (p *part) readDisposition(value string) bool {
	kind, rest, more := strings.Cut(value, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "form-data") {
		return false
	}
	for more && strings.TrimSpace(rest) != "" {
		var key, v string
		var ok bool
		key, rest, ok = strings.Cut(rest, "=")
		if !ok {
			return false
		}
		if v, rest, more, ok = cutValue(rest); !ok {
			return false
		}
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "name":
			if p.name != "" || v == "" || strings.Contains(v, `\`) {
				return false
			}
			p.name = v
		case "name*":
			return false
		case "filename", "filename*":
			p.file = true
		}
	}
	return p.name != ""
}

// cutValue returns the value of a parameter, in quotes or without, and what
// follows its semicolon. A backslash guards a quote to some readers and is a letter
// to others: where they do not see the same end, it is not ok.
func cutValue(s string) (value, rest string, more, ok bool) {
	s = strings.TrimLeft(s, " \t")
	quoted := strings.HasPrefix(s, `"`)
	if !quoted {
		value, rest, more = strings.Cut(s, ";")
		value = strings.TrimRight(value, " \t")
		return value, rest, more, !strings.ContainsAny(value, " \t\"\\=")
	}
	end := 1
	for end < len(s) && s[end] != '"' {
		if s[end] == '\\' {
			end++
			if end < len(s) && s[end] == '"' && strings.Contains(s[end:], ";") {
				return "", "", false, false
			}
		}
		end++
	}
	if end >= len(s) {
		return "", "", false, false
	}
	between, rest, more := strings.Cut(s[end+1:], ";")
	return s[1:end], rest, more, strings.TrimSpace(between) == ""
}
