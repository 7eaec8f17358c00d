package sdk

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/switchgear/switchgear/test/providersim"
	"github.com/switchgear/switchgear/test/sdk/stage"
)

func upload(t *testing.T, client *openai.Client) (*openai.FileObject, error) {
	return client.Files.New(t.Context(), openai.FileNewParams{
		File: openai.File(bytes.NewReader(recording), "requests.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch,
	})
}

// TestFiles go where a route opens the account, and nowhere else.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	client := openAIClient(s.URL, "sk-client", option.WithHeader(stage.AccountHeader, stage.Account))
	made, err := upload(t, &client)
	if err != nil || made.Filename != "requests.jsonl" || made.Bytes != int64(len(recording)) || made.Purpose != "batch" {
		t.Fatalf("uploaded %+v, %v", made, err)
	}
	if got, err := client.Files.Get(t.Context(), made.ID); err != nil || got.ID != made.ID {
		t.Errorf("found %+v, %v", got, err)
	}
	if got, err := client.Files.List(t.Context(), openai.FileListParams{}); err != nil || len(got.Data) != 1 {
		t.Errorf("listed %+v, %v", got, err)
	}
	resp, err := client.Files.Content(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // it has been read
	if err != nil || !bytes.Equal(content, recording) {
		t.Errorf("downloaded %d bytes, %v", len(content), err)
	}
	if got, err := client.Files.Delete(t.Context(), made.ID); err != nil || !got.Deleted {
		t.Errorf("deleted %+v, %v", got, err)
	}

	sent := &counter{}
	shut := &openAI{openAIClient(s.URL, "sk-client", option.WithHTTPClient(&http.Client{Transport: sent}))}
	asked := s.Primary.Count()
	_, err = upload(t, &shut.client)
	if got, ok := shut.Failure(err); !ok || got.Status != 404 || got.Code != "no_route" {
		t.Errorf("without the route's header: %+v, %v", got, err)
	}
	if sent.requests.Load() != 1 || s.Primary.Count() != asked {
		t.Errorf("the SDK called %d times, and the provider was asked", sent.requests.Load())
	}
}

// TestUploadsAreNotMadeTwice by the gateway, where the provider may have kept the
// first.
func TestUploadsAreNotMadeTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if err := s.Primary.SetFault(providersim.Fault{Status: 500}); err != nil {
		t.Fatal(err)
	}
	client := openAIClient(s.URL, "sk-client", option.WithHeader(stage.AccountHeader, stage.Account), option.WithMaxRetries(0))
	_, err := upload(t, &client)
	if got, ok := (&openAI{client}).Failure(err); !ok || got.Status != 500 {
		t.Errorf("got %+v, %v", got, err)
	}
	if n := s.Primary.Count(); n != 1 {
		t.Errorf("the provider saw %d uploads", n)
	}
}

func TestModerations(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	client := openAIClient(s.URL, "sk-client", option.WithHeader(stage.AccountHeader, stage.Account))
	for model, want := range map[string]string{"": "omni-moderation-latest", stage.OpenAIModel: stage.OpenAIModel} {
		got, err := client.Moderations.New(t.Context(), openai.ModerationNewParams{
			Model: model, Input: openai.ModerationNewParamsInputUnion{OfString: openai.String("Hello")},
		})
		if err != nil || len(got.Results) != 1 || got.Model != want {
			t.Errorf("by %q: got %+v, %v", model, got, err)
		}
	}
}

// TestOfAnthropicAlone: what only Anthropic's dialect has.
func TestOfAnthropicAlone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	client := anthropic.NewClient(anthropicoption.WithBaseURL(s.URL), anthropicoption.WithAPIKey("sk-client"),
		anthropicoption.WithHeader(stage.AccountHeader, stage.Account))
	messages := anthropicParams(stage.AnthropicModel).Messages
	count, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: stage.AnthropicModel, Messages: messages})
	if err != nil || count.InputTokens < 1 {
		t.Errorf("counted %+v, %v", count, err)
	}
	batch, err := client.Messages.Batches.New(t.Context(), anthropic.MessageBatchNewParams{Requests: []anthropic.MessageBatchNewParamsRequest{{
		CustomID: "1", Params: anthropic.MessageBatchNewParamsRequestParams{Model: stage.AnthropicModel, MaxTokens: 9, Messages: messages},
	}}})
	if err != nil || batch.ID == "" {
		t.Errorf("a batch: %+v, %v", batch, err)
	}
	if got := s.Primary.Requests()[1].Path; got != "/v1/messages/batches" {
		t.Errorf("the provider was asked for %s", got)
	}
}
