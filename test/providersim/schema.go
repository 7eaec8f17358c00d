package providersim

import (
	"strings"

	"github.com/tidwall/gjson"
)

// example is a JSON value that a schema allows: every property of an object, one
// item of an array, the first of an enum, and the plainest of anything else.
func example(schema gjson.Result) string {
	if c := schema.Get("const"); c.Exists() {
		return c.Raw
	}
	if e := schema.Get("enum.0"); e.Exists() {
		return e.Raw
	}
	for _, union := range []string{"anyOf.0", "oneOf.0"} {
		if first := schema.Get(union); first.Exists() {
			return example(first)
		}
	}
	kind := schema.Get("type")
	if kind.IsArray() {
		kind = kind.Get("0")
	}
	switch kind.String() {
	case "array":
		return "[" + example(schema.Get("items")) + "]"
	case "string":
		return `"word"`
	case "integer", "number":
		return "1"
	case "boolean":
		return "true"
	case "null":
		return "null"
	default:
		return exampleObject(schema.Get("properties"))
	}
}

func exampleObject(properties gjson.Result) string {
	var fields []string
	properties.ForEach(func(name, schema gjson.Result) bool {
		fields = append(fields, name.Raw+":"+example(schema))
		return true
	})
	return "{" + strings.Join(fields, ",") + "}"
}

// requestedSchema is the schema that the text of the answer must follow, where
// the request demands structured output.
func requestedSchema(body gjson.Result) (schema gjson.Result, ok bool) {
	for _, form := range []struct{ format, schema string }{
		{"response_format", "json_schema.schema"}, // chat completions
		{"text.format", "schema"},                 // responses
		{"output_config.format", "schema"},        // messages
	} {
		format := body.Get(form.format)
		if format.Get("type").String() == "json_schema" {
			return format.Get(form.schema), true
		}
	}
	return gjson.Result{}, false
}

// pieces cuts a text the way a tokenizer might, never within a character.
func pieces(text string) []string {
	const length = 6
	var out []string
	for runes := []rune(text); len(runes) > 0; {
		n := min(length, len(runes))
		out = append(out, string(runes[:n]))
		runes = runes[n:]
	}
	return out
}
