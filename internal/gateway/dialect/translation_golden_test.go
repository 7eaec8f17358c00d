package dialect

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// golden is one conversation in both dialects, as the providers document it.
// It is the same there and back; what is not, is in translation_loss_test.go.
type golden struct{ Chat, Messages json.RawMessage }

var answeredAt = time.Unix(1700000000, 0)

func chatTranslation() *Translation {
	t, _ := Translate(Lookup("/chat/completions"), Anthropic)
	return t
}

func messagesTranslation() *Translation {
	t, _ := Translate(Lookup("/messages"), OpenAI)
	return t
}

// eachGolden runs a test for each conversation of a folder.
func eachGolden(t *testing.T, folder string, test func(t *testing.T, g golden)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations in testdata/%s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var g golden
			if err := json.Unmarshal(b, &g); err != nil {
				t.Fatal(err)
			}
			test(t, g)
		})
	}
}

// wantJSON compares what two texts say as JSON.
func wantJSON(t *testing.T, what string, got, want []byte) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%s is no JSON: %v: %s", what, err, got)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatalf("%s: what is wanted is no JSON: %v: %s", what, err, want)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestRequestsThereAndBack(t *testing.T) {
	eachGolden(t, "requests", func(t *testing.T, g golden) {
		for _, d := range []struct {
			name     string
			t        *Translation
			in, want []byte
		}{
			{"chat to messages", chatTranslation(), g.Chat, g.Messages},
			{"messages to chat", messagesTranslation(), g.Messages, g.Chat},
		} {
			out, dropped, err := d.t.Request(d.in, "", Options{DefaultMaxTokens: 4096})
			if err != nil || len(dropped) > 0 {
				t.Fatalf("%s: dropped %q, %v", d.name, dropped, err)
			}
			wantJSON(t, d.name, out, d.want)
		}
	})
}

func TestAnswersThereAndBack(t *testing.T) {
	eachGolden(t, "answers", func(t *testing.T, g golden) {
		for _, d := range []struct {
			name     string
			t        *Translation
			in, want []byte
		}{
			{"chat to messages", messagesTranslation(), g.Chat, g.Messages},
			{"messages to chat", chatTranslation(), g.Messages, g.Chat},
		} {
			if _, _, _, isAnswer := d.t.To.ReadAnswer(d.in); !isAnswer {
				t.Fatalf("%s: it is no answer", d.name)
			}
			out, err := d.t.Answer(d.in, answeredAt)
			if err != nil {
				t.Fatalf("%s: %v", d.name, err)
			}
			wantJSON(t, d.name, out, d.want)
			if _, _, isError, isAnswer := d.t.From.ReadAnswer(out); isError || !isAnswer {
				t.Errorf("%s: the caller would not take it for an answer: %s", d.name, out)
			}
		}
	})
}
