package sdk

import (
	"slices"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/google/go-cmp/cmp"

	"github.com/switchgear/switchgear/test/sdk/stage"
)

// TestModels are listed alike by both SDKs, Anthropic's in pages, and no provider is
// asked for them.
func TestModels(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var want []string
	for _, model := range []string{
		stage.OpenAIModel, stage.OpenAIModel + stage.Across, stage.AnthropicModel, stage.AnthropicModel + stage.Across,
	} {
		want = append(want, model)
		for _, suffix := range []string{stage.Once, stage.Repeated, stage.Touchy, stage.Impatient, stage.Revoked} {
			want = append(want, model+suffix)
		}
	}
	slices.Sort(want)

	t.Run("OpenAI", func(t *testing.T) {
		client := openAIClient(s.URL, "sk-client")
		var got []string
		all := client.Models.ListAutoPaging(t.Context())
		for all.Next() {
			got = append(got, all.Current().ID)
		}
		if diff := cmp.Diff(want, got); all.Err() != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", all.Err(), diff)
		}
		one, err := client.Models.Get(t.Context(), stage.AnthropicModel)
		if err != nil || one.ID != stage.AnthropicModel || one.OwnedBy != stage.AnthropicModel {
			t.Errorf("one is %+v, %v", one, err)
		}
		_, err = client.Models.Get(t.Context(), "unheard-of")
		if got, ok := (&openAI{client}).Failure(err); !ok || got.Status != 404 || got.Code != "model_not_found" {
			t.Errorf("an unknown one is %+v, %v", got, err)
		}
	})
	t.Run("Anthropic", func(t *testing.T) {
		client := anthropic.NewClient(anthropicoption.WithBaseURL(s.URL), anthropicoption.WithAPIKey("sk-client"))
		var got []string
		all := client.Models.ListAutoPaging(t.Context(), anthropic.ModelListParams{Limit: anthropic.Int(5)})
		for all.Next() {
			got = append(got, all.Current().ID)
		}
		if diff := cmp.Diff(want, got); all.Err() != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", all.Err(), diff)
		}
		one, err := client.Models.Get(t.Context(), stage.OpenAIModel, anthropic.ModelGetParams{})
		if err != nil || one.ID != stage.OpenAIModel || one.CreatedAt.Unix() != 0 {
			t.Errorf("one is %+v, %v", one, err)
		}
		_, err = client.Models.Get(t.Context(), "unheard-of", anthropic.ModelGetParams{})
		if got, ok := (&claude{client}).Failure(err); !ok || got.Status != 404 || got.Code != "not_found_error" {
			t.Errorf("an unknown one is %+v, %v", got, err)
		}
	})
	if n := s.Primary.Count() + s.Fallback.Count(); n != 0 {
		t.Errorf("the providers were asked %d times", n)
	}
}
