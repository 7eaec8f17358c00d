package dialect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// messagesJudge follows /v1/messages. The answer is whole with message_stop.
type messagesJudge struct {
	tools bool
	err   Error
	tally
}

func newMessagesJudge(int) Judge { return &messagesJudge{} }

func (j *messagesJudge) Event(name, data []byte) Mark {
	e, ok := object(data)
	if !ok {
		return Malformed
	}
	switch kind := kindOf(name, e); kind {
	case "message_start":
		j.read(gjson.Get(e, "message.usage"))
	case "message_delta":
		j.read(gjson.Get(e, "usage"))
	case "content_block_start":
		return j.begun(gjson.Get(e, "content_block"))
	case "content_block_delta":
		return messagesDelta(gjson.Get(e, "delta"))
	case "content_block_stop":
		j.tools = false
	case "message_stop":
		return Finish | Done
	case "", errorEvent:
		var failed bool
		if j.err, failed = streamedError(kind, e); failed {
			return Failed
		}
		return Malformed
	}
	return 0
}

// begun judges the start of a content block. Text and thinking follow in
// deltas; a tool call is output from its name on, and any other block (redacted
// thinking, the result of a server's tool) comes whole.
func (j *messagesJudge) begun(block gjson.Result) Mark {
	kind := block.Get("type").Str
	switch kind {
	case "":
		return 0
	case "text", "thinking":
		if block.Get(kind).Str == "" {
			return 0
		}
	}
	j.tools = strings.HasSuffix(kind, "tool_use")
	return Output
}

func messagesDelta(d gjson.Result) Mark {
	for _, field := range [...]string{"text", "partial_json", "thinking"} {
		if d.Get(field).Str != "" {
			return Output
		}
	}
	return 0
}

func (j *messagesJudge) Err() Error            { return j.err }
func (j *messagesJudge) InToolArguments() bool { return j.tools }
func (j *messagesJudge) End() []byte           { return nil }
