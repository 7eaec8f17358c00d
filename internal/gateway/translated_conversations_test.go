package gateway_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/switchgear/switchgear/test/providersim"
)

// TestAStrictProviderTakesTranslatedConversations: the golden ones, in which a
// strict provider of either dialect finds nothing wrong, also after the way
// through the gateway; and untranslated likewise.
func TestAStrictProviderTakesTranslatedConversations(t *testing.T) {
	files, err := filepath.Glob("dialect/testdata/requests/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range directions {
			t.Run(d.name+"/"+strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
				t.Parallel()
				dialects := map[string]string{chatDoor.path: "chat", messagesDoor.path: "messages"}
				asks := gjson.GetBytes(golden, dialects[d.whole.path]).Raw
				for _, other := range []bool{true, false} {
					sim := providersim.Start(t, providersim.Options{Strict: true})
					b := backendOf(t, d.caller, sim.URL, newPolicy(t))
					if other {
						b = backendOf(t, d.backend, sim.URL, newPolicy(t))
					}
					r := newRig(t, nil, newRoute("m", b))
					if got := r.post(streamEndpoint{path: d.whole.path, body: asks}); got.status != http.StatusOK {
						t.Errorf("translated: %v: status %d: %s\nof %s", other, got.status, got.body, sim.Requests()[0].Body)
					}
				}
			})
		}
	}
}
