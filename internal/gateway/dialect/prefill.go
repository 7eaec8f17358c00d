package dialect

import (
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
)

// patch puts something else in the place of a part of a body.
type patch struct {
	from, to int
	with     []byte
}

// over is the patch that replaces a value, whose place in the body is known.
func over(v gjson.Result, with []byte) patch { return patch{v.Index, v.Index + len(v.Raw), with} }

// within is the patch that adds to a value, before its closing bracket or quote.
func within(v gjson.Result, with []byte) patch {
	end := v.Index + len(v.Raw) - 1
	return patch{end, end, with}
}

// patched returns a body with patches, which stand in its order, in parts to be
// sent one after the other.
func patched(body []byte, patches ...patch) [][]byte {
	parts := make([][]byte, 0, 2*len(patches)+1)
	at := 0
	for _, p := range patches {
		parts = append(parts, body[at:p.from], p.with)
		at = p.to
	}
	return append(parts, body[at:])
}

// prefilled returns the body of a request that asks to go on with a text of so
// many tokens. Of a key that is repeated every value is changed, since it is
// unknown which of them the provider reads.
func prefilled(body []byte, model, seen string, tokens int) [][]byte {
	var patches []patch
	gjson.Parse(text(body)).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "model":
			if model != "" {
				patches = append(patches, over(v, mustMarshal(model)))
			}
		case "max_tokens", "max_completion_tokens":
			if v.Type == gjson.Number {
				fewer := max(v.Int()-int64(tokens), 1)
				patches = append(patches, over(v, strconv.AppendInt(nil, fewer, 10)))
			}
		case "messages":
			if seen != "" && v.IsArray() {
				patches = append(patches, assistantsTurn(v, seen))
			}
		}
		return true
	})
	return patched(body, patches...)
}

// assistantsTurn puts a text at the end of the last turn, which is the
// assistant's: into it, where the client itself had begun it. A text that would
// become a block of its own might be parted from the one before.
func assistantsTurn(turns gjson.Result, seen string) patch {
	quoted := mustMarshal(seen)
	if last := lastOf(turns); last.Get("role").Str == "assistant" {
		content := last.Get("content")
		if block := lastOf(content); block.Get("type").Str == "text" {
			content = block.Get("text")
		}
		switch {
		case content.Type == gjson.String:
			return within(content, quoted[1:len(quoted)-1])
		case content.IsArray():
			return further(content, `{"type":"text","text":`, quoted)
		}
	}
	return further(turns, `{"role":"assistant","content":`, quoted)
}

// further is the patch that adds an object to an array: its beginning and its
// last value.
func further(array gjson.Result, begun string, value []byte) patch {
	comma := ","
	if !lastOf(array).Exists() {
		comma = ""
	}
	return within(array, slices.Concat([]byte(comma+begun), value, []byte{'}'}))
}

// lastOf is the last element of an array.
func lastOf(v gjson.Result) gjson.Result {
	var last gjson.Result
	if v.IsArray() {
		v.ForEach(func(_, e gjson.Result) bool {
			last = e
			return true
		})
	}
	return last
}
