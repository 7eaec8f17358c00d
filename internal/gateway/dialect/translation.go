package dialect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Translation turns requests to one endpoint into requests to the endpoint of
// another dialect that does the same, and what comes back into answers of the
// first. docs/dialects.md says what becomes of what. It holds no state.
type Translation struct {
	// From is the caller's endpoint, To the provider's.
	From, To *Endpoint

	request func(*rewriting, map[string]gjson.Result)
	known   map[string]parameter
	answer  func(body string, at time.Time) ([]byte, error)
	events  func(r Request, at time.Time) Events
}

// Events turns the events of one streamed answer. It is not safe for concurrent
// use, and keeps nothing of what it is given.
type Events interface {
	// Event returns the caller's events for one of the provider's, which its judge
	// found neither malformed nor failed: none, one or several. They are gone with
	// the next call.
	Event(name, data []byte) ([]byte, error)
	// End returns what is left once the answer is whole, the end mark included.
	End() []byte
}

// Options is what a translation needs to know of a backend.
type Options struct {
	// DefaultMaxTokens stands in where a dialect requires a limit and the caller
	// has named none; at least 1.
	DefaultMaxTokens int
	// SupportsPrefill means that the model goes on with an assistant's turn that
	// the request ends with.
	SupportsPrefill bool
}

// InexpressibleError is what a request asks for and another dialect cannot say
// without changing its meaning. Its text is for the caller.
type InexpressibleError struct {
	// Parameter is its path in the request: "n", "messages[1].content[0]".
	Parameter string
	why       string
}

func (e *InexpressibleError) Error() string {
	return fmt.Sprintf("the parameter %s cannot be expressed: %s", e.Parameter, e.why)
}

// translations holds, for each caller's endpoint, the way to the other dialect.
var translations = map[*Endpoint]*Translation{
	endpoints["/chat/completions"]: {
		From: endpoints["/chat/completions"], To: endpoints["/messages"],
		request: (*rewriting).chatToMessages, known: chatParameters,
		answer: messageToChat, events: newChatEvents,
	},
	endpoints["/messages"]: {
		From: endpoints["/messages"], To: endpoints["/chat/completions"],
		request: (*rewriting).messagesToChat, known: messagesParameters,
		answer: chatToMessage, events: newMessagesEvents,
	},
}

// Translate returns the translation of an endpoint's requests for a provider of
// another dialect; false where there is none.
func Translate(from *Endpoint, to Dialect) (*Translation, bool) {
	t := translations[from]
	return t, t != nil && t.To.Dialect == to
}

// Request returns the provider's request for a caller's, which ParseRequest has
// read, with a model if one is given. Dropped names the parameters that only
// advise and were left out or, temperature, changed. An error is an
// *InexpressibleError.
func (t *Translation) Request(body []byte, model string, o Options) (out []byte, dropped []string, err error) {
	r := &rewriting{options: o}
	fields := r.sift(gjson.Parse(text(body)), t.known)
	if r.err != nil {
		return nil, nil, r.err
	}
	r.w.b = make([]byte, 0, len(body)+len(body)/8+256)
	r.w.open('{')
	if model != "" {
		r.w.text("model", model)
	} else {
		r.w.member("model", fields["model"].Raw)
	}
	t.request(r, fields)
	r.w.close('}')
	if r.err != nil {
		return nil, nil, r.err
	}
	return r.w.b, r.dropped, nil
}

// Answer returns the caller's answer for a provider's whole one, which
// Endpoint.ReadAnswer has found to be one, at the time it came.
func (t *Translation) Answer(body []byte, at time.Time) ([]byte, error) {
	return t.answer(text(body), at)
}

// Events returns the translator of a stream that answers a caller's request.
func (t *Translation) Events(r Request, at time.Time) Events { return t.events(r, at) }

// rewriting is one request on its way into the other dialect.
type rewriting struct {
	w       jsonWriter
	options Options
	dropped []string
	called  map[string]bool // the functions that the conversation has called
	places  []place         // where in the request it is
	err     error           // the first *InexpressibleError
}

// place is an element of a list.
type place struct {
	list  string
	index int
}

// maxDropped bounds the names, which a caller can make up and which end up in a
// header.
const maxDropped = 32

// drop names a parameter that was left out or changed, once.
func (r *rewriting) drop(name string) {
	if len(r.dropped) < maxDropped && !slices.Contains(r.dropped, name) {
		r.dropped = append(r.dropped, name)
	}
}

// refuse tells what cannot be expressed: a member of what the request is being
// read at, or with no name, that itself. What is written from then on is for
// nothing.
func (r *rewriting) refuse(name, why string) {
	if r.err != nil {
		return
	}
	var path strings.Builder
	for i, p := range r.places {
		if i > 0 {
			path.WriteByte('.')
		}
		fmt.Fprintf(&path, "%s[%d]", p.list, p.index)
	}
	if name != "" && path.Len() > 0 {
		path.WriteByte('.')
	}
	path.WriteString(name)
	r.err = &InexpressibleError{Parameter: path.String(), why: why}
}

// each calls f with the elements of a list of that name, until something cannot be
// expressed. What is neither a list nor absent cannot.
func (r *rewriting) each(list gjson.Result, name string, f func(e gjson.Result)) {
	if !list.IsArray() {
		if list.Type != gjson.Null {
			r.refuse(name, "it is no list")
		}
		return
	}
	at := len(r.places)
	r.places = append(r.places, place{list: name})
	list.ForEach(func(_, e gjson.Result) bool {
		f(e)
		r.places[at].index++
		return r.err == nil
	})
	r.places = r.places[:at]
}
