package sdk

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/shared"
	"github.com/tidwall/gjson"
)

// openAI is github.com/openai/openai-go.
type openAI struct{ client openai.Client }

func newOpenAI(url, key string, through *http.Client) sdk {
	return &openAI{openAIClient(url, key, option.WithHTTPClient(through))}
}

func openAIClient(url, key string, more ...option.RequestOption) openai.Client {
	return openai.NewClient(append(more, option.WithBaseURL(url+"/v1"), option.WithAPIKey(key))...)
}

func openAIParams(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello")},
	}
}

func (o *openAI) Ask(ctx context.Context, model string) (string, error) {
	return text(o.whole(ctx, openAIParams(model)))
}

func (o *openAI) Stream(ctx context.Context, model string) (string, error) {
	return text(o.streamed(ctx, openAIParams(model)))
}

func text(c *openai.ChatCompletion, err error) (string, error) {
	if c == nil || len(c.Choices) == 0 {
		return "", err
	}
	return c.Choices[0].Message.Content, err
}

func (o *openAI) whole(ctx context.Context, params openai.ChatCompletionNewParams) (*openai.ChatCompletion, error) {
	return o.client.Chat.Completions.New(ctx, params)
}

func (o *openAI) streamed(ctx context.Context, params openai.ChatCompletionNewParams) (*openai.ChatCompletion, error) {
	stream := o.client.Chat.Completions.NewStreaming(ctx, params)
	defer stream.Close()
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		if !all.AddChunk(stream.Current()) {
			return &all.ChatCompletion, errors.New("the SDK cannot put the chunks together")
		}
	}
	return &all.ChatCompletion, stream.Err()
}

func (o *openAI) UseTools(ctx context.Context, model string, streamed bool, tools []tool) ([]toolCall, string, error) {
	ask := o.whole
	if streamed {
		ask = o.streamed
	}
	params := openAIParams(model)
	for _, t := range tools {
		params.Tools = append(params.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: t.name, Parameters: t.schema,
		}))
	}
	first, err := ask(ctx, params)
	if err != nil {
		return nil, "", err
	}
	message := first.Choices[0].Message
	params.Messages = append(params.Messages, message.ToParam())
	var calls []toolCall
	for _, c := range message.ToolCalls {
		calls = append(calls, toolCall{c.ID, c.Function.Name, c.Function.Arguments})
		params.Messages = append(params.Messages, openai.ToolMessage("result of "+c.Function.Name, c.ID))
	}
	answer, err := text(ask(ctx, params))
	return calls, answer, err
}

func (o *openAI) Show(ctx context.Context, model string, png []byte) error {
	params := openAIParams(model)
	params.Messages = []openai.ChatCompletionMessageParamUnion{openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
		openai.TextContentPart("What is this?"),
		openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{
			URL: "data:image/png;base64," + base64.StdEncoding.EncodeToString(png),
		}),
	})}
	_, err := o.whole(ctx, params)
	return err
}

func (o *openAI) Fill(ctx context.Context, model string, schema map[string]any) (string, error) {
	params := openAIParams(model)
	params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
		JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
			Name: "place", Strict: openai.Bool(true), Schema: schema,
		},
	}
	return text(o.whole(ctx, params))
}

func (o *openAI) Failure(err error) (failure, bool) {
	e, ok := errors.AsType[*openai.Error](err)
	if !ok {
		return failure{}, false
	}
	return failure{
		Status: e.StatusCode, Code: e.Code, Message: e.Message,
		Header: e.Response.Header,
	}, true
}

func (o *openAI) StreamFailure(err error) (failure, bool) {
	e, ok := errors.AsType[*ssestream.StreamError](err)
	if !ok {
		return failure{}, false
	}
	told := gjson.GetBytes(e.Event.Data, "error")
	return failure{Code: told.Get("code").String(), Message: told.Get("message").String()}, true
}
