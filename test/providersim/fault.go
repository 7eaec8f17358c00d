package providersim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is the way in which a provider breaks. The empty kind breaks nothing:
// such a fault only delays.
type Kind string

// The kinds. "After N tokens" is Fault.AfterTokens; an unstreamed answer has no
// tokens, and what happens after N of them happens in the middle of its body.
const (
	// Status answers with Fault.Status and an error body of the dialect.
	Status Kind = "status"
	// Reset ends the TCP connection with an RST: before any byte of the answer,
	// or after N tokens where N > 0. On HTTP/2 it takes every stream of the
	// connection with it.
	Reset Kind = "reset"
	// Close ends the connection in good order before the status line; on HTTP/2
	// it resets the stream alone.
	Close Kind = "close"
	// Hang answers nothing until the client leaves or the sim is closed.
	Hang Kind = "hang"
	// Hold answers nothing until the faults are switched, then goes on in good
	// health; after N tokens where N > 0, before the headers otherwise.
	Hold Kind = "hold"
	// Cut ends the connection after N tokens, short of what was promised.
	Cut Kind = "cut"
	// Stall falls silent after N tokens and keeps the connection.
	Stall Kind = "stall"
	// Malformed sends Fault.Events events with broken JSON after N tokens, then
	// goes on; an unstreamed answer is broken JSON as a whole.
	Malformed Kind = "malformed"
	// MissingEnd ends a stream in good order after N tokens (0: after all of
	// them), with neither a finish reason nor [DONE], message_stop or
	// response.completed. Unstreamed requests do not meet it.
	MissingEnd Kind = "missing-end"
	// MissingDone sends a stream's finish reason but not its last event: [DONE],
	// message_stop or response.completed. Unstreamed requests do not meet it.
	MissingDone Kind = "missing-done"
	// ErrorEvent sends an error event after N tokens and ends the stream; an
	// unstreamed request gets an ErrorBody.
	ErrorEvent Kind = "error-event"
	// ErrorBody answers 200 with an error in the JSON body, streamed or not.
	ErrorBody Kind = "error-body"
	// NotJSON answers 200 with an HTML page.
	NotJSON Kind = "not-json"
	// Redirect answers 302, or Fault.Status, to Fault.Location.
	Redirect Kind = "redirect"
	// Gzip sends the answer with Content-Encoding: gzip, asked for or not.
	Gzip Kind = "gzip"
	// EmptyStream sends the headers of a 200 and then nothing, in good order.
	EmptyStream Kind = "empty-stream"
	// EarlyAnswer answers Fault.Status (default 503) before it has read any of
	// the body, most of which it never reads. Such faults are looked at before
	// all others, and cannot be limited to a model.
	EarlyAnswer Kind = "early-answer"
)

var kinds = []Kind{
	Status, Reset, Close, Hang, Hold, Cut, Stall, Malformed, MissingEnd, MissingDone,
	ErrorEvent, ErrorBody, NotJSON, Redirect, Gzip, EmptyStream, EarlyAnswer,
}

// Kinds returns all of them.
func Kinds() []Kind { return slices.Clone(kinds) }

var redirects = []int{301, 302, 303, 307, 308}

// KeepAlive is what is sent while a stream is delayed, held or stalled.
type KeepAlive string

// The keep-alives. OpenAI's dialect has no ping: a comment stands in for it.
const (
	KeepAliveComment KeepAlive = "comment"
	KeepAlivePing    KeepAlive = "ping"
)

// Fault is one way to misbehave. Its delays hold with every kind.
type Fault struct {
	// Kind may be left out where Status is given (Status), or for delays alone.
	Kind Kind `json:"kind,omitempty"`
	// Name is what the request log calls the fault. Default: its kind, or "delay".
	Name string `json:"name,omitempty"`
	// Requests is how many requests meet the fault before it is used up. 0: all,
	// until the faults are switched.
	Requests int `json:"requests,omitempty"`
	// Model limits the fault to requests for this model. Empty: every request.
	Model string `json:"model,omitempty"`

	// Status is the answer's, for Status, Redirect and EarlyAnswer.
	Status int `json:"status,omitempty"`
	// RetryAfter is the header's value, in seconds or as a date. Empty: no header.
	RetryAfter string `json:"retryAfter,omitempty"`
	// Header is added to the answer, error or not.
	Header map[string]string `json:"header,omitempty"`
	// ErrorType, ErrorCode and Message replace the dialect's usual ones in an
	// error. Anthropic's dialect has no code.
	ErrorType string `json:"errorType,omitempty"`
	ErrorCode string `json:"errorCode,omitempty"`
	Message   string `json:"message,omitempty"`
	// Body replaces the whole body of Status, ErrorBody, NotJSON, Redirect and
	// EarlyAnswer; with Status 200 and ContentType it plays any script.
	Body string `json:"body,omitempty"`
	// ContentType of that body. Default application/json, text/html for NotJSON.
	ContentType string `json:"contentType,omitempty"`
	// Location is where a Redirect points.
	Location string `json:"location,omitempty"`

	// HeaderDelay passes before the status line.
	HeaderDelay time.Duration `json:"headerDelay,omitempty"`
	// FirstTokenDelay passes after the headers and the events that open a
	// stream, before its first token; unstreamed, between headers and body.
	FirstTokenDelay time.Duration `json:"firstTokenDelay,omitempty"`
	// TokenDelay passes between the tokens of a stream.
	TokenDelay time.Duration `json:"tokenDelay,omitempty"`
	// KeepAlive is sent every KeepAliveEvery (default 50 ms) while a stream
	// waits. Empty: silence.
	KeepAlive      KeepAlive     `json:"keepAlive,omitempty"`
	KeepAliveEvery time.Duration `json:"keepAliveEvery,omitempty"`

	// AfterTokens is how many tokens go out first, at most all. 0: none, but
	// the events that open a stream (a role, message_start). -1: not even those.
	AfterTokens int `json:"afterTokens,omitempty"`
	// Events is how many broken events a Malformed stream has in a row. Default 1.
	Events int `json:"events,omitempty"`
}

// Validate says what is wrong with the fault, by the names of its JSON fields,
// and what would be right.
func (f Fault) Validate() error {
	f = f.normal()
	if f.Kind != "" && !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("kind: %q is none of %s", f.Kind, list(kinds))
	}
	if err := f.validateStatus(); err != nil {
		return err
	}
	if f.Kind == Redirect && f.Location == "" {
		return fmt.Errorf("location: a redirect needs one, such as \"https://example.com/\"")
	}
	if f.Kind == EarlyAnswer && f.Model != "" {
		return fmt.Errorf("model: %s answers before it knows the model; leave it out", EarlyAnswer)
	}
	if f.Requests < 0 {
		return fmt.Errorf("requests: want 0 (all) or more, got %d", f.Requests)
	}
	if f.AfterTokens < -1 {
		return fmt.Errorf("afterTokens: want -1 or more, got %d", f.AfterTokens)
	}
	if f.Events < 0 {
		return fmt.Errorf("events: want 0 (means 1) or more, got %d", f.Events)
	}
	if f.KeepAlive != "" && f.KeepAlive != KeepAliveComment && f.KeepAlive != KeepAlivePing {
		return fmt.Errorf("keepAlive: %q is neither %q nor %q", f.KeepAlive, KeepAliveComment, KeepAlivePing)
	}
	for _, d := range f.durations() {
		if *d.value < 0 {
			return fmt.Errorf("%s: want a duration that is not negative, got %s", d.name, *d.value)
		}
	}
	return nil
}

func (f Fault) validateStatus() error {
	switch {
	case f.Kind == Redirect && f.Status != 0 && !slices.Contains(redirects, f.Status):
		return fmt.Errorf("status: a redirect's is one of %v, got %d", redirects, f.Status)
	case f.Kind == Status && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status: want 200 to 599, got %d", f.Status)
	case f.Kind == EarlyAnswer && f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status: want 200 to 599, got %d", f.Status)
	case f.Status != 0 && f.Kind != Status && f.Kind != Redirect && f.Kind != EarlyAnswer:
		return fmt.Errorf("status: kind %q sends none of its own; only %s, %s and %s do", f.Kind, Status, Redirect, EarlyAnswer)
	}
	return nil
}

// normal fills in the kind that the fields imply.
func (f Fault) normal() Fault {
	if f.Kind == "" && f.Status != 0 {
		f.Kind = Status
	}
	return f
}

type namedDuration struct {
	name  string
	value *time.Duration
}

func (f *Fault) durations() []namedDuration {
	return []namedDuration{
		{"headerDelay", &f.HeaderDelay},
		{"firstTokenDelay", &f.FirstTokenDelay},
		{"tokenDelay", &f.TokenDelay},
		{"keepAliveEvery", &f.KeepAliveEvery},
	}
}

func (f Fault) keepAliveEvery() time.Duration {
	if f.KeepAliveEvery > 0 {
		return f.KeepAliveEvery
	}
	return 50 * time.Millisecond
}

// label is the fault's name in the log, empty for no fault.
func (f Fault) label() string {
	switch {
	case f.Name != "":
		return f.Name
	case f.Kind != "":
		return string(f.Kind)
	case f.HeaderDelay > 0 || f.FirstTokenDelay > 0 || f.TokenDelay > 0:
		return "delay"
	default:
		return ""
	}
}

// meets tells whether a request for the model meets the fault.
func (f Fault) meets(model string, stream bool) bool {
	if f.Model != "" && f.Model != model {
		return false
	}
	return stream || (f.Kind != MissingEnd && f.Kind != MissingDone)
}

// list joins names for a message.
func list[T ~string](names []T) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = string(n)
	}
	return strings.Join(parts, ", ")
}
