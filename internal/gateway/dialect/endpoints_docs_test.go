package dialect

import (
	"os"
	"strings"
	"testing"
)

// TestTheTableOfEndpoints in docs/endpoints.md says what the code does, for each
// call of a model once.
func TestTheTableOfEndpoints(t *testing.T) {
	page, err := os.ReadFile("../../../docs/endpoints.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.HasPrefix(line, "| `/v1/") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		documented++
		path := strings.Trim(cells[1], "`")
		e := Lookup(strings.TrimPrefix(path, "/v1"))
		if e == nil {
			t.Errorf("%s: there is no such endpoint", path)
			continue
		}
		names := map[bool]string{true: "always", false: "may"}[e.named]
		if cells[2] != e.Dialect.String() || cells[3] != names {
			t.Errorf("%s: %s, names a model %q; the code says %s, %q", path, cells[2], cells[3], e.Dialect, names)
		}
		answer, more, _ := strings.Cut(cells[4], "; ")
		if want := wholeAnswer(e); answer != want || e.Streams() != strings.Contains(more, "judged") {
			t.Errorf("%s: a whole answer %q, the code says %q, and streams: %v", path, cells[4], want, e.Streams())
		}
	}
	if documented != len(endpoints) {
		t.Errorf("%d endpoints are documented, there are %d", documented, len(endpoints))
	}
}

func wholeAnswer(e *Endpoint) string {
	switch {
	case e.Opaque():
		return "passes as it comes"
	case e.answer == "":
		return "is any text"
	case e.counts:
		return "has a number `" + e.answer + "`"
	}
	return "has a list `" + e.answer + "`"
}
