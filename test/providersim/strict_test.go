package providersim_test

import (
	"strings"
	"testing"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestAStrictProviderRefuses what a real one does; the others let it pass.
func TestAStrictProviderRefuses(t *testing.T) {
	const (
		call   = `{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}`
		use    = `{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}`
		result = `{"type":"tool_result","tool_use_id":"a","content":"r"}`
		hi     = `{"role":"user","content":"hi"}`
	)
	chat := func(messages, more string) string { return `{"model":"m","messages":[` + messages + `]` + more + `}` }
	message := func(messages, more string) string {
		return `{"model":"m","max_tokens":9,"messages":[` + messages + `]` + more + `}`
	}
	for _, c := range []struct{ name, path, body, because string }{
		{"a chat", chatPath, chat(hi+`,`+call+`,{"role":"tool","tool_call_id":"a","content":"r"},`+hi, `,"temperature":2`), ""},
		{"an unknown parameter", chatPath, chat(hi, `,"system":"x"`), "system: Extra inputs are not permitted"},
		{"too hot", chatPath, chat(hi, `,"temperature":2.1`), "temperature: range: 0..2"},
		{"a role", chatPath, chat(`{"role":"human","content":"x"}`, ""), `"human" is not supported`},
		{"a result of nothing", chatPath, chat(hi+`,{"role":"tool","tool_call_id":"a","content":"r"}`, ""), "must be a response to a preceding message"},
		{"no result", chatPath, chat(hi+`,`+call+`,`+hi, ""), `["a"] did not have response messages`},
		{"no result, at the end", chatPath, chat(hi+`,`+call, ""), `["a"] did not have response messages`},
		{"arguments", chatPath, chat(hi+`,`+strings.Replace(call, `"{}"`, `"{"`, 1), ""), "arguments must be JSON"},
		{"a message", messagePath, message(hi+`,`+use+`,{"role":"user","content":[`+result+`,{"type":"text","text":"x"}]}`, `,"temperature":1`), ""},
		{"an unknown parameter of a message", messagePath, message(hi, `,"max_completion_tokens":1`), "max_completion_tokens: Extra inputs are not permitted"},
		{"too hot for a message", messagePath, message(hi, `,"temperature":1.1`), "temperature: range: 0..1"},
		{"two turns of one role", messagePath, message(hi+`,`+hi, ""), "roles must alternate"},
		{"a role of a message", messagePath, message(`{"role":"tool","content":"x"}`, ""), "roles must alternate"},
		{"an empty text", messagePath, message(`{"role":"user","content":[{"type":"text","text":""}]}`, ""), "text content blocks must be non-empty"},
		{"an empty turn", messagePath, message(`{"role":"user","content":""}`, ""), "content must be non-empty"},
		{"an unexpected result", messagePath, message(`{"role":"user","content":[`+result+`]}`, ""), "unexpected tool_result"},
		{"a result after a text", messagePath, message(hi+`,`+use+`,{"role":"user","content":[{"type":"text","text":"x"},`+result+`]}`, ""), "unexpected tool_result"},
		{"a use without a result", messagePath, message(hi+`,`+use+`,`+hi, ""), `without tool_result blocks immediately after: ["a"]`},
		{"a use at the end", messagePath, message(hi+`,`+use, ""), "tool_use blocks without results"},
		{"an input", messagePath, message(hi+`,`+strings.Replace(use, `"input":{}`, `"input":"{}"`, 1), ""), "valid dictionary"},
		{"another operation", responsePath, `{"model":"m","input":"hi","anything":1}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			strict := post(t, providersim.Start(t, providersim.Options{Strict: true}), c.path, c.body)
			if (strict.status == 400) != (c.because != "") || !strings.Contains(strict.body, strings.ReplaceAll(c.because, `"`, `\"`)) {
				t.Errorf("got %d %s, want %q", strict.status, strict.body, c.because)
			}
			if lax := post(t, providersim.Start(t, providersim.Options{}), c.path, c.body); lax.status != 200 {
				t.Errorf("one that is not strict says %d %s", lax.status, lax.body)
			}
		})
	}
}
