package dialect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// responsesJudge follows /v1/responses. The answer is whole with
// response.completed, response.incomplete or response.failed; the last is an
// error too.
type responsesJudge struct {
	tools bool
	err   Error
	tally
}

func newResponsesJudge(int) Judge { return &responsesJudge{} }

func (j *responsesJudge) Event(name, data []byte) Mark {
	e, ok := object(data)
	if !ok {
		return Malformed
	}
	kind := kindOf(name, e)
	switch kind {
	case "response.completed", "response.incomplete":
		j.read(gjson.Get(e, "response.usage"))
		return Finish | Done
	case "response.failed":
		j.read(gjson.Get(e, "response.usage"))
		j.err, _ = parseErrorValue(gjson.Get(e, "response.error"))
		return Finish | Done | Failed
	case "", errorEvent:
		var failed bool
		if j.err, failed = streamedError(kind, e); failed {
			return Failed
		}
		return Malformed
	case "response.output_item.added":
		// A tool call is output from its name on; a message's text and a
		// reasoning's summary follow in deltas.
		if strings.HasSuffix(gjson.Get(e, "item.type").Str, "_call") {
			j.tools = true
			return Output
		}
	case "response.output_item.done":
		j.tools = false
	}
	return j.piece(kind, e)
}

// piece judges the events that bring or end an output's pieces.
func (j *responsesJudge) piece(kind, e string) Mark {
	if of, ok := strings.CutSuffix(kind, ".delta"); ok {
		j.tools = j.tools || isToolInput(of)
		if holdsSomething(gjson.Get(e, "delta")) {
			return Output
		}
	} else if of, ok := strings.CutSuffix(kind, ".done"); ok && isToolInput(of) {
		j.tools = false
	}
	return 0
}

// isToolInput reports whether events of this kind carry what a tool is called
// with: a function's or an MCP tool's arguments, a custom tool's input, the
// interpreter's code.
func isToolInput(kind string) bool {
	return strings.HasSuffix(kind, "_call_arguments") ||
		strings.HasSuffix(kind, "_call_input") ||
		strings.HasSuffix(kind, "_call_code")
}

func (j *responsesJudge) Err() Error            { return j.err }
func (j *responsesJudge) InToolArguments() bool { return j.tools }
func (j *responsesJudge) End() []byte           { return nil }
