package dialect

import (
	"bytes"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// askUsage is the parameter with which a stream of OpenAI's dialect tells what it
// has cost, in a chunk of its own.
var askUsage = []byte(`,"stream_options":{"include_usage":true}`)

// HidesUsage reports whether the gateway is to ask for the usage of a stream whose
// client has not, who then must not see it.
func (e *Endpoint) HidesUsage(r Request) bool {
	switch e {
	case endpoints["/chat/completions"], endpoints["/completions"]:
		return r.Stream && !r.Usage
	}
	return false
}

// WithUsage returns a request that asks for its stream's usage too. The request
// is r's, also with another model and more messages, and comes in parts.
func (r Request) WithUsage(parts [][]byte) [][]byte {
	if r.options {
		body := bytes.Join(parts, nil)
		if o := gjson.GetBytes(body, "stream_options"); !o.IsObject() && o.Type != gjson.Null {
			return parts // it is no object, as the provider will say
		}
		body, err := sjson.SetBytes(body, "stream_options.include_usage", true)
		if err != nil {
			return parts
		}
		return [][]byte{body}
	}
	last := parts[len(parts)-1]
	end := bytes.LastIndexByte(last, '}')
	return append(parts[:len(parts)-1:len(parts)-1], last[:end], askUsage, last[end:])
}
