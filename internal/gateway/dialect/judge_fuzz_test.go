package dialect

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzJudges feeds every judge two events and then overwrites them: a judge
// must not panic, must call broken JSON malformed and whole JSON not, must keep
// nothing of what it was given, and must not depend on what stands around it in
// memory.
func FuzzJudges(f *testing.F) {
	for _, seed := range []string{
		`[DONE]`, `{}`, `{"choices":[`, `{"choices":[{"index":70,"delta":{"content":"x"},"finish_reason":"stop"}]}`,
		`{"choices":[7,null,{"delta":3,"index":-1}],"error":{"type":1,"code":[],"message":{}}}`,
		`{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`,
		`{"type":"content_block_start","content_block":{"type":"tool_use"}}`,
		`{"type":"response.output_item.added","item":{"type":"function_call"}}`,
		`{"type":"response.failed","response":{"error":{"code":"server_error","message":"\u00e9"}}}`,
		`{"error":"flat"}`, `{"type":7}`, "{\"a\":\"\xff\"}",
	} {
		f.Add("", []byte(seed), []byte(seed))
		f.Add("error", []byte(seed), []byte(`{"type":"message_stop"}`))
	}
	f.Fuzz(func(t *testing.T, name string, first, second []byte) {
		for endpoint, e := range endpoints {
			if !e.Streams() {
				continue
			}
			j, twin := e.NewJudge(Request{Choices: len(name)}), e.NewJudge(Request{Choices: len(name)})
			for _, data := range [][]byte{first, second} {
				event, label := bytes.Clone(data), []byte(name)
				m := j.Event(label, event)
				err, tools := j.Err(), j.InToolArguments()
				for _, b := range [][]byte{event, label} {
					for i := range b {
						b[i] = '#'
					}
				}
				if j.Err() != err {
					t.Fatalf("%s: the error changed with the event's bytes", endpoint)
				}
				padded := append(append([]byte("\"}]"), data...), "{\"[\\"...)
				if tm := twin.Event([]byte(name), padded[3:3+len(data)]); tm != m || twin.InToolArguments() != tools || twin.Err() != err {
					t.Fatalf("%s: marks %b, with other bytes around %b", endpoint, m, tm)
				}
				checkMarks(t, endpoint, data, m)
			}
		}
	})
}

func checkMarks(t *testing.T, endpoint string, data []byte, m Mark) {
	t.Helper()
	if m.Has(Malformed) && m != Malformed {
		t.Errorf("%s: malformed and more: %b", endpoint, m)
	}
	if m.Has(Done) && !m.Has(Finish) {
		t.Errorf("%s: done without the finish: %b", endpoint, m)
	}
	trimmed := bytes.TrimSpace(data)
	isObject := json.Valid(trimmed) && len(trimmed) > 0 && trimmed[0] == '{'
	isDone := bytes.Equal(trimmed, done)
	switch {
	case !isObject && !isDone && m != Malformed && bytes.Count(data, []byte{'{'}) < maxDepth:
		t.Errorf("%s: no JSON object, and yet marks %b: %q", endpoint, m, data)
	case isObject && m == Malformed && endpoints[endpoint].newJudge(1).End() != nil && !nestedBeyond(data, maxDepth):
		t.Errorf("%s: a chunk that parses is called malformed: %q", endpoint, data)
	}
}
