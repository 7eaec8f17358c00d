package sdk

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/sdk/stage"
)

// TestAnswers come whole and as a stream alike, and the provider is asked with
// the gateway's credential, never with the client's.
func TestAnswers(t *testing.T) {
	onStage(t, func(t *testing.T, s *scene) {
		for name, way := range ways {
			t.Run(name, func(t *testing.T) {
				answer, err := way(s)(s.context(), s.model)
				if err != nil || answer != s.Primary.Answer() {
					t.Errorf("got %q, %v, want %q", answer, err, s.Primary.Answer())
				}
				r := s.lastRequest()
				var header strings.Builder
				_ = r.Header.Write(&header) // a builder takes everything
				if strings.Contains(header.String(), "sk-client") || !strings.Contains(header.String(), stage.ProviderKey) {
					t.Errorf("the provider was asked with %v", r.Header)
				}
				if r.Stream != (name == "streamed") || r.Model != s.model {
					t.Errorf("the provider was asked %s", r.Body)
				}
			})
		}
	})
}

// TestPictures reach the provider byte for byte.
func TestPictures(t *testing.T) {
	noise := image.NewGray(image.Rect(0, 0, 256, 256))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(random.Uint32())
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, noise); err != nil {
		t.Fatal(err)
	}
	onStage(t, func(t *testing.T, s *scene) {
		if err := s.Show(s.context(), s.model, picture.Bytes()); err != nil {
			t.Fatal(err)
		}
		sent := gjson.GetBytes(s.lastRequest().Body, s.provider.picture).String()
		got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sent, "data:image/png;base64,"))
		if err != nil || !bytes.Equal(got, picture.Bytes()) {
			t.Errorf("the provider got %d bytes (%v) for %d, or others", len(got), err, picture.Len())
		}
	})
}

// TestStructuredOutput carries the schema there, and back an answer that follows
// it.
func TestStructuredOutput(t *testing.T) {
	schema := map[string]any{
		"type":                 "object",
		"properties":           map[string]any{"city": map[string]any{"type": "string"}, "people": map[string]any{"type": "integer"}},
		"required":             []any{"city", "people"},
		"additionalProperties": false,
	}
	onStage(t, func(t *testing.T, s *scene) {
		answer, err := s.Fill(s.context(), s.model, schema)
		if err != nil {
			t.Fatal(err)
		}
		var place struct {
			City   string
			People int
		}
		if err := json.Unmarshal([]byte(answer), &place); err != nil || place.City == "" || place.People == 0 {
			t.Errorf("the answer is %s (%v)", answer, err)
		}
		var asked map[string]any
		if err := json.Unmarshal([]byte(gjson.GetBytes(s.lastRequest().Body, s.provider.schema).Raw), &asked); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(schema, asked); diff != "" {
			t.Errorf("the provider got another schema (-want +got):\n%s", diff)
		}
	})
}
