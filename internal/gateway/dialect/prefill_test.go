package dialect

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrefillAddsTheTextToTheLastTurn: what stands around it stays byte for byte.
func TestPrefillAddsTheTextToTheLastTurn(t *testing.T) {
	for _, tc := range []struct{ name, text, messages, want string }{
		{"after the user's turn", "Hi", `[{"role":"user","content":"x"}]`,
			`[{"role":"user","content":"x"},{"role":"assistant","content":"Hi"}]`},
		{"after white space", "Hi", " [ {\"role\":\"user\",\"content\":\"x\"} \n ] ",
			" [ {\"role\":\"user\",\"content\":\"x\"} \n ,{\"role\":\"assistant\",\"content\":\"Hi\"}] "},
		{"after no turn", "Hi", `[ ]`, `[ {"role":"assistant","content":"Hi"}]`},
		{"into a text", "Hi", `[{"role":"user","content":"x"},{"role":"assistant","content":"So: "}]`,
			`[{"role":"user","content":"x"},{"role":"assistant","content":"So: Hi"}]`},
		{"into a text with escapes at its end", "Hi", `[{"content":"a\"\\","role":"assistant"}]`,
			`[{"content":"a\"\\Hi","role":"assistant"}]`},
		{"into an empty text", "Hi", `[{"role":"assistant","content":""}]`, `[{"role":"assistant","content":"Hi"}]`},
		{"into the last block of text", "Hi", `[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"So: ","cache_control":{"type":"ephemeral"}}]}]`,
			`[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"So: Hi","cache_control":{"type":"ephemeral"}}]}]`},
		{"after a block of another type", "Hi", `[{"role":"assistant","content":[{"type":"thinking","thinking":"x"}]}]`,
			`[{"role":"assistant","content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"Hi"}]}]`},
		{"into an empty list of blocks", "Hi", `[{"role":"assistant","content":[]}]`,
			`[{"role":"assistant","content":[{"type":"text","text":"Hi"}]}]`},
		{"a turn without content", "Hi", `[{"role":"assistant","content":null}]`,
			`[{"role":"assistant","content":null},{"role":"assistant","content":"Hi"}]`},
		{"turns that are none", "Hi", `[7,"x"]`, `[7,"x",{"role":"assistant","content":"Hi"}]`},
		{"an assistant's turn before the user's", "Hi", `[{"role":"assistant","content":"a"},{"role":"user","content":"b"}]`,
			`[{"role":"assistant","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"Hi"}]`},
		{"text that JSON escapes", "a\"b\\\n\té<", `[{"role":"assistant","content":"x"}]`,
			`[{"role":"assistant","content":"xa\"b\\\n\té\u003c"}]`},
		{"without the white space at its end", "Hi \n\t\u00a0\u3000", `[]`, `[{"role":"assistant","content":"Hi"}]`},
		{"with the white space at its beginning", "\n Hi", `[]`, `[{"role":"assistant","content":"\n Hi"}]`},
		{"nothing but white space", " \n", `[{"role":"user","content":"x"}]`, `[{"role":"user","content":"x"}]`},
	} {
		for _, endpoint := range []string{"/chat/completions", "/messages"} {
			t.Run(tc.name+endpoint, func(t *testing.T) {
				r := resume(t, endpoint, `{"a":[1], "messages":`+tc.messages+` ,"model":"m","z":"messages"}`)
				r.first(textEvent(endpoint, tc.text))
				want := `{"a":[1], "messages":` + tc.want + ` ,"model":"m","z":"messages"}`
				if d := cmp.Diff(want, r.prefill("")); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

// textEvent is an event with a piece of text.
func textEvent(endpoint, piece string) string {
	quoted := string(mustMarshal(piece))
	if endpoint == "/messages" {
		return string(event("content_block_delta", []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":`+quoted+`}}`)))
	}
	return string(event("", []byte(`{"id":"c1","choices":[{"index":0,"delta":{"content":`+quoted+`},"finish_reason":null}]}`)))
}

func TestPrefillAsksForFewerTokens(t *testing.T) {
	for _, tc := range []struct{ name, limits, want string }{
		{"none", ``, ``},
		{"max_tokens", `,"max_tokens":100`, `,"max_tokens":97`},
		{"max_completion_tokens", `,"max_completion_tokens": 100 `, `,"max_completion_tokens": 97 `},
		{"both", `,"max_tokens":50,"max_completion_tokens":60`, `,"max_tokens":47,"max_completion_tokens":57`},
		{"spent", `,"max_tokens":3`, `,"max_tokens":1`},
		{"overspent", `,"max_tokens":2`, `,"max_tokens":1`},
		{"null", `,"max_tokens":null`, `,"max_tokens":null`},
		{"repeated", `,"max_tokens":10,"max_tokens":20`, `,"max_tokens":7,"max_tokens":17`},
		{"in another place", `,"x":{"max_tokens":10}`, `,"x":{"max_tokens":10}`},
	} {
		for _, endpoint := range []string{"/chat/completions", "/messages"} {
			t.Run(tc.name+endpoint, func(t *testing.T) {
				r := resume(t, endpoint, `{"model":"m","messages":[]`+tc.limits+`}`)
				for range 3 {
					r.first(textEvent(endpoint, "a"))
				}
				want := `{"model":"m","messages":[{"role":"assistant","content":"aaa"}]` + tc.want + `}`
				if got := r.prefill(""); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

func TestPrefillAsksForTheBackendsModel(t *testing.T) {
	const body = `{"messages":[],"mod\u0065l":"theirs","max_tokens":9}`
	r := resume(t, "/chat/completions", body)
	r.first(textEvent("/chat/completions", "a"))
	want := `{"messages":[{"role":"assistant","content":"a"}],"mod\u0065l":"o\"urs","max_tokens":8}`
	if got := r.prefill(`o"urs`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestPrefillCopiesNoBody: many streams may break at once, each with a request
// of megabytes.
func TestPrefillCopiesNoBody(t *testing.T) {
	const size = 4 << 20
	body := []byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"` + strings.Repeat("x", size) + `"}]}`)
	tr := Lookup("/chat/completions").NewTranscript(Request{}, body)
	tr.Record(nil, []byte(`{"choices":[{"index":0,"delta":{"content":"a"}}]}`))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	parts := tr.Prefill(body, "other")
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > size/10 {
		t.Errorf("%d bytes were allocated for a body of %d", n, size)
	}
	if all := bytes.Join(parts, nil); !json.Valid(all) || len(all) < size {
		t.Errorf("%d bytes that are JSON: %v", len(all), json.Valid(all))
	}
}

func TestWhatCannotBeResumedHasNoTranscript(t *testing.T) {
	for _, tc := range []struct{ name, endpoint, body string }{
		{"two choices", "/chat/completions", `{"model":"m","n":2,"messages":[]}`},
		{"no messages", "/chat/completions", `{"model":"m"}`},
		{"messages that are none", "/messages", `{"model":"m","messages":"x"}`},
		{"completions", "/completions", `{"model":"m","prompt":"x","messages":[]}`},
		{"responses", "/responses", `{"model":"m","input":"x","messages":[]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := ParseRequest([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if tr := Lookup(tc.endpoint).NewTranscript(r, []byte(tc.body)); tr != nil {
				t.Errorf("transcript %v", tr)
			}
		})
	}
}
