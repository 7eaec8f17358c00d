package dialect

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Request is what the gateway needs to know of a request body.
type Request struct {
	// Model is empty where the request names none.
	Model  string
	Stream bool
	// Choices is how many answers are asked for: "n", for each of the prompts of
	// a completion; 0 where nothing is said.
	Choices int
	// Usage means that the stream of a chat completion is to end with what it has
	// cost.
	Usage   bool
	options bool // there are stream_options
	// Conversation means that the answer becomes a part of a conversation that the
	// provider keeps.
	Conversation bool
	// modelStart and modelEnd delimit the model in the body: its JSON value, or the
	// whole part of a form.
	modelStart, modelEnd int
	form                 bool
}

// The errors of a request that cannot be read; their texts are for the caller.
var (
	ErrNotJSON        = errors.New("the request body is not a JSON object")
	ErrNoModel        = errors.New("the request body has no model: want a non-empty string under \"model\"")
	ErrDuplicateModel = errors.New("the request body has more than one \"model\" or \"stream\"")
	ErrStreamNotBool  = errors.New("\"stream\" must be true or false")
	ErrOddKey         = errors.New("the request body has a key that differs from \"model\" or \"stream\" only in its letters' case")
)

// ParseRequest finds the model and whether a stream is asked for. The body is
// checked to be one JSON object and scanned once at its top level; nothing is
// decoded. A repeated key is an error, and so is one in capitals, because the
// provider might read the other one than was routed by.
func ParseRequest(body []byte) (Request, error) {
	r, err := parseObject(body)
	if err == nil && r.Model == "" {
		return Request{}, ErrNoModel
	}
	return r, err
}

// parseObject is ParseRequest where the model may be missing.
func parseObject(body []byte) (Request, error) {
	if !valid(body) {
		return Request{}, ErrNotJSON
	}
	root := gjson.Parse(text(body))
	if !root.IsObject() {
		return Request{}, ErrNotJSON
	}
	var r Request
	var err error
	var models, streams int
	prompts := 1
	root.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "model":
			models++
			if v.Type == gjson.Null {
				break
			}
			if v.Type != gjson.String || !isName(v.Str) {
				err = ErrNoModel
				break
			}
			// A copy, so that the name does not keep the body alive.
			r.Model = strings.Clone(v.Str)
			r.modelStart = v.Index
			r.modelEnd = r.modelStart + len(v.Raw)
		case "stream":
			streams++
			r.Stream = v.Type == gjson.True
			if !v.IsBool() && v.Type != gjson.Null {
				err = ErrStreamNotBool
			}
		case "n":
			r.Choices = int(min(max(v.Int(), 0), maxChoices+1))
		case "conversation":
			r.Conversation = v.Type != gjson.Null
		case "stream_options":
			r.Usage, r.options = v.Get("include_usage").Type == gjson.True, true
		case "prompt":
			prompts = countPrompts(v)
		default:
			if strings.EqualFold(k.Str, "model") || strings.EqualFold(k.Str, "stream") {
				err = ErrOddKey
			}
		}
		return err == nil
	})
	switch {
	case err != nil:
		return Request{}, err
	case models > 1 || streams > 1:
		return Request{}, ErrDuplicateModel
	}
	if prompts > 1 {
		r.Choices = max(r.Choices, 1) * prompts
	}
	return r, nil
}

// isName reports whether a text is one that every reader reads alike: not empty,
// and without what is no Unicode, which some replace and some refuse.
func isName(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError)
}

// countPrompts counts the prompts of a completion, as far as it matters: a list
// of texts or of lists of tokens holds several, a list of tokens is one.
func countPrompts(v gjson.Result) int {
	if !v.IsArray() {
		return 1
	}
	n := 0
	v.ForEach(func(_, p gjson.Result) bool {
		if p.Type != gjson.String && !p.IsArray() {
			return false
		}
		n++
		return n <= maxChoices
	})
	return max(n, 1)
}

// WithModel returns the body, which r was parsed from, with another model, in
// parts to be sent one after the other. Nothing is copied. An empty model is the
// one that is there, and where there is none, none is put in.
func (r Request) WithModel(body []byte, model string) [][]byte {
	if model == "" || model == r.Model || r.Model == "" {
		return [][]byte{body}
	}
	with := mustMarshal(model)
	if r.form {
		with = []byte(modelPart + model)
	}
	return patched(body, patch{r.modelStart, r.modelEnd, with})
}
