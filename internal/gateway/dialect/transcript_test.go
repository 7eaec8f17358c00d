package dialect

import (
	"strings"
	"testing"
)

// TestOnlyOnePlainTextIsResumable plays an event after some text.
func TestOnlyOnePlainTextIsResumable(t *testing.T) {
	const chat, messages = "/chat/completions", "/messages"
	for _, tc := range []struct {
		name, endpoint, data string
		want                 bool
	}{
		{"text", chat, `{"choices":[{"index":0,"delta":{"content":"b"}}]}`, true},
		{"a role", chat, `{"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null,"tool_calls":[]},"logprobs":null,"finish_reason":null}]}`, true},
		{"no choices", chat, `{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}`, true},
		{"a finish reason that is none", chat, `{"choices":[{"index":0,"delta":{},"finish_reason":""}]}`, true},
		{"a tool call", chat, `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f"}}]}}]}`, false},
		{"a function call", chat, `{"choices":[{"index":0,"delta":{"function_call":{"name":"f"}}}]}`, false},
		{"a refusal", chat, `{"choices":[{"index":0,"delta":{"refusal":"I"}}]}`, false},
		{"reasoning", chat, `{"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}`, false},
		{"audio", chat, `{"choices":[{"index":0,"delta":{"audio":{"data":"AA=="}}}]}`, false},
		{"annotations", chat, `{"choices":[{"index":0,"delta":{"annotations":[{"type":"url_citation"}]}}]}`, false},
		{"content in parts", chat, `{"choices":[{"index":0,"delta":{"content":[{"type":"thinking"}]}}]}`, false},
		{"what nobody knows yet", chat, `{"choices":[{"index":0,"delta":{"novelty":"x"}}]}`, false},
		{"logprobs", chat, `{"choices":[{"index":0,"delta":{"content":"b"},"logprobs":{"content":[{"token":"b"}]}}]}`, false},
		{"another choice", chat, `{"choices":[{"index":1,"delta":{"content":"b"}}]}`, false},
		{"its end", chat, `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, false},
		{"half a character", chat, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\xe3\x81\"}}]}", false},
		{"half a surrogate pair", chat, `{"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}`, false},

		{"text", messages, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}`, true},
		{"a ping", messages, `{"type":"ping"}`, true},
		{"a block's end", messages, `{"type":"content_block_stop","index":0}`, true},
		{"another block of text", messages, `{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`, true},
		{"thinking", messages, `{"type":"content_block_start","index":1,"content_block":{"type":"thinking","thinking":""}}`, false},
		{"a piece of thinking", messages, `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}`, false},
		{"redacted thinking", messages, `{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"Em=="}}`, false},
		{"a tool call", messages, `{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`, false},
		{"a tool's arguments", messages, `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}`, false},
		{"citations", messages, `{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}}`, false},
		{"a block with citations", messages, `{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":[{}]}}`, false},
		{"a block without any", messages, `{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":null}}`, true},
		{"its end", messages, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`, false},
		{"usage on the way", messages, `{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":1}}`, true},
	} {
		t.Run(tc.name+tc.endpoint, func(t *testing.T) {
			tr := resume(t, tc.endpoint, `{"model":"m","messages":[]}`).transcript
			for _, e := range eventsOf(textEvent(tc.endpoint, "a")) {
				tr.Record([]byte(e.name), []byte(e.data))
			}
			if !tr.Resumable() || tr.Size() == 0 {
				t.Fatalf("plain text: resumable %v, %d bytes held", tr.Resumable(), tr.Size())
			}
			tr.Record(nil, []byte(tc.data))
			if tr.Resumable() != tc.want {
				t.Errorf("resumable %v, want %v", tr.Resumable(), tc.want)
			}
			if !tc.want && tr.Size() != 0 {
				t.Errorf("%d bytes are held for nothing", tr.Size())
			}
		})
	}
}

// TestReconcile: the white space at the text's end is not asked for, and comes
// again, or other, more or less of it.
func TestReconcile(t *testing.T) {
	for _, tc := range []struct {
		name, before string
		after        []string
		want         string
	}{
		{"none", "a", []string{"b"}, "ab"},
		{"none at the end, some at the beginning", "a", []string{" b"}, "a b"},
		{"the same", "a ", []string{" b"}, "a b"},
		{"the same, in pieces", "a \n\n", []string{" ", "\n", "\nb"}, "a \n\nb"},
		{"the same alone first", "a\n", []string{"\n", "b"}, "a\nb"},
		{"more", "a ", []string{"  b"}, "a  b"},
		{"more, in pieces", "a\n", []string{"\n", "\n", "b"}, "a\n\nb"},
		{"less", "a \n\n", []string{" b"}, "a \n\nb"},
		{"less, in pieces", "a\n\n", []string{"\n", "b"}, "a\n\nb"},
		{"other", "a ", []string{"\nb"}, "a \nb"},
		{"other after the same", "a \n", []string{" \tb"}, "a \n\tb"},
		{"no more after text", "a ", []string{"b", " c"}, "a b c"},
		{"empty pieces", "a ", []string{"", " ", "", "b"}, "a b"},
		{"nothing but", "\n ", []string{"\n", " b"}, "\n b"},
		{"of several bytes", "a\u3000", []string{"\u3000b"}, "a\u3000b"},
		{"that begins like a letter", "a\u3000", []string{"\u3042"}, "a\u3000\u3042"},
		{"that begins like other white space", "a\u2002", []string{"\u2003b"}, "a\u2002\u2003b"},
		{"of several bytes, in pieces", "a\u00a0\u3000", []string{"\u00a0", "\u3000", "\u3000b"}, "a\u00a0\u3000\u3000b"},
	} {
		for _, endpoint := range []string{"/chat/completions", "/messages"} {
			t.Run(tc.name+endpoint, func(t *testing.T) {
				r := resume(t, endpoint, `{"model":"m","messages":[]}`)
				r.first(opening(endpoint) + textEvent(endpoint, tc.before))
				after := opening(endpoint)
				for _, piece := range tc.after {
					after += textEvent(endpoint, piece)
				}
				r.next(after + closing(endpoint))
				if h := r.hear(); h.Text != tc.want || !h.Whole {
					t.Errorf("got %q, whole: %v; want %q", h.Text, h.Whole, tc.want)
				}
			})
		}
	}
}

// opening and closing are what stands around the text of an answer.
func opening(endpoint string) string {
	if endpoint == "/messages" {
		return string(event("message_start", []byte(`{"type":"message_start","message":{"id":"m1","role":"assistant"}}`))) +
			string(event("content_block_start", []byte(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)))
	}
	return string(event("", []byte(`{"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`)))
}

func closing(endpoint string) string {
	if endpoint == "/messages" {
		return string(event("content_block_stop", []byte(`{"type":"content_block_stop","index":0}`))) +
			string(event("message_delta", []byte(`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}`))) +
			string(event("message_stop", []byte(`{"type":"message_stop"}`)))
	}
	return string(event("", []byte(`{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"completion_tokens":5,"total_tokens":9}}`))) +
		string(endOpenAI)
}

// TestTheFirstIDIsKept also where it comes late, as behind Azure's filter, and
// though the bytes that it was read from are used again.
func TestTheFirstIDIsKept(t *testing.T) {
	const endpoint = "/chat/completions"
	r := resume(t, endpoint, `{"model":"m","messages":[]}`)
	r.transcript.Record(nil, []byte(`{"id":"","choices":[],"prompt_filter_results":[]}`))
	r.first(opening(endpoint) + textEvent(endpoint, "a"))
	r.next(strings.ReplaceAll(opening(endpoint)+textEvent(endpoint, "b")+closing(endpoint), "c1", "c2"))
	if h := r.hear(); h.ID != "c1" || h.Text != "ab" || h.Starts != 1 || !h.Whole {
		t.Errorf("got %+v", h)
	}
}

// TestDataOverLinesBecomesOne: an event's JSON may be written over several lines
// of data, and be it with other line ends.
func TestDataOverLinesBecomesOne(t *testing.T) {
	r := resume(t, "/chat/completions", `{"model":"m","messages":[]}`)
	r.first(textEvent("/chat/completions", "a"))
	r.prefill("")
	got := string(r.transcript.Splice(nil, []byte("{\"choices\":\n[{\"index\":0,\r\n\"delta\":{\"content\":\"b\\n\"}}]}")))
	if strings.Count(got, "\n") != 2 || strings.Contains(got, "\r") || !strings.HasSuffix(got, "\n\n") {
		t.Errorf("got %q, want one line of data", got)
	}
	r.client.WriteString(got)
	r.client.Write(r.transcript.Splice(nil, done))
	if h := r.hear(); h.Text != "ab\n" || !h.Whole {
		t.Errorf("got %+v", h)
	}
}

// TestWhatFollowsADroppedTextIsPassedOnStill: an answer that became unfit on its
// second backend is whole all the same.
func TestWhatFollowsADroppedTextIsPassedOnStill(t *testing.T) {
	for _, endpoint := range []string{"/chat/completions", "/messages"} {
		r := resume(t, endpoint, `{"model":"m","messages":[]}`)
		r.first(opening(endpoint) + textEvent(endpoint, "a "))
		r.prefill("")
		r.transcript.Drop()
		for _, e := range eventsOf(opening(endpoint) + textEvent(endpoint, " b") + closing(endpoint)) {
			r.client.Write(r.transcript.Splice([]byte(e.name), []byte(e.data)))
		}
		if h := r.hear(); h.Text != "a b" || !h.Whole || r.transcript.Resumable() || r.transcript.Size() != 0 {
			t.Errorf("%s: got %+v, resumable %v", endpoint, h, r.transcript.Resumable())
		}
	}
}
