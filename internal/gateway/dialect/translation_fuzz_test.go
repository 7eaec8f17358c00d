package dialect

import (
	"encoding/json"
	"errors"
	"testing"
)

// FuzzRequestTranslation translates whatever the gateway would route: there is
// an error that names a parameter, or a request that the gateway itself would
// route, for the model asked for, and not much longer.
func FuzzRequestTranslation(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}`,
		`{"model":"m","stream":true,"system":[{"type":"text","text":"x"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":7,"content":[{"type":"image","source":{}}]}]}]}`,
		`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"a\":[]}"}}]},{"role":"tool"}],"stop":[1]}`,
		`{"model":"m","messages":[{"role":"user","content":"<>&\u2028"},{"role":{}},7,null],"tool_choice":7,"response_format":[],"output_config":3}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		asked, err := ParseRequest(body)
		if err != nil {
			return
		}
		for _, translation := range translations {
			out, _, err := translation.Request(body, "", Options{DefaultMaxTokens: 1, SupportsPrefill: true})
			if err != nil {
				if _, ok := errors.AsType[*InexpressibleError](err); !ok {
					t.Fatalf("an error that names no parameter: %v", err)
				}
				continue
			}
			got, err := ParseRequest(out)
			if err != nil || !json.Valid(out) {
				t.Fatalf("%q became %q, which is no request: %v", body, out, err)
			}
			if got.Model != asked.Model || got.Stream != asked.Stream {
				t.Fatalf("%q became %q, which asks for something else", body, out)
			}
			if len(out) > 12*len(body)+512 {
				t.Fatalf("%d bytes became %d", len(body), len(out))
			}
		}
	})
}

// FuzzAnswerTranslation translates whatever the gateway takes for an answer.
func FuzzAnswerTranslation(f *testing.F) {
	for _, seed := range []string{
		`{"id":"i","content":[{"type":"tool_use","id":{},"name":"f","input":{"a":1}},7,{"type":"thinking","thinking":"x"}],"usage":{"input_tokens":1e300}}`,
		`{"id":"i","choices":[{"message":{"content":[{"type":"text","text":"x"}],"tool_calls":[{"function":{"arguments":"{}"}}]},"finish_reason":"stop"}],"usage":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, translation := range translations {
			if _, _, isError, isAnswer := translation.To.ReadAnswer(body); isError || !isAnswer {
				continue
			}
			out, err := translation.Answer(body, answeredAt)
			if err != nil {
				continue
			}
			if _, _, isError, isAnswer := translation.From.ReadAnswer(out); isError || !isAnswer || !json.Valid(out) {
				t.Fatalf("%q became %q, which is no answer", body, out)
			}
			if len(out) > 12*len(body)+1024 {
				t.Fatalf("%d bytes became %d", len(body), len(out))
			}
		}
	})
}

// FuzzEventTranslation translates two events that the provider's judge has no
// objection to: what the caller gets, the end included, is whole to its dialect.
func FuzzEventTranslation(f *testing.F) {
	for _, seed := range []string{
		`[DONE]`, `{}`, `{"id":{},"choices":[{"delta":{"content":"x","tool_calls":[{"index":-1,"id":"a","function":{"name":7,"arguments":"{"}},7]},"finish_reason":"stop"}],"usage":{}}`,
		`{"type":"message_start","message":{"id":"i","usage":{"output_tokens":1}}}`,
		`{"type":"content_block_start","content_block":{"type":"tool_use","input":{"a": 1}}}`, `{"type":"content_block_stop"}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`, `{"type":"message_stop"}`,
	} {
		f.Add([]byte(seed), []byte(`{"type":"content_block_stop"}`))
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, translation := range translations {
			events, judge := translation.Events(Request{Usage: len(first)%2 == 0}, answeredAt), translation.To.NewJudge(Request{})
			var out []byte
			for _, data := range [][]byte{first, second} {
				if judge.Event(nil, data)&(Malformed|Failed) != 0 {
					return
				}
				b, err := events.Event(nil, data)
				if err != nil {
					return
				}
				out = append(out, b...)
			}
			out = append(out, events.End()...)
			if len(out) > 40*(len(first)+len(second))+2048 {
				t.Fatalf("%d bytes became %d", len(first)+len(second), len(out))
			}
			wantWhole(t, translation.From, split(t, out))
		}
	})
}
