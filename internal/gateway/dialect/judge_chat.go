package dialect

import (
	"bytes"
	"math/bits"

	"github.com/tidwall/gjson"
)

var (
	done      = []byte("[DONE]")
	endOpenAI = []byte("data: [DONE]\n\n")
)

// maxChoices is how many choices a chatJudge tells apart; with more, only the
// end mark says that the answer is whole.
const maxChoices = 64

// chatJudge follows /v1/chat/completions and /v1/completions. The answer is
// whole with a finish reason for each choice, or with [DONE].
type chatJudge struct {
	asked int // choices asked for
	choicesSeen
	err Error
	tally
}

// choicesSeen is how far the choices of an answer have come.
type choicesSeen struct {
	begun    uint64 // bit i: choice i was seen
	finished uint64 // bit i: choice i has its finish reason
	tools    uint64 // bit i: choice i is within a tool call
	many     bool   // a choice beyond maxChoices was seen
}

func newChatJudge(choices int) Judge {
	return &chatJudge{asked: choices, choicesSeen: choicesSeen{many: choices > maxChoices}}
}

func (j *chatJudge) Event(name, data []byte) Mark {
	data = bytes.TrimSpace(data)
	if bytes.Equal(data, done) {
		return Finish | Done
	}
	var m Mark
	var report []byte
	none, failed := false, string(name) == errorEvent
	seen := j.choicesSeen
	w := walker{data: data}
	w.object(func(key []byte) {
		switch string(key) {
		case "choices":
			if w.next() == '[' {
				none = true
				w.array(func() {
					none = false
					m |= seen.choice(&w)
				})
				return
			}
		case "usage":
			report = w.skip()
			return
		case "error":
			failed = true
		}
		w.skip()
	})
	if !w.whole() {
		return Malformed
	}
	if failed {
		if j.err, failed = streamedError(string(name), text(data)); failed {
			return Failed
		}
	}
	j.choicesSeen = seen
	if len(report) > 0 && report[0] == '{' {
		j.read(gjson.Parse(text(report)))
		if none {
			m |= Usage
		}
	}
	if !j.many && j.begun == j.finished && bits.OnesCount64(j.finished) >= j.asked {
		m |= Finish
	}
	return m
}

// choice judges one choice's part of an event.
func (s *choicesSeen) choice(w *walker) Mark {
	if w.next() != '{' {
		w.skip()
		return 0
	}
	var m Mark
	var index uint64
	var tools, finished bool
	w.object(func(key []byte) {
		switch string(key) {
		case "index":
			index = gjson.Parse(text(w.skip())).Uint()
		case "text":
			if w.filled() {
				m |= Output
			}
		case "delta":
			var d Mark
			d, tools = chatDelta(w)
			m |= d
		case "finish_reason":
			// Some providers write "" where others write null.
			finished = w.filled()
		default:
			w.skip()
		}
	})
	if index >= maxChoices {
		s.many = true
	}
	bit := uint64(1) << (index % maxChoices)
	s.begun |= bit
	if tools {
		s.tools |= bit
	}
	if finished {
		s.finished |= bit
		s.tools &^= bit
	}
	return m
}

// chatDelta judges a choice's piece; the second result is whether it belongs to
// a tool call.
func chatDelta(w *walker) (m Mark, tools bool) {
	if w.next() != '{' {
		w.skip()
		return 0, false
	}
	w.object(func(key []byte) {
		switch string(key) {
		case "content", "refusal", "reasoning_content", "reasoning", "reasoning_details", "audio":
			if w.something() {
				m |= Output
			}
		case "tool_calls", "function_call":
			if w.something() {
				m |= Output
				tools = true
			}
		default:
			w.skip()
		}
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
