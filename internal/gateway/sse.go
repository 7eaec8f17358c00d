package gateway

import (
	"bytes"
	"io"
)

const (
	// eventBuffer is what reading a stream begins with.
	eventBuffer = 4 << 10
	// maxEvent bounds one event.
	maxEvent = 1 << 20
)

var (
	errEventTooLarge = &invalidAnswerError{"its stream holds an event that is larger than the limit of 1 MiB"}

	byteOrderMark = []byte("\xEF\xBB\xBF")
)

// eventReader cuts a stream into server-sent events (WHATWG HTML, 9.2.6) without
// copying them. Lines end with LF or CRLF; a CR alone, which the standard also
// allows and no provider writes, ends none.
type eventReader struct {
	buf        []byte
	start, end int // what is read and not yet given out
	seen       int // in buf: up to here searched for an event's end
	begun      bool
	event      event // the last
	joined     []byte
}

// event is one event. It lives until the next one is asked for.
type event struct {
	raw  []byte // with the blank line at its end
	name []byte
	data []byte
	// comment means that there is no data in it, so that no client sees it: a
	// comment, a retry time, a name alone.
	comment bool
}

// next returns the next event that is there whole, or nil.
func (r *eventReader) next() *event {
	for r.start < r.end && (r.buf[r.start] == '\n' || r.buf[r.start] == '\r') {
		r.start++ // blank lines between events
	}
	r.seen = max(r.seen, r.start)
	for {
		i := bytes.IndexByte(r.buf[r.seen:r.end], '\n')
		if i < 0 {
			r.seen = r.end
			return nil
		}
		at := r.seen + i + 1 // after the end of a line
		blank := at
		if blank < r.end && r.buf[blank] == '\r' {
			blank++
		}
		if blank >= r.end {
			r.seen = at - 1 // look at this line's end again
			return nil
		}
		r.seen = at
		if r.buf[blank] == '\n' {
			raw := r.buf[r.start : blank+1]
			r.start, r.seen = blank+1, blank+1
			return r.parse(raw)
		}
	}
}

// rest returns what is left at the stream's end as an event, or nil; some providers
// leave out the last blank line.
func (r *eventReader) rest() *event {
	left := bytes.Trim(r.buf[r.start:r.end], "\r\n")
	r.start = r.end
	if len(left) == 0 {
		return nil
	}
	return r.parse(append(bytes.Clone(left), "\n\n"...))
}

// fill reads once from src.
func (r *eventReader) fill(src io.Reader) error {
	if r.start > 0 {
		copy(r.buf, r.buf[r.start:r.end])
		r.end -= r.start
		r.seen -= r.start
		r.start = 0
	}
	if r.end == len(r.buf) {
		if r.end >= maxEvent {
			return errEventTooLarge
		}
		grown := make([]byte, max(2*len(r.buf), eventBuffer))
		copy(grown, r.buf[:r.end])
		r.buf = grown
	}
	n, err := src.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil // the error will come again
	}
	return err
}

func (r *eventReader) parse(raw []byte) *event {
	e := &r.event
	*e = event{raw: raw, comment: true}
	rest := raw
	if !r.begun {
		r.begun = true
		rest = bytes.TrimPrefix(rest, byteOrderMark)
	}
	several := false
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(name) {
		case "event":
			e.name = value
		case "data":
			if e.comment {
				e.comment = false
				e.data = value
				continue
			}
			if !several {
				r.joined = append(r.joined[:0], e.data...)
				several = true
			}
			r.joined = append(append(r.joined, '\n'), value...)
		}
	}
	if several {
		e.data = r.joined
	}
	return e
}
