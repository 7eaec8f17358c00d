package providersim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// The parameters that each dialect takes; any other is refused.
var (
	chatParameters = strings.Fields(`model messages stream stream_options max_completion_tokens max_tokens stop temperature top_p
		tools tool_choice parallel_tool_calls response_format n seed user metadata store service_tier logprobs top_logprobs logit_bias
		frequency_penalty presence_penalty reasoning_effort verbosity modalities audio prediction functions function_call
		prompt_cache_key prompt_cache_retention safety_identifier web_search_options`)
	messagesParameters = strings.Fields(`model messages system stream max_tokens stop_sequences temperature top_p top_k
		tools tool_choice output_config metadata service_tier thinking`)
)

// strictly says what the real provider would refuse a conversation for; empty:
// nothing. Other operations than a conversation are not looked at.
func (c *call) strictly() string {
	known, hottest, check := chatParameters, 2.0, chatTurns
	switch {
	case c.x.target.op == opMessages:
		known, hottest, check = messagesParameters, 1, messagesTurns
	case c.x.target.op != opChat:
		return ""
	}
	problem := ""
	c.body.ForEach(func(k, _ gjson.Result) bool {
		if !slices.Contains(known, k.String()) {
			problem = k.String() + ": Extra inputs are not permitted"
		}
		return problem == ""
	})
	if t := c.body.Get("temperature").Float(); t < 0 || t > hottest {
		problem = fmt.Sprintf("temperature: range: 0..%g", hottest)
	}
	messages := c.body.Get("messages").Array()
	if problem != "" || len(messages) == 0 {
		return problem
	}
	return check(messages)
}

// chatTurns checks that calls of tools and their results go together: each call is
// answered, by messages that follow at once.
func chatTurns(messages []gjson.Result) string {
	var open []string
	for i, m := range messages {
		role := m.Get("role").String()
		if role == "tool" {
			id := m.Get("tool_call_id").String()
			at := slices.Index(open, id)
			if at < 0 {
				return fmt.Sprintf("messages.[%d]: messages with role 'tool' must be a response to a preceding message with 'tool_calls'", i)
			}
			open = slices.Delete(open, at, at+1)
			continue
		}
		if len(open) > 0 {
			return fmt.Sprintf("messages.[%d]: the tool_call_ids %q did not have response messages", i, open)
		}
		for _, call := range m.Get("tool_calls").Array() {
			open = append(open, call.Get("id").String())
			if args := call.Get("function.arguments"); args.Type != gjson.String || !gjson.Valid(args.String()) {
				return fmt.Sprintf("messages.[%d].tool_calls: arguments must be JSON in a string", i)
			}
		}
		if !slices.Contains([]string{"system", "developer", "user", "assistant"}, role) {
			return fmt.Sprintf("messages.[%d].role: %q is not supported", i, role)
		}
	}
	if len(open) > 0 {
		return fmt.Sprintf("the tool_call_ids %q did not have response messages", open)
	}
	return ""
}

// messagesTurns checks that roles alternate, that no text is empty, and that each
// tool_use is answered in the next turn, before anything else in it.
func messagesTurns(messages []gjson.Result) string {
	var open []string
	last := "assistant"
	for i, m := range messages {
		role := m.Get("role").String()
		if role == last || role != "user" && role != "assistant" {
			return fmt.Sprintf("messages.%d: roles must alternate between user and assistant, beginning with user", i)
		}
		last = role
		asked := open
		open = nil
		content := m.Get("content")
		if content.Type == gjson.String && content.String() == "" || content.IsArray() && len(content.Array()) == 0 {
			return fmt.Sprintf("messages.%d: content must be non-empty", i)
		}
		for n, b := range content.Array() {
			switch b.Get("type").String() {
			case "text":
				if b.Get("text").String() == "" {
					return fmt.Sprintf("messages.%d.content.%d: text content blocks must be non-empty", i, n)
				}
			case "tool_use":
				if open = append(open, b.Get("id").String()); !b.Get("input").IsObject() {
					return fmt.Sprintf("messages.%d.content.%d.tool_use.input: Input should be a valid dictionary", i, n)
				}
			case "tool_result":
				at := slices.Index(asked, b.Get("tool_use_id").String())
				if at < 0 || n > 0 && content.Array()[n-1].Get("type").String() != "tool_result" {
					return fmt.Sprintf("messages.%d.content.%d: unexpected tool_result", i, n)
				}
				asked = slices.Delete(slices.Clone(asked), at, at+1)
			}
		}
		if len(asked) > 0 {
			return fmt.Sprintf("messages.%d: tool_use ids were found without tool_result blocks immediately after: %q", i, asked)
		}
	}
	if len(open) > 0 {
		return "the last turn has tool_use blocks without results"
	}
	return ""
}
