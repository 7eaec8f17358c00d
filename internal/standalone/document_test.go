package standalone

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadDocuments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text     string
		want     []any
		lines    []int // where the documents begin
		problems []string
	}{
		"nothing":                     {text: "", want: nil},
		"comments":                    {text: "# a\n---\n# b\n", want: nil},
		"one":                         {text: "a: 1\n", want: []any{map[string]any{"a": int64(1)}}, lines: []int{1}},
		"without a newline":           {text: "a: 1", want: []any{map[string]any{"a": int64(1)}}, lines: []int{1}},
		"several":                     {text: "---\na: 1\n---\n\nb: 2\n--- # c\n- 3\n", want: []any{map[string]any{"a": int64(1)}, map[string]any{"b": int64(2)}, []any{int64(3)}}, lines: []int{2, 5, 7}},
		"on the separator's line":     {text: "a: 1\n--- {b: 2}\n", want: []any{map[string]any{"a": int64(1)}, map[string]any{"b": int64(2)}}, lines: []int{1, 2}},
		"ended by dots":               {text: "a: 1\n...\nb: 2\n", want: []any{map[string]any{"a": int64(1)}, map[string]any{"b": int64(2)}}, lines: []int{1, 3}},
		"of Windows":                  {text: "a: 1\r\n---\r\nb: x\r\n", want: []any{map[string]any{"a": int64(1)}, map[string]any{"b": "x"}}, lines: []int{1, 3}},
		"JSON":                        {text: "{\n\t\"a\": [1, 2.5, null, true]\n}\n", want: []any{map[string]any{"a": []any{int64(1), 2.5, nil, true}}}, lines: []int{1}},
		"dashes in a text":            {text: "a: |\n  ---\n  x\n----: b\n", want: []any{map[string]any{"a": "---\nx\n", "----": "b"}}, lines: []int{1}},
		"YAML as kubectl reads it":    {text: "a: yes\nb: 2026-12-01T00:00:00Z\nc: 0x10\n1: d\n", want: []any{map[string]any{"a": true, "b": "2026-12-01T00:00:00Z", "c": int64(16), "1": "d"}}, lines: []int{1}},
		"a key twice":                 {text: "a: 1\n---\nb: 1\nc: 2\nb: 3\n", want: []any{map[string]any{"a": int64(1)}, map[string]any{"b": int64(3), "c": int64(2)}}, lines: []int{1, 3}, problems: []string{`:5: YAML: key "b" already set in map`}},
		"two keys twice":              {text: "a: 1\na: 1\nb: {c: 1, c: 2}\n", want: []any{map[string]any{"a": int64(1), "b": map[string]any{"c": int64(2)}}}, lines: []int{1}, problems: []string{`:2: YAML: key "a" already set in map`, `:3: YAML: key "c" already set in map`}},
		"broken, the next one is not": {text: "---\na: 1\n---\nb: [1\nc: 2\n---\nd: 3\n", want: []any{map[string]any{"a": int64(1)}, map[string]any{"d": int64(3)}}, lines: []int{2, 7}, problems: []string{":4: YAML: did not find expected ',' or ']'"}},
		"a tab":                       {text: "a:\n\tb: 1\n", problems: []string{":2: YAML: found character that cannot start any token"}},
		"no YAML":                     {text: "\x00", problems: []string{":1: YAML: control characters are not allowed"}},
		"an unknown anchor":           {text: "a: 1\n---\nb: *c\n", want: []any{map[string]any{"a": int64(1)}}, lines: []int{1}, problems: []string{":2: YAML: unknown anchor 'c' referenced"}},
	} {
		t.Run(name, func(t *testing.T) {
			documents, problems := readDocuments([]byte(c.text))
			var got []any
			var lines []int
			for _, d := range documents {
				got = append(got, d.value)
				lines = append(lines, d.lines.first())
				problems = append(problems, d.problems...)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Errorf("their lines (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.problems, texts(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// texts returns the lines that problems are printed as.
func texts(problems []Problem) []string {
	var out []string
	for _, p := range sortProblems(problems) {
		out = append(out, p.String())
	}
	return out
}

func TestAProblemIsOneLine(t *testing.T) {
	t.Parallel()
	p := Problem{File: "a.yaml", Line: 3, Object: "Secret/a", Field: "data[b\nc]", Message: "is\nwrong", Warning: true}
	if got := p.String(); strings.Contains(got, "\n") || got != `a.yaml:3: Secret/a: data[b\nc]: warning: is\nwrong` {
		t.Errorf("got %q", got)
	}
}

const skipped = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
