package dialect

import (
	"bytes"
	"math/bits"

	"github.com/tidwall/gjson"
)

// Mark says what one event of a stream means.
type Mark uint8

// The marks of an event. None at all is an event to pass on without a meaning
// of its own (a role, a usage report).
const (
	// Output: the event carries text, a tool call, a refusal or reasoning.
	Output Mark = 1 << iota
	// Finish: with this event the answer is whole.
	Finish
	// Done: the dialect's end mark; nothing follows.
	Done
	// Failed: the event is an error; Judge.Err tells it.
	Failed
	// Malformed: the event is not what the dialect allows.
	Malformed
)

// Has reports whether all of the given marks are set.
func (m Mark) Has(x Mark) bool { return m&x == x }

// Judge follows one streamed answer, event by event. It is not safe for
// concurrent use.
type Judge interface {
	// Event judges an event by its name (which may be empty) and its data. It
	// does not keep the data.
	Event(name, data []byte) Mark
	// Err returns the error that the last Failed event carried.
	Err() Error
	// InToolArguments reports whether the arguments of a tool call have begun
	// and not ended, so that a lost event would corrupt them.
	InToolArguments() bool
	// End is what the gateway writes itself where the provider forgot it after
	// the finish; nil where the dialect has no such mark.
	End() []byte
}

var (
	done      = []byte("[DONE]")
	endOpenAI = []byte("data: [DONE]\n\n")
)

// chatJudge follows /v1/chat/completions and /v1/completions. The answer is
// whole with a finish reason for each choice, or with [DONE].
type chatJudge struct {
	asked    int    // choices asked for
	choices  uint64 // bit i: choice i was seen
	finished uint64 // bit i: choice i has its finish reason
	tools    bool
	err      Error
}

func newChatJudge(choices int) Judge { return &chatJudge{asked: choices} }

func (j *chatJudge) Event(_, data []byte) Mark {
	if bytes.Equal(data, done) {
		return Finish | Done
	}
	if !gjson.ValidBytes(data) || len(data) == 0 || data[0] != '{' {
		return Malformed
	}
	var m Mark
	gjson.Parse(text(data)).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "choices":
			v.ForEach(func(_, c gjson.Result) bool {
				m |= j.choice(c)
				return true
			})
		case "error":
			if v.Type != gjson.Null {
				j.err = parseErrorObject(v)
				m |= Failed
			}
		}
		return true
	})
	if j.choices == j.finished && bits.OnesCount64(j.finished) >= min(j.asked, 64) {
		m |= Finish
	}
	return m
}

func (j *chatJudge) choice(c gjson.Result) Mark {
	var m Mark
	bit := uint64(1)
	finished := false
	c.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "index":
			bit = 1 << (v.Uint() % 64)
		case "text":
			if v.Str != "" {
				m |= Output
			}
		case "delta":
			m |= j.delta(v)
		case "finish_reason":
			finished = v.Type == gjson.String
		}
		return true
	})
	j.choices |= bit
	if finished {
		j.finished |= bit
		j.tools = false
	}
	return m
}

func (j *chatJudge) delta(d gjson.Result) Mark {
	var m Mark
	d.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "content", "refusal", "reasoning_content", "reasoning":
			if v.Type != gjson.Null && v.Str != "" {
				m |= Output
			}
		case "tool_calls", "function_call", "audio":
			if v.IsArray() && len(v.Raw) > 2 || v.IsObject() {
				m |= Output
				j.tools = j.tools || k.Str != "audio"
			}
		}
		return true
	})
	return m
}

func (j *chatJudge) Err() Error            { return j.err }
func (j *chatJudge) InToolArguments() bool { return j.tools }
func (j *chatJudge) End() []byte           { return endOpenAI }
