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
}

func newResponsesJudge(int) Judge { return &responsesJudge{} }

func (j *responsesJudge) Event(_, data []byte) Mark {
	if !gjson.ValidBytes(data) || len(data) == 0 || data[0] != '{' {
		return Malformed
	}
	e := text(data)
	kind := gjson.Get(e, "type").Str
	switch kind {
	case "":
		return Malformed
	case "response.completed", "response.incomplete":
		return Finish | Done
	case "response.failed":
		j.err = parseErrorObject(gjson.Get(e, "response.error"))
		return Finish | Done | Failed
	case "error":
		if nested := gjson.Get(e, "error"); nested.IsObject() {
			j.err = parseErrorObject(nested)
		} else {
			j.err = parseErrorObject(gjson.Parse(e))
			j.err.Type = ""
		}
		return Failed
	case "response.function_call_arguments.delta":
		j.tools = true
	case "response.function_call_arguments.done":
		j.tools = false
	}
	if strings.HasSuffix(kind, ".delta") && gjson.Get(e, "delta").Str != "" {
		return Output
	}
	return 0
}

func (j *responsesJudge) Err() Error            { return j.err }
func (j *responsesJudge) InToolArguments() bool { return j.tools }
func (j *responsesJudge) End() []byte           { return nil }
