package dialect

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
)

// documented is a table of docs/dialects.md, by its heading's cells.
type documented struct {
	section string
	head    string
	rows    [][]string
}

// documentedTables reads the page.
func documentedTables(t *testing.T) []documented {
	t.Helper()
	page, err := os.ReadFile("../../../docs/dialects.md")
	if err != nil {
		t.Fatal(err)
	}
	var tables []documented
	section, within := "", false
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if s, ok := strings.CutPrefix(line, "## "); ok {
			section = s
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			within = false
		case !within:
			within = true
			tables = append(tables, documented{section: section, head: strings.Join(cells, "/")})
		case !strings.HasPrefix(line, "|---"):
			last := &tables[len(tables)-1]
			last.rows = append(last.rows, cells)
		}
	}
	return tables
}

// tablesOf returns the rows of the tables with that heading, in a section.
func tablesOf(t *testing.T, section, head string) [][]string {
	t.Helper()
	var rows [][]string
	for _, table := range documentedTables(t) {
		if table.section == section && table.head == head {
			rows = append(rows, table.rows...)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("no table %q under %q", head, section)
	}
	return rows
}

// code is what stands between a cell's first backticks.
func code(cell string) string {
	_, rest, _ := strings.Cut(cell, "`")
	out, _, _ := strings.Cut(rest, "`")
	return out
}

// codes is all that stands between backticks.
func codes(cell string) []string {
	var out []string
	parts := strings.Split(cell, "`")
	for i := 1; i < len(parts); i += 2 {
		out = append(out, parts[i])
	}
	return out
}

// members are JSON members, some of which replace those of a base.
func members(t *testing.T, base, changes string) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, m := range []string{base, changes} {
		if err := json.Unmarshal([]byte("{"+m+"}"), &out); err != nil {
			t.Fatalf("%v: {%s}", err, m)
		}
	}
	return out
}

// TestTheTablesOfDialects in docs/dialects.md, those of requests, say what the
// translators do, and have a row for each parameter that these know.
func TestTheTablesOfDialects(t *testing.T) {
	const hi = `"messages": [{"role": "user", "content": "Hi"}]`
	for _, d := range []struct {
		section      string
		translation  *Translation
		known        map[string]parameter
		asked, sends string // where a row says nothing else
	}{
		{"A chat completion asks Anthropic", chatTranslation(), chatParameters, hi, hi + `, "max_tokens": 4096`},
		{"A message asks OpenAI", messagesTranslation(), messagesParameters, hi, hi},
	} {
		shown := map[string]bool{}
		for _, row := range tablesOf(t, d.section, "the client asks/the provider is asked/lost") {
			asks, becomes, lost := code(row[0]), code(row[1]), row[2]
			in := members(t, `"model": "m", `+d.asked, asks)
			for name := range members(t, "", asks) {
				shown[name] = true
			}
			body, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			out, dropped, err := d.translation.Request(body, "", Options{DefaultMaxTokens: 4096})
			if strings.HasPrefix(lost, "skipped") {
				what, ok := errors.AsType[*InexpressibleError](err)
				if !ok || what.Parameter != code(lost) {
					t.Errorf("%s: {%s} is %v, and not %s", d.section, asks, err, lost)
				}
				if _, _, err := d.translation.Request(body, "", Options{DefaultMaxTokens: 1, SupportsPrefill: true}); (err == nil) != strings.Contains(lost, "unless `supportsPrefill`") {
					t.Errorf("%s: {%s} with supportsPrefill: %v", d.section, asks, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: {%s}: %v", d.section, asks, err)
				continue
			}
			want, err := json.Marshal(members(t, `"model": "m", `+d.sends, becomes))
			if err != nil {
				t.Fatal(err)
			}
			wantJSON(t, d.section+": {"+asks+"}", out, want)
			if diff := cmp.Diff(codes(lost), dropped); diff != "" {
				t.Errorf("%s: {%s} (-documented +dropped):\n%s", d.section, asks, diff)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(d.known)) {
			if !shown[name] {
				t.Errorf("%s: there is no row for %s", d.section, name)
			}
		}
	}
}

// TestTheTablesOfAnswers say what becomes of an answer.
func TestTheTablesOfAnswers(t *testing.T) {
	const (
		message = `"id": "i", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": "end_turn", "usage": {}`
		reason  = "a message's `stop_reason`/a chat completion's `finish_reason`"
		back    = "a chat completion's `finish_reason`/a message's `stop_reason`"
	)
	answer := func(translation *Translation, body string) gjson.Result {
		t.Helper()
		out, err := translation.Answer([]byte(body), answeredAt)
		if err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		return gjson.ParseBytes(out)
	}
	chat := func(message, finish, usage string) string {
		return `{"id": "i", "choices": [{"index": 0, "message": {"role": "assistant"` + message + `}, "finish_reason": "` + finish + `"}]` + usage + `}`
	}
	for _, row := range tablesOf(t, "Answers", reason) {
		got := answer(chatTranslation(), strings.Replace("{"+message+"}", "end_turn", code(row[0]), 1)).Get("choices.0.finish_reason").Str
		if got != code(row[1]) {
			t.Errorf("%s becomes %s, not %s", row[0], got, row[1])
		}
	}
	for _, row := range tablesOf(t, "Answers", back) {
		if got := answer(messagesTranslation(), chat("", code(row[0]), "")).Get("stop_reason").Str; got != code(row[1]) {
			t.Errorf("%s becomes %s, not %s", row[0], got, row[1])
		}
	}
	same := func(row []string, got gjson.Result, parts map[string]string) {
		t.Helper()
		for name, want := range members(t, "", code(row[1])) {
			if diff := cmp.Diff(want, got.Get(parts[name]+name).Value()); diff != "" {
				t.Errorf("%s becomes (-documented +got):\n%s", row[0], diff)
			}
		}
	}
	for _, row := range tablesOf(t, "Answers", "a message's content and usage/a chat completion's message and usage") {
		body := "{" + code(row[0]) + ", " + message + "}" // of two, the first is read
		in := "choices.0.message."
		same(row, answer(chatTranslation(), body), map[string]string{"content": in, "reasoning_content": in, "tool_calls": in})
	}
	for _, row := range tablesOf(t, "Answers", "a chat completion's message and usage/a message's content and usage") {
		body := chat(", "+code(row[0]), "stop", "")
		if strings.HasPrefix(code(row[0]), `"usage"`) {
			body = chat("", "stop", ", "+code(row[0]))
		}
		same(row, answer(messagesTranslation(), body), nil)
	}
}

// TestTheTablesOfErrors say how an error is told.
func TestTheTablesOfErrors(t *testing.T) {
	told := func(translation *Translation, row []string, e Error) []string {
		t.Helper()
		status, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		e.Message = "m"
		status, body := translation.Error(status, e)
		if strconv.Itoa(status) != row[3] {
			t.Errorf("%s: status %d, not %s", row[0], status, row[3])
		}
		out := []string{gjson.GetBytes(body, "error.type").Str}
		if c := gjson.GetBytes(body, "error.code").Str; c != "" {
			out = append(out, c)
		}
		return out
	}
	for _, row := range tablesOf(t, "Errors", "from Anthropic/with status/to a client of OpenAI's dialect/with status") {
		if diff := cmp.Diff(codes(row[2]), told(chatTranslation(), row, Error{Type: code(row[0])})); diff != "" {
			t.Errorf("%s (-documented +told):\n%s", row[0], diff)
		}
	}
	for _, row := range tablesOf(t, "Errors", "from OpenAI, its code/with status/to a client of Anthropic's dialect/with status") {
		if diff := cmp.Diff(codes(row[2]), told(messagesTranslation(), row, Error{Type: "t", Code: code(row[0])})); diff != "" {
			t.Errorf("%s (-documented +told):\n%s", row[0], diff)
		}
	}
}
