package dialect

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// handling is what becomes of a parameter that the other dialect may not have.
type handling uint8

const (
	mapped   handling = iota // it has a counterpart
	advisory                 // it is left out, and the answer says so
	refused                  // without it the request would mean something else
)

// parameter is one of a request's at its top level. Where it has one of the
// neutral values, or null, it says nothing and is left out.
type parameter struct {
	handling handling
	neutral  []string // as JSON
}

// chatParameters are those of /v1/chat/completions (platform.openai.com, "Create
// chat completion"). One that is not here is refused, since what it means is
// unknown. docs/dialects.md is checked against both tables.
var chatParameters = map[string]parameter{
	"model":                 {},
	"messages":              {},
	"stream":                {},
	"stream_options":        {},
	"max_completion_tokens": {},
	"max_tokens":            {},
	"stop":                  {neutral: []string{`""`, `[]`}},
	"temperature":           {neutral: []string{`1`, `1.0`}},
	"top_p":                 {neutral: []string{`1`, `1.0`}},
	"tools":                 {neutral: []string{`[]`}},
	"tool_choice":           {},
	"parallel_tool_calls":   {neutral: []string{`true`}},
	"response_format":       {},

	"frequency_penalty":      {advisory, []string{`0`, `0.0`}},
	"metadata":               {advisory, []string{`{}`}},
	"prediction":             {handling: advisory},
	"presence_penalty":       {advisory, []string{`0`, `0.0`}},
	"prompt_cache_key":       {handling: advisory},
	"prompt_cache_retention": {handling: advisory},
	"reasoning_effort":       {handling: advisory},
	"safety_identifier":      {handling: advisory},
	"seed":                   {handling: advisory},
	"service_tier":           {advisory, []string{`"auto"`, `"default"`}},
	"store":                  {advisory, []string{`false`}},
	"user":                   {advisory, []string{`""`}},
	"verbosity":              {advisory, []string{`"medium"`}},

	"audio":              {handling: refused},
	"function_call":      {refused, []string{`"auto"`}},
	"functions":          {refused, []string{`[]`}},
	"logit_bias":         {refused, []string{`{}`}},
	"logprobs":           {refused, []string{`false`}},
	"modalities":         {refused, []string{`["text"]`}},
	"n":                  {refused, []string{`1`}},
	"top_logprobs":       {refused, []string{`0`}},
	"web_search_options": {handling: refused},
}

// messagesParameters are those of /v1/messages (docs.anthropic.com, "Create a
// message").
var messagesParameters = map[string]parameter{
	"model":          {},
	"messages":       {},
	"system":         {neutral: []string{`""`, `[]`}},
	"stream":         {},
	"max_tokens":     {},
	"stop_sequences": {neutral: []string{`[]`}},
	"temperature":    {},
	"top_p":          {neutral: []string{`1`, `1.0`}},
	"tools":          {neutral: []string{`[]`}},
	"tool_choice":    {},
	"output_config":  {neutral: []string{`{}`}},
	"output_format":  {},

	"cache_control":      {handling: advisory},
	"context_management": {handling: advisory},
	"metadata":           {advisory, []string{`{}`}},
	"service_tier":       {advisory, []string{`"auto"`}},
	"speed":              {advisory, []string{`"standard"`}},
	"thinking":           {advisory, []string{`{"type":"disabled"}`}},
	"top_k":              {handling: advisory},

	"container":     {handling: refused},
	"inference_geo": {handling: refused},
	"mcp_servers":   {refused, []string{`[]`}},
}

// sift reads a request's parameters: it returns those that have a counterpart,
// names the advisory ones and refuses what changes the meaning.
func (r *rewriting) sift(root gjson.Result, known map[string]parameter) map[string]gjson.Result {
	fields := map[string]gjson.Result{}
	root.ForEach(func(k, v gjson.Result) bool {
		p, ok := known[k.Str]
		switch {
		case v.Type == gjson.Null, len(p.neutral) > 0 && slices.Contains(p.neutral, compact(v.Raw)):
		case !ok:
			r.refuse(k.Str, "it is unknown to the gateway, which cannot tell what it means")
		case p.handling == advisory:
			r.drop(strings.Clone(k.Str)) // not to keep the body alive
		case p.handling == refused:
			r.refuse(k.Str, "the provider's dialect has nothing like it")
		default:
			fields[k.Str] = v
		}
		return r.err == nil
	})
	return fields
}

// compact is a value without white space, as far as it may be a neutral one.
func compact(raw string) string {
	const longest = 64
	if len(raw) > longest {
		return raw
	}
	return gjson.Get(raw, "@ugly").Raw
}

// carry writes parameters that are the same on both sides.
func (r *rewriting) carry(fields map[string]gjson.Result, names ...string) {
	for _, name := range names {
		if v, ok := fields[name]; ok {
			r.w.member(name, v.Raw)
		}
	}
}

// only names the members of an object that are none of those expected: advice
// that is left out. A name ends up in a header, so an odd one stands for its
// object.
func (r *rewriting) only(v gjson.Result, object string, expected ...string) {
	if !v.IsObject() {
		return
	}
	v.ForEach(func(k, member gjson.Result) bool {
		if !slices.Contains(expected, k.Str) {
			r.odd(object, k, member)
		}
		return true
	})
}

// odd names a member of an object that was not expected.
func (r *rewriting) odd(object string, k, member gjson.Result) {
	switch {
	case member.Type == gjson.Null:
	case isIdentifier(k.Str):
		r.drop(object + "." + k.Str)
	default:
		r.drop(object)
	}
}

func isIdentifier(s string) bool {
	const longest = 40
	odd := func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') }
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, odd)
}
