package dialect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConversations plays answers that break off and are gone on with. Each file
// holds the client's request; the streams, of which all but the last break off;
// what was asked for each but the first; and what the client got.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/resumed/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations, %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := parseConversation(t, string(b))
			r := resume(t, c.endpoint, c.request)
			r.first(c.streams[0])
			var asked []string
			for _, stream := range c.streams[1:] {
				asked = append(asked, r.next(stream))
			}
			if d := cmp.Diff(c.asked, asked); d != "" {
				t.Errorf("what was asked: %s", d)
			}
			if d := cmp.Diff(c.client, r.client.String()); d != "" {
				t.Errorf("what the client got: %s", d)
			}
			if h := r.hear(); !h.Whole || h.Starts != 1 {
				t.Errorf("the client heard %+v", h)
			}
		})
	}
}

type conversation struct {
	endpoint, request, client string
	streams, asked            []string
}

// parseConversation reads sections that begin with a line such as "== stream".
func parseConversation(t *testing.T, file string) conversation {
	t.Helper()
	var c conversation
	for section := range strings.SplitSeq(file, "== ") {
		head, body, _ := strings.Cut(section, "\n")
		switch {
		case head == "":
		case strings.HasPrefix(head, "/"):
			c.endpoint, c.request = head, strings.TrimSpace(body)
		case head == "stream":
			c.streams = append(c.streams, body)
		case head == "asked":
			c.asked = append(c.asked, strings.TrimSpace(body))
		case head == "client":
			c.client = body
		default:
			t.Fatalf("a section %q", head)
		}
	}
	if len(c.streams) < 2 || len(c.asked) != len(c.streams)-1 {
		t.Fatalf("%d streams, %d times asked", len(c.streams), len(c.asked))
	}
	return c
}
