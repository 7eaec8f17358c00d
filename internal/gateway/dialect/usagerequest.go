package dialect

import (
	"bytes"
	"slices"

	"github.com/tidwall/gjson"
)

// TellsUsageIfAsked reports whether a stream of the endpoint tells what it has
// cost only where the request asks for it: by stream_options.include_usage.
func (e *Endpoint) TellsUsageIfAsked() bool {
	return e.Dialect == OpenAI && (e.Path == "/chat/completions" || e.Path == "/completions")
}

// WithModelAndUsage is WithModel, and the stream's usage is asked for too.
func (r Request) WithModelAndUsage(body []byte, model string) [][]byte {
	p, ok := r.options.ask(body)
	if !ok {
		return r.WithModel(body, model)
	}
	if model == "" || model == r.Model {
		return patched(body, p)
	}
	return patched(body, inOrder(p, patch{r.modelStart, r.modelEnd, mustMarshal(model)})...)
}

func inOrder(patches ...patch) []patch {
	slices.SortStableFunc(patches, func(a, b patch) int { return a.from - b.from })
	return patches
}

// streamOptions is where a request's stream_options stand in its body.
type streamOptions struct {
	start, end int
	count      int
}

func (o *streamOptions) see(v gjson.Result) {
	o.start, o.end = v.Index, v.Index+len(v.Raw)
	o.count++
}

// usageAsked is what stream_options are to hold.
const usageAsked = `"include_usage":true`

// ask is the patch that asks for a stream's usage. False where there is nothing
// to change: it is asked for, or the options are none that could be added to, or
// are there twice, so that it is unknown which of them the provider reads.
func (o streamOptions) ask(body []byte) (patch, bool) {
	switch o.count {
	case 0:
		open := bytes.IndexByte(body, '{') + 1
		return patch{open, open, []byte(`"stream_options":{` + usageAsked + `},`)}, true
	case 1:
	default:
		return patch{}, false
	}
	options := gjson.Parse(text(body[o.start:o.end]))
	switch {
	case options.Type == gjson.Null:
		return patch{o.start, o.end, []byte(`{` + usageAsked + `}`)}, true
	case !options.IsObject():
		return patch{}, false
	}
	added := usageAsked + ","
	var asked []gjson.Result
	options.ForEach(func(k, v gjson.Result) bool {
		if k.Str == "include_usage" {
			asked = append(asked, v)
		}
		return true
	})
	switch {
	case len(asked) > 1, len(asked) == 1 && asked[0].Type == gjson.True:
		return patch{}, false
	case len(asked) == 1:
		p := over(asked[0], []byte("true"))
		return patch{o.start + p.from, o.start + p.to, p.with}, true
	case !holdsSomething(options):
		added = usageAsked
	}
	return patch{o.start + 1, o.start + 1, []byte(added)}, true
}
