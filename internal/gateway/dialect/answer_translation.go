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
	var said, thought texts
	var calls jsonWriter
	m.Get("content").ForEach(func(_, b gjson.Result) bool {
		switch b.Get("type").Str {
		case "text":
			said.add(b.Get("text"))
		case "thinking":
			thought.add(b.Get("thinking"))
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
	switch {
	case said.first != "":
		w.member("content", said.json())
	case calls.empty():
		w.text("content", "")
	default:
		w.member("content", "null")
	}
	w.member("refusal", "null")
	if thought.first != "" {
		w.member("reasoning_content", thought.json())
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

// texts are put together as JSON; a single one, which is the rule, as it stands.
type texts struct {
	first string
	all   []byte // nil: there is no second
}

func (t *texts) add(v gjson.Result) {
	switch {
	case v.Str == "":
		return
	case t.first == "":
		t.first = v.Raw
		return
	case t.all == nil:
		t.all = []byte(t.first)
	}
	t.all = append(t.all[:len(t.all)-1], v.Raw[1:]...)
}

// json is empty where there is none.
func (t *texts) json() string {
	if t.all != nil {
		return text(t.all)
	}
	return t.first
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
	finish := choice.Get("finish_reason").Str
	calls, err := messageCalls(m.Get("tool_calls"), finish == "length", &content)
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
	w.text("stop_reason", stopReason(finish, calls, refusal.Str != ""))
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
// there were any. Where the answer was cut by its limit, arguments may break off:
// that is the client's doing, who learns of it from the stop reason.
func messageCalls(calls gjson.Result, cut bool, to *blocks) (some bool, err error) {
	if !calls.IsArray() {
		return false, nil
	}
	calls.ForEach(func(_, call gjson.Result) bool {
		some = true
		arguments := call.Get("function.arguments").Str
		switch {
		case strings.TrimSpace(arguments) == "", cut && !isObject(arguments):
			arguments = "{}"
		case !isObject(arguments):
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
