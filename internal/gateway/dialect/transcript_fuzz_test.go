package dialect

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzResumedText breaks a text off anywhere and goes on with another, both in
// pieces of any size: the client has the one and then the other, but for white
// space that both have where they meet; it is whole, by the dialect's own rules;
// and what is asked ends with the text so far.
func FuzzResumedText(f *testing.F) {
	f.Add("One, two", ", three.", "m", []byte{1, 3})
	f.Add("a \n\n", " \n\nb", "", []byte{})
	f.Add("\u3000", "\u3001\u3000", "\u3000x", []byte{0})
	f.Add("{\"\\", "\x00\u2028<", "x", []byte{2, 1})
	f.Add("ab", "", " \t", []byte{9})
	f.Fuzz(func(t *testing.T, first, second, third string, sizes []byte) {
		for _, s := range []string{first, second, third} {
			if strings.ContainsRune(s, utf8.RuneError) {
				return // half a character, which is not gone on with
			}
		}
		for _, endpoint := range []string{"/chat/completions", "/messages"} {
			r := resume(t, endpoint, `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}]}`)
			r.first(opening(endpoint) + inPieces(endpoint, first, sizes))
			want := first
			for i, next := range []string{second, third} {
				stream := opening(endpoint) + inPieces(endpoint, next, sizes)
				if i == 1 {
					stream += closing(endpoint)
				}
				checkAsked(t, r.next(stream), want)
				want += next[meeting(want, next):]
			}
			if h := r.hear(); h.Text != want || h.Starts != 1 || !h.Whole {
				t.Fatalf("%s: got %+v, want %q", endpoint, h, want)
			}
		}
	})
}

// inPieces is a text as events, in pieces of some characters.
func inPieces(endpoint, s string, sizes []byte) string {
	var out strings.Builder
	runes := []rune(s)
	for i := 0; len(runes) > 0; i++ {
		n := 1
		if len(sizes) > 0 {
			n = min(int(sizes[i%len(sizes)])+1, len(runes))
		}
		out.WriteString(textEvent(endpoint, string(runes[:n])))
		runes = runes[n:]
	}
	return out.String()
}

// meeting is how many bytes a text has in common with the white space that
// another one ends with.
func meeting(before, after string) int {
	space := []rune(before[len(strings.TrimRightFunc(before, unicode.IsSpace)):])
	n := 0
	for i, c := range []rune(after) {
		if i >= len(space) || space[i] != c {
			break
		}
		n += utf8.RuneLen(c)
	}
	return n
}

func checkAsked(t *testing.T, request, seen string) {
	t.Helper()
	var asked struct {
		MaxTokens int `json:"max_tokens"`
		Messages  []struct{ Role, Content string }
	}
	unmarshal(t, request, &asked)
	want := strings.TrimRightFunc(seen, unicode.IsSpace)
	got := ""
	if last := asked.Messages[len(asked.Messages)-1]; last.Role == "assistant" {
		got = last.Content
	}
	if got != want || asked.MaxTokens < 1 || asked.MaxTokens > 5 {
		t.Fatalf("asked to go on with %q, at most %d tokens; want %q", got, asked.MaxTokens, want)
	}
}

// FuzzTranscripts feeds transcripts what the judges let pass, whatever it says:
// what the client gets is JSON on one line, what is asked is JSON that was not
// lost, and nothing is kept of the bytes that were lent.
func FuzzTranscripts(f *testing.F) {
	for _, seed := range []string{
		`{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"completion_tokens":1e99}}`,
		`{"choices":[7,null,{"delta":3}],"id":{"a":1}}`, `{"choices":{"0":{"delta":{"role":1}}},"":""}`, "{\"id\":\"\xff\",\n\"choices\":[]}",
		`{"type":"content_block_start","index":-1,"content_block":{"type":"text","text":" \n"}}`, `{"type":"content_block_stop"}`,
		`{"type":"content_block_delta","delta":{"type":"text_delta","text":["x"]}}`, `{"type":"message_delta","usage":{"output_tokens":"7"}}`,
		`{"choices":[{"delta":{"content":"a","content":"b"}}],"id":"1","id":"2"}`, `{"type":"a\n\nb\r"}`,
	} {
		f.Add("", []byte(seed), []byte(seed), []byte(`{"model":"m","messages":[],"max_tokens":3}`))
		f.Add("message_stop", []byte(`{"type":"content_block_start"}`), []byte(seed), []byte(`{"messages":[{"role":"assistant","content":[]}],"model":"m"}`))
	}
	f.Fuzz(func(t *testing.T, name string, first, second, body []byte) {
		r, err := ParseRequest(body)
		if err != nil || strings.ContainsAny(name, "\r\n") {
			return
		}
		for endpoint, e := range endpoints {
			tr := e.NewTranscript(r, body)
			judge := e.newJudge
			if tr == nil || judge(1).Event([]byte(name), first) == Malformed || judge(1).Event([]byte(name), second) == Malformed {
				continue
			}
			data, label := []byte(string(first)), []byte(name)
			tr.Record(label, data)
			overwrite(label, data)
			var asked []byte
			for _, part := range tr.Prefill(body, "other") {
				asked = append(asked, part...)
			}
			if again, err := ParseRequest(asked); err != nil || again.Model != "other" || again.Stream != r.Stream || !json.Valid(asked) {
				t.Fatalf("%s: asked %q: %+v, %v", endpoint, asked, again, err)
			}
			data, label = []byte(string(second)), []byte(name)
			out := string(tr.Splice(label, data))
			overwrite(label, data)
			checkEvents(t, endpoint, out)
			checkEvents(t, endpoint, string(tr.Splice(nil, []byte(`{"type":"message_stop","choices":[]}`))))
		}
	})
}

// checkEvents makes sure that events are such on the wire.
func checkEvents(t *testing.T, endpoint, out string) {
	t.Helper()
	if out == "" {
		return
	}
	if !strings.HasSuffix(out, "\n\n") || strings.Contains(out, "\r") {
		t.Fatalf("%s: no events: %q", endpoint, out)
	}
	for block := range strings.SplitSeq(strings.TrimSuffix(out, "\n\n"), "\n\n") {
		name, data, named := strings.Cut(block, "\n")
		if !named {
			name, data = "event: ", block
		}
		payload, ok := strings.CutPrefix(data, "data: ")
		if !ok || !strings.HasPrefix(name, "event: ") || payload != "[DONE]" && !json.Valid([]byte(payload)) {
			t.Fatalf("%s: no event: %q", endpoint, block)
		}
	}
}
