package dialect

import (
	"errors"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// The errors of Translation.Answer and Events.Event.
var (
	errNoChoice  = errors.New("its answer has no choice")
	errArguments = errors.New("its answer calls a tool with arguments that are no JSON object")
)

// messageToChat writes a message as a chat completion.
func messageToChat(body string, at time.Time) ([]byte, error) {
	m := gjson.Parse(body)
	var said, thought strings.Builder
	var calls jsonWriter
	m.Get("content").ForEach(func(_, b gjson.Result) bool {
		switch b.Get("type").Str {
		case "text":
			said.WriteString(b.Get("text").Str)
		case "thinking":
			thought.WriteString(b.Get("thinking").Str)
		case "tool_use":
			writeCall(&calls, -1, b, orNull(b.Get("input")))
		}
		return true
	})
	w := jsonWriter{b: make([]byte, 0, len(body)+256)}
	w.open('{')
	w.member("id", textOrNull(m.Get("id")))
	w.text("object", "chat.completion")
	w.number("created", at.Unix())
	w.member("model", textOrNull(m.Get("model")))
	w.key("choices")
	w.raw(`[{"index":0,"message":{"role":"assistant"`)
	if said.Len() > 0 || calls.empty() {
		w.text("content", said.String())
	} else {
		w.member("content", "null")
	}
	w.member("refusal", "null")
	if thought.Len() > 0 {
		w.text("reasoning_content", thought.String())
	}
	if !calls.empty() {
		w.key("tool_calls")
		w.open('[')
		w.raw(calls.String())
		w.close(']')
	}
	w.close('}')
	w.member("logprobs", "null")
	w.text("finish_reason", finishReason(m.Get("stop_reason").Str))
	w.close('}')
	w.close(']')
	var u messagesUsage
	u.report(m.Get("usage"))
	w.key("usage")
	u.asChat(&w)
	w.close('}')
	return w.b, nil
}

// chatToMessage writes the first choice of a chat completion as a message.
func chatToMessage(body string, _ time.Time) ([]byte, error) {
	c := gjson.Parse(body)
	choice := c.Get("choices.0")
	m := choice.Get("message")
	if !m.IsObject() {
		return nil, errNoChoice
	}
	var content blocks
	forEachText(m.Get("content"), content.text)
	refusal := m.Get("refusal")
	content.text(refusal)
	calls, err := messageCalls(m.Get("tool_calls"), &content)
	if err != nil {
		return nil, err
	}
	w := jsonWriter{b: make([]byte, 0, len(body)+256)}
	w.open('{')
	w.member("id", textOrNull(c.Get("id")))
	w.text("type", "message")
	w.text("role", "assistant")
	w.member("model", textOrNull(c.Get("model")))
	w.key("content")
	w.open('[')
	if content.n > 0 {
		w.raw(content.w.String())
	}
	w.close(']')
	w.text("stop_reason", stopReason(choice.Get("finish_reason").Str, calls, refusal.Str != ""))
	w.member("stop_sequence", "null")
	w.key("usage")
	asMessagesUsage(&w, c.Get("usage"))
	w.close('}')
	return w.b, nil
}

// forEachText calls f with the texts of a content, which is one or has parts.
func forEachText(content gjson.Result, f func(gjson.Result)) {
	if !content.IsArray() {
		f(content)
		return
	}
	content.ForEach(func(_, p gjson.Result) bool {
		if p.Get("type").Str == "text" {
			f(p.Get("text"))
		}
		return true
	})
}

// messageCalls adds calls of tools to a message's content, and reports whether
// there were any.
func messageCalls(calls gjson.Result, to *blocks) (some bool, err error) {
	if !calls.IsArray() {
		return false, nil
	}
	calls.ForEach(func(_, call gjson.Result) bool {
		some = true
		arguments := call.Get("function.arguments").Str
		if strings.TrimSpace(arguments) == "" {
			arguments = "{}"
		}
		if !isObject(arguments) {
			err = errArguments
			return false
		}
		w := to.begin("tool_use")
		w.text("id", messagesToolID(call.Get("id").Str))
		w.member("name", textOrNull(call.Get("function.name")))
		w.member("input", arguments)
		to.end()
		return true
	})
	return some, err
}
