package dialect

import (
	"maps"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
)

// longestName is what a function's name may have in OpenAI's dialect;
// Anthropic's allows twice as much.
const longestName = 64

// noParameters is the schema of a function that takes none.
const noParameters = `{"type":"object","properties":{}}`

// messagesTools writes tools and tool_choice, into which
// parallel_tool_calls: false goes.
func (r *rewriting) messagesTools(fields map[string]gjson.Result) {
	tools, ok := fields["tools"]
	if !ok {
		r.messagesCalledTools()
		return
	}
	r.w.key("tools")
	r.w.open('[')
	r.each(tools, "tools", func(tool gjson.Result) {
		f := tool.Get("function")
		if tool.Get("type").Str != "function" || !f.IsObject() {
			r.refuse("", "the provider's dialect has functions only")
			return
		}
		r.only(f, "tools.function", "name", "description", "parameters", "strict")
		r.w.open('{')
		r.w.member("name", textOrNull(f.Get("name")))
		r.optional("description", f.Get("description"))
		r.w.key("input_schema")
		r.inputSchema(f.Get("parameters"))
		r.optional("strict", f.Get("strict"))
		r.w.close('}')
	})
	r.w.close(']')
	r.messagesToolChoice(fields["tool_choice"], fields["parallel_tool_calls"].Type == gjson.False)
}

// messagesCalledTools declares what a conversation has called where the client
// offers no tools any more, and forbids to call it: the Messages API refuses calls
// and results in a request that has no tools.
func (r *rewriting) messagesCalledTools() {
	if len(r.called) == 0 {
		return
	}
	r.w.key("tools")
	r.w.open('[')
	for _, name := range slices.Sorted(maps.Keys(r.called)) {
		r.w.open('{')
		r.w.text("name", name)
		r.w.member("input_schema", noParameters)
		r.w.close('}')
	}
	r.w.close(']')
	r.w.member("tool_choice", `{"type":"none"}`)
}

func (r *rewriting) optional(k string, v gjson.Result) {
	if v.Type != gjson.Null {
		r.w.member(k, v.Raw)
	}
}

// inputSchema writes the schema of a function's parameters, of type object,
// which the Messages API wants said.
func (r *rewriting) inputSchema(v gjson.Result) {
	switch {
	case !v.IsObject(), !holdsSomething(v):
		r.w.raw(noParameters)
	case v.Get("type").Exists():
		r.w.raw(v.Raw)
	default:
		r.w.raw(`{"type":"object",` + v.Raw[1:])
	}
}

func (r *rewriting) messagesToolChoice(v gjson.Result, oneAtATime bool) {
	kind, name := "auto", ""
	switch choice := v.Get("type").Str; {
	case choice == "function":
		kind, name = "tool", textOrNull(v.Get("function.name"))
	case v.Str == "none":
		kind = "none"
	case v.Str == "required":
		kind = "any"
	case v.Str == "auto", !v.Exists():
		if !oneAtATime {
			if v.Exists() {
				r.w.member("tool_choice", `{"type":"auto"}`)
			}
			return
		}
	default:
		r.refuse("tool_choice", "the provider's dialect has nothing like it")
	}
	r.w.key("tool_choice")
	r.w.open('{')
	r.w.text("type", kind)
	if name != "" {
		r.w.member("name", name)
	}
	if oneAtATime && kind != "none" {
		r.w.member("disable_parallel_tool_use", "true")
	}
	r.w.close('}')
}

// chatTools writes tools, tool_choice and parallel_tool_calls.
func (r *rewriting) chatTools(fields map[string]gjson.Result) {
	tools, ok := fields["tools"]
	if !ok {
		return
	}
	r.w.key("tools")
	r.w.open('[')
	r.each(tools, "tools", func(tool gjson.Result) {
		if kind := tool.Get("type").Str; kind != "" && kind != "custom" {
			r.refuse("", "the provider's dialect has no tool "+strconv.Quote(kind))
		}
		name := tool.Get("name")
		if len(name.Str) > longestName {
			r.refuse("name", "the provider's dialect takes at most 64 characters")
		}
		r.only(tool, "tools", "type", "name", "description", "input_schema", "strict")
		r.w.open('{')
		r.w.text("type", "function")
		r.w.key("function")
		r.w.open('{')
		r.w.member("name", textOrNull(name))
		r.optional("description", tool.Get("description"))
		r.optional("parameters", tool.Get("input_schema"))
		r.optional("strict", tool.Get("strict"))
		r.w.close('}')
		r.w.close('}')
	})
	r.w.close(']')
	choice := fields["tool_choice"]
	r.chatToolChoice(choice)
	if choice.Get("disable_parallel_tool_use").Type == gjson.True {
		r.w.member("parallel_tool_calls", "false")
	}
}

func (r *rewriting) chatToolChoice(v gjson.Result) {
	if !v.Exists() {
		return
	}
	switch v.Get("type").Str {
	case "auto":
		r.w.text("tool_choice", "auto")
	case "none":
		r.w.text("tool_choice", "none")
	case "any":
		r.w.text("tool_choice", "required")
	case "tool":
		r.w.key("tool_choice")
		r.w.raw(`{"type":"function","function":{"name":` + textOrNull(v.Get("name")) + `}}`)
	default:
		r.refuse("tool_choice", "the provider's dialect has nothing like it")
	}
}
