package dialect

import (
	"bytes"
	"math/bits"

	"github.com/tidwall/gjson"
)

var (
	done      = []byte("[DONE]")
	endOpenAI = []byte("data: [DONE]\n\n")
	errorKey  = []byte(`"error"`)
	usageKey  = []byte(`"usage"`)
)

// maxChoices is how many choices a chatJudge tells apart; with more, only the
// end mark says that the answer is whole.
const maxChoices = 64

// chatJudge follows /v1/chat/completions and /v1/completions. The answer is
// whole with a finish reason for each choice, or with [DONE].
type chatJudge struct {
	asked    int    // choices asked for
	choices  uint64 // bit i: choice i was seen
	finished uint64 // bit i: choice i has its finish reason
	tools    uint64 // bit i: choice i is within a tool call
	many     bool   // a choice beyond maxChoices was seen
	err      Error
	tally
}

func newChatJudge(choices int) Judge {
	return &chatJudge{asked: choices, many: choices > maxChoices}
}

func (j *chatJudge) Event(name, data []byte) Mark {
	data = bytes.TrimSpace(data)
	if bytes.Equal(data, done) {
		return Finish | Done
	}
	e, ok := object(data)
	if !ok {
		return Malformed
	}
	if bytes.Contains(data, errorKey) || string(name) == errorEvent {
		var failed bool
		if j.err, failed = streamedError(string(name), e); failed {
			return Failed
		}
	}
	var m Mark
	none := false
	if choices := gjson.Get(e, "choices"); choices.IsArray() {
		none = true
		choices.ForEach(func(_, c gjson.Result) bool {
			none = false
			m |= j.choice(c)
			return true
		})
	}
	if mayReport(data) {
		if report := gjson.Get(e, "usage"); report.IsObject() {
			j.read(report)
			if none {
				m |= Usage
			}
		}
	}
	if !j.many && j.choices == j.finished && bits.OnesCount64(j.finished) >= j.asked {
		m |= Finish
	}
	return m
}

// mayReport reports whether a chunk may hold a usage report. Most have none, or
// null, and are not worth to be searched through once more.
func mayReport(data []byte) bool {
	for {
		i := bytes.Index(data, usageKey)
		if i < 0 {
			return false
		}
		data = data[i+len(usageKey):]
		if after := bytes.TrimLeft(data, ": \t\r\n"); len(after) > 0 && after[0] == '{' {
			return true
		}
	}
}

func (j *chatJudge) choice(c gjson.Result) Mark {
	if !c.IsObject() {
		return 0
	}
	var m Mark
	var index uint64
	var tools, finished bool
	c.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "index":
			index = v.Uint()
		case "text":
			if v.Str != "" {
				m |= Output
			}
		case "delta":
			var d Mark
			d, tools = chatDelta(v)
			m |= d
		case "finish_reason":
			// Some providers write "" where others write null.
			finished = v.Str != ""
		}
		return true
	})
	if index >= maxChoices {
		j.many = true
	}
	bit := uint64(1) << (index % maxChoices)
	j.choices |= bit
	if tools {
		j.tools |= bit
	}
	if finished {
		j.finished |= bit
		j.tools &^= bit
	}
	return m
}

// chatDelta judges a choice's piece; the second result is whether it belongs to
// a tool call.
func chatDelta(d gjson.Result) (m Mark, tools bool) {
	if !d.IsObject() {
		return 0, false
	}
	d.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "content", "refusal", "reasoning_content", "reasoning", "reasoning_details", "audio":
			if holdsSomething(v) {
				m |= Output
			}
		case "tool_calls", "function_call":
			if holdsSomething(v) {
				m |= Output
				tools = true
			}
		}
		return true
	})
	return m, tools
}

// holdsSomething reports whether a value is a text, list or object that is not
// empty.
func holdsSomething(v gjson.Result) bool {
	if v.Type == gjson.String {
		return v.Str != ""
	}
	if v.Type != gjson.JSON {
		return false
	}
	some := false
	v.ForEach(func(_, _ gjson.Result) bool {
		some = true
		return false
	})
	return some
}

func (j *chatJudge) Err() Error            { return j.err }
func (j *chatJudge) InToolArguments() bool { return j.tools != 0 }
func (j *chatJudge) End() []byte           { return endOpenAI }
