package dialect

import "github.com/tidwall/gjson"

// finishReason is why an answer ended, in OpenAI's words, for Anthropic's.
func finishReason(stop string) string {
	switch stop {
	case "max_tokens", "model_context_window_exceeded":
		return "length"
	case "tool_use":
		return "tool_calls"
	case "refusal":
		return "content_filter"
	default: // end_turn, stop_sequence, pause_turn
		return "stop"
	}
}

// stopReason is why an answer ended, in Anthropic's words, for OpenAI's. Some
// providers end with "stop" where the model calls tools or refuses.
func stopReason(finish string, calls, refuses bool) string {
	switch {
	case finish == "length":
		return "max_tokens"
	case finish == "content_filter", refuses:
		return "refusal"
	case finish == "tool_calls", finish == "function_call", calls:
		return "tool_use"
	default:
		return "end_turn"
	}
}

// messagesUsage is what a message has cost. A later report adds to an earlier.
type messagesUsage struct {
	input, cacheRead, cacheCreation, output int64
}

// report takes in what Anthropic reports, as far as it is said.
func (u *messagesUsage) report(v gjson.Result) {
	for name, n := range map[string]*int64{
		"input_tokens": &u.input, "cache_read_input_tokens": &u.cacheRead,
		"cache_creation_input_tokens": &u.cacheCreation, "output_tokens": &u.output,
	} {
		if t := v.Get(name); t.Type == gjson.Number {
			*n = tokens(t)
		}
	}
}

// tokens is a count that can be added up.
func tokens(v gjson.Result) int64 { return min(max(v.Int(), 0), 1<<40) }

// asChat writes it as OpenAI reports it: the prompt is all that went in.
func (u *messagesUsage) asChat(w *jsonWriter) {
	prompt := u.input + u.cacheRead + u.cacheCreation
	w.open('{')
	w.number("prompt_tokens", prompt)
	w.number("completion_tokens", u.output)
	w.number("total_tokens", prompt+u.output)
	w.key("prompt_tokens_details")
	w.open('{')
	w.number("cached_tokens", u.cacheRead)
	w.close('}')
	w.close('}')
}

// asMessages writes what OpenAI reports as Anthropic does: the input is what did
// not come from the cache.
func asMessagesUsage(w *jsonWriter, v gjson.Result) {
	prompt := tokens(v.Get("prompt_tokens"))
	cached := min(tokens(v.Get("prompt_tokens_details.cached_tokens")), prompt)
	w.open('{')
	w.number("input_tokens", prompt-cached)
	w.number("cache_creation_input_tokens", 0)
	w.number("cache_read_input_tokens", cached)
	w.number("output_tokens", tokens(v.Get("completion_tokens")))
	w.close('}')
}
