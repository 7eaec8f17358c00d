package dialect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestStreamsAsTheProvidersDocumentThem: each file has the caller's request, what
// the provider sends, and what the caller gets, event by event.
func TestStreamsAsTheProvidersDocumentThem(t *testing.T) {
	files, err := filepath.Glob("testdata/streams/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no streams, %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			endpoint := ""
			for section := range strings.SplitSeq(string(b), "== ") {
				head, body, _ := strings.Cut(section, "\n")
				if strings.HasPrefix(head, "/") {
					endpoint, head = head, "request"
				}
				parts[head] = body
			}
			translation := translations[Lookup(endpoint)]
			r, err := ParseRequest([]byte(parts["request"]))
			if err != nil || translation == nil {
				t.Fatalf("%s: %v", endpoint, err)
			}
			judge, events := translation.To.NewJudge(r), translation.Events(r, answeredAt)
			var got strings.Builder
			for _, s := range split(t, []byte(parts["provider"])) {
				if m := judge.Event([]byte(s.name), []byte(s.data)); m&(Malformed|Failed) != 0 {
					t.Fatalf("the provider's judge marks %b: %s", m, s.data)
				}
				out, err := events.Event([]byte(s.name), []byte(s.data))
				if err != nil {
					t.Fatal(err)
				}
				got.Write(out)
			}
			got.Write(events.End())
			if diff := cmp.Diff(parts["client"], got.String()); diff != "" {
				t.Errorf("what the client gets (-want +got):\n%s", diff)
			}
			wantWhole(t, translation.From, split(t, []byte(got.String())))
		})
	}
}
