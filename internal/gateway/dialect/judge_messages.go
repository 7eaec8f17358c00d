package dialect

import (
	"github.com/tidwall/gjson"
)

// messagesJudge follows /v1/messages. The answer is whole with message_stop.
type messagesJudge struct {
	tools bool
	err   Error
}

func newMessagesJudge(int) Judge { return &messagesJudge{} }

func (j *messagesJudge) Event(_, data []byte) Mark {
	if !gjson.ValidBytes(data) || len(data) == 0 || data[0] != '{' {
		return Malformed
	}
	e := text(data)
	switch gjson.Get(e, "type").Str {
	case "content_block_start":
		switch gjson.Get(e, "content_block.type").Str {
		case "tool_use", "server_tool_use", "mcp_tool_use":
			j.tools = true
			return Output
		}
	case "content_block_delta":
		return deltaMark(gjson.Get(e, "delta"))
	case "content_block_stop":
		j.tools = false
	case "message_stop":
		return Finish | Done
	case "error":
		j.err = parseErrorObject(gjson.Get(e, "error"))
		return Failed
	case "":
		return Malformed
	}
	return 0
}

func deltaMark(d gjson.Result) Mark {
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
