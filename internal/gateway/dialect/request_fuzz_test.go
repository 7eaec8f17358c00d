package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParseRequest compares with encoding/json: what is accepted reads there as
// the same model and stream, whatever the reader makes of repeated keys and of
// their case; what is refused gives a reason.
func FuzzParseRequest(f *testing.F) {
	for _, seed := range []string{
		`{"model":"gpt-4o","stream":true,"n":2}`, ` {"stream":null,"mod\u0065l":"a\u00e9"} `,
		`{"model":"a","model":"b"}`, `{"Model":"a","model":"b"}`, `{"STREAM":true,"model":"b"}`, `{"model":"\ud800\u0061"}`,
		`{"model":"a","n":1e999,"prompt":["x",["y"],7]}`, `{"model":"a","n":-9223372036854775809}`,
		`{"a":{"model":"x"},"model":"y"}`, `{"model":["y"]}`, `{"model":"` + "\xff" + `"}`, `{"model":"a"}}`,
		`{"model":"a","stream":"true"}`, `{"model":"a","stream":1}`, `[{"model":"a"}]`, `{"":"","model":"\\\""}`,
		`{"model":"a","\u017ftream":true}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseRequest(body)
		if err != nil {
			if r.Model != "" || r.Stream {
				t.Fatalf("refused with %v, and yet %+v", err, r)
			}
			checkRefusal(t, body, err)
			return
		}
		var want struct {
			Model  string `json:"model"`
			Stream *bool  `json:"stream"`
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("accepted %q, which encoding/json does not: %v", body, err)
		}
		if r.Model != want.Model {
			t.Fatalf("model %q, want %q: %q", r.Model, want.Model, body)
		}
		if stream := want.Stream != nil && *want.Stream; r.Stream != stream {
			t.Fatalf("stream %v, want %v: %q", r.Stream, stream, body)
		}
		if r.Choices < 0 || r.Choices > (maxChoices+1)*(maxChoices+1) {
			t.Fatalf("%d choices: %q", r.Choices, body)
		}
		var own string
		if err := json.Unmarshal(body[r.modelStart:r.modelEnd], &own); err != nil || own != r.Model {
			t.Fatalf("the model stands elsewhere than at %q: %q", body[r.modelStart:r.modelEnd], body)
		}
		parts := r.WithModel(body, "other \"model\"")
		joined := bytes.Join(parts, nil)
		if again, err := ParseRequest(joined); err != nil || again.Model != "other \"model\"" || again.Stream != r.Stream {
			t.Fatalf("with another model %q reads %+v, %v", joined, again, err)
		}
	})
}

// checkRefusal makes sure that nothing good is refused.
func checkRefusal(t *testing.T, body []byte, err error) {
	t.Helper()
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return // no object, or too deep for both
	}
	if !errors.Is(err, ErrNoModel) && !errors.Is(err, ErrStreamNotBool) {
		return // needs a second look at the keys, which a map has lost
	}
	var model string
	var stream *bool
	if json.Unmarshal(fields["model"], &model) != nil || model == "" || !utf8.ValidString(model) || strings.ContainsRune(model, utf8.RuneError) {
		return
	}
	if s, ok := fields["stream"]; ok && json.Unmarshal(s, &stream) != nil {
		return
	}
	if strings.Count(string(body), "model")+strings.Count(string(body), `\u`) == 1 {
		t.Fatalf("refused with %v: %q", err, body)
	}
}

func TestParseRequestCountsChoices(t *testing.T) {
	for body, want := range map[string]int{
		`{"model":"m"}`:                                       0,
		`{"model":"m","n":3}`:                                 3,
		`{"model":"m","n":-3}`:                                0,
		`{"model":"m","n":"x"}`:                               0,
		`{"model":"m","n":128}`:                               maxChoices + 1,
		`{"model":"m","n":12345678901234567890123}`:           maxChoices + 1,
		`{"model":"m","prompt":"a"}`:                          0,
		`{"model":"m","prompt":["a"]}`:                        0,
		`{"model":"m","prompt":[]}`:                           0,
		`{"model":"m","prompt":[1,2,3]}`:                      0,
		`{"model":"m","prompt":["a","b","c"]}`:                3,
		`{"model":"m","prompt":[[1,2],[3]]}`:                  2,
		`{"model":"m","n":2,"prompt":["a","b"]}`:              4,
		`{"model":"m","prompt":["a","b"],"n":2}`:              4,
		`{"model":"m","prompt":{"id":"pmpt","version":"1"}}`:  0,
		`{"model":"m","messages":[{"prompt":["a","b"]}]}`:     0,
		`{"model":"m","prompt":[` + many(`"a"`, 1_000) + `]}`: maxChoices + 1,
	} {
		r, err := ParseRequest([]byte(body))
		if err != nil {
			t.Errorf("%.60s: %v", body, err)
			continue
		}
		if r.Choices != want {
			t.Errorf("%.60s: %d choices, want %d", body, r.Choices, want)
		}
	}
}

func many(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
