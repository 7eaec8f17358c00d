package dialect

import (
	"errors"
	"strings"

	"github.com/tidwall/gjson"
)

// Request is what the gateway needs to know of a JSON request body.
type Request struct {
	Model  string
	Stream bool
	// Choices is how many answers are asked for ("n"); 0 where nothing is said.
	Choices int
	// modelStart and modelEnd delimit the model's JSON value in the body.
	modelStart, modelEnd int
}

// The errors of ParseRequest; their texts are for the caller.
var (
	ErrNotJSON        = errors.New("the request body is not a JSON object")
	ErrNoModel        = errors.New("the request body has no model: want a non-empty string under \"model\"")
	ErrDuplicateModel = errors.New("the request body has more than one \"model\" or \"stream\"")
	ErrStreamNotBool  = errors.New("\"stream\" must be true or false")
)

// ParseRequest finds the model and whether a stream is asked for. The body is
// checked to be one JSON object and scanned once at its top level; nothing is
// decoded. A repeated key is an error, because the provider might read the
// other one than was routed by.
func ParseRequest(body []byte) (Request, error) {
	if !gjson.ValidBytes(body) {
		return Request{}, ErrNotJSON
	}
	root := gjson.Parse(text(body))
	if !root.IsObject() {
		return Request{}, ErrNotJSON
	}
	var r Request
	var err error
	var models, streams int
	root.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "model":
			models++
			if v.Type != gjson.String || v.Str == "" {
				err = ErrNoModel
				return false
			}
			// A copy, so that the name does not keep the body alive.
			r.Model = strings.Clone(v.Str)
			r.modelStart = v.Index
			r.modelEnd = r.modelStart + len(v.Raw)
		case "n":
			r.Choices = int(v.Int())
		case "stream":
			streams++
			switch v.Type {
			case gjson.True, gjson.False:
				r.Stream = v.Type == gjson.True
			case gjson.Null:
			default:
				err = ErrStreamNotBool
				return false
			}
		}
		return true
	})
	switch {
	case err != nil:
		return Request{}, err
	case models == 0:
		return Request{}, ErrNoModel
	case models > 1 || streams > 1:
		return Request{}, ErrDuplicateModel
	}
	return r, nil
}

// WithModel returns the body, which r was parsed from, with another model, in
// parts to be sent one after the other. Nothing is copied; an empty model is
// the one that is there.
func (r Request) WithModel(body []byte, model string) [3][]byte {
	if model == "" || model == r.Model {
		return [3][]byte{body}
	}
	return [3][]byte{body[:r.modelStart], mustMarshal(model), body[r.modelEnd:]}
}
