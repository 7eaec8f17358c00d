package sdk

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/sdk/stage"
)

// TestEmbeddings are what the provider computed.
func TestEmbeddings(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	vectors := map[string][][]float64{}
	for name, client := range map[string]openai.Client{
		"gateway": openAIClient(s.URL, "sk-client"), "provider": openAIClient(s.Primary.URL, stage.ProviderKey),
	} {
		got, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
			Model: stage.OpenAIModel,
			Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}},
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, d := range got.Data {
			vectors[name] = append(vectors[name], d.Embedding)
		}
	}
	if diff := cmp.Diff(vectors["provider"], vectors["gateway"]); diff != "" || len(vectors["gateway"]) != 2 || len(vectors["gateway"][0]) != 8 {
		t.Errorf("got %v (-provider +gateway):\n%s", vectors["gateway"], diff)
	}
}

func responseParams(suffix string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: stage.OpenAIModel + suffix,
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Hello")},
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	client := openAIClient(s.URL, "sk-client")
	t.Run("whole", func(t *testing.T) {
		got, err := client.Responses.New(t.Context(), responseParams(""))
		if err != nil || got.OutputText() != s.Primary.Answer() || got.Status != responses.ResponseStatusCompleted {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("streamed", func(t *testing.T) {
		got, err := streamResponse(t.Context(), &client, responseParams(""))
		if err != nil || got.text != s.Primary.Answer() || got.completed != got.text || got.problem != "" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// TestResponsesThatBreak end with the error, never as if they were whole.
func TestResponsesThatBreak(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	client := openAIClient(s.URL, "sk-client")
	broken := func(f providersim.Fault) (*streamedResponse, error) {
		if err := s.Primary.SetFault(f); err != nil {
			t.Fatal(err)
		}
		got, err := streamResponse(t.Context(), &client, responseParams(stage.Once))
		if got.text != "primary: word1 word2" || got.completed != "" {
			t.Errorf("%s: got %+v", f.Kind, got)
		}
		return got, err
	}
	// The provider's own event comes unchanged; the SDK raises no error for it.
	got, err := broken(providersim.Fault{Kind: providersim.ErrorEvent, AfterTokens: 3, Message: "too much"})
	if err != nil || got.problem != "too much" {
		t.Errorf("an error event: got %+v, %v", got, err)
	}
	_, err = broken(providersim.Fault{Kind: providersim.Cut, AfterTokens: 3})
	if _, ok := errors.AsType[*ssestream.StreamError](err); !ok {
		t.Errorf("a cut: got %v (%T), want the SDK's own error for it", err, err)
	}
}

// streamedResponse is the text as it came and as the last event has it, and what
// an error event said.
type streamedResponse struct{ text, completed, problem string }

func streamResponse(ctx context.Context, client *openai.Client, params responses.ResponseNewParams) (*streamedResponse, error) {
	stream := client.Responses.NewStreaming(ctx, params)
	defer stream.Close()
	got := &streamedResponse{}
	for stream.Next() {
		switch e := stream.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			got.text += e.Delta
		case responses.ResponseCompletedEvent:
			got.completed = e.Response.OutputText()
		case responses.ResponseErrorEvent:
			got.problem = e.Message
		}
	}
	return got, stream.Err()
}
