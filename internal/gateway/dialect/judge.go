package dialect

import (
	"bytes"

	"github.com/tidwall/gjson"
)

// Mark says what one event of a stream means.
type Mark uint8

// The marks of an event. None at all is an event to pass on without a meaning
// of its own (a role, a usage report).
const (
	// Output: the event carries text, a tool call, a refusal or reasoning.
	Output Mark = 1 << iota
	// Finish: with this event the answer is whole.
	Finish
	// Done: the dialect's end mark; nothing follows.
	Done
	// Failed: the event is an error; Judge.Err tells it.
	Failed
	// Malformed: the event is not what the dialect allows.
	Malformed
	// Usage: the event tells what the answer has cost, and nothing else.
	Usage
)

// Has reports whether all of the given marks are set.
func (m Mark) Has(x Mark) bool { return m&x == x }

// Judge follows one streamed answer, event by event. It is not safe for
// concurrent use.
type Judge interface {
	// Event judges an event by its name (which may be empty) and its data. It
	// keeps neither.
	Event(name, data []byte) Mark
	// Tokens returns what the answer has cost as the events so far have told it.
	Tokens() Tokens
	// Err returns the error that the last Failed event carried.
	Err() Error
	// InToolArguments reports whether the arguments of a tool call have begun
	// and not ended, so that a lost event would corrupt them.
	InToolArguments() bool
	// End is what the gateway writes itself where the provider forgot it after
	// the finish; nil where the dialect has no such mark.
	End() []byte
}

// errorEvent is the kind of event that announces an error.
const errorEvent = "error"

// object views an event's data as a JSON object; false where it is none.
func object(data []byte) (string, bool) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] != '{' || !valid(data) {
		return "", false
	}
	return text(data), true
}

// kindOf returns the type of an event, which its name repeats: where one is
// missing, the other serves.
func kindOf(name []byte, e string) string {
	if kind := gjson.Get(e, "type").Str; kind != "" {
		return kind
	}
	return string(name)
}

// streamedError reads the error that an event tells: under "error", or, in an
// event of that kind, at its top.
func streamedError(kind, e string) (Error, bool) {
	if err, ok := parseErrorValue(gjson.Get(e, "error")); ok {
		return err, true
	}
	if kind != errorEvent {
		return Error{}, false
	}
	err := parseErrorObject(gjson.Parse(e))
	if err.Type == errorEvent {
		err.Type = "" // the event's own
	}
	return err, true
}
