package sdk

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/tidwall/gjson"
)

// claude is github.com/anthropics/anthropic-sdk-go.
type claude struct{ client anthropic.Client }

func newAnthropic(url, key string, through *http.Client) sdk {
	return &claude{anthropic.NewClient(option.WithHTTPClient(through), option.WithBaseURL(url), option.WithAPIKey(key))}
}

func anthropicParams(model string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model:     model,
		MaxTokens: 1024,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello"))},
	}
}

func (c *claude) Ask(ctx context.Context, model string) (string, error) {
	return joined(c.whole(ctx, anthropicParams(model)))
}

func (c *claude) Stream(ctx context.Context, model string) (string, error) {
	return joined(c.streamed(ctx, anthropicParams(model)))
}

// joined is the text of all blocks.
func joined(m *anthropic.Message, err error) (string, error) {
	if m == nil {
		return "", err
	}
	var b strings.Builder
	for _, block := range m.Content {
		b.WriteString(block.Text)
	}
	return b.String(), err
}

func (c *claude) whole(ctx context.Context, params anthropic.MessageNewParams) (*anthropic.Message, error) {
	return c.client.Messages.New(ctx, params)
}

func (c *claude) streamed(ctx context.Context, params anthropic.MessageNewParams) (*anthropic.Message, error) {
	stream := c.client.Messages.NewStreaming(ctx, params)
	defer stream.Close()
	all := &anthropic.Message{}
	for stream.Next() {
		if err := all.Accumulate(stream.Current()); err != nil {
			return all, err
		}
	}
	return all, stream.Err()
}

func (c *claude) UseTools(ctx context.Context, model string, streamed bool, tools []tool) ([]toolCall, string, error) {
	ask := c.whole
	if streamed {
		ask = c.streamed
	}
	params := anthropicParams(model)
	for _, t := range tools {
		params.Tools = append(params.Tools, anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
			Name: t.name, InputSchema: anthropic.ToolInputSchemaParam{Properties: t.schema["properties"]},
		}})
	}
	first, err := ask(ctx, params)
	if err != nil {
		return nil, "", err
	}
	var calls []toolCall
	var results []anthropic.ContentBlockParamUnion
	for _, block := range first.Content {
		if use, ok := block.AsAny().(anthropic.ToolUseBlock); ok {
			calls = append(calls, toolCall{use.ID, use.Name, string(use.Input)})
			results = append(results, anthropic.NewToolResultBlock(use.ID, "result of "+use.Name, false))
		}
	}
	params.Messages = append(params.Messages, first.ToParam(), anthropic.NewUserMessage(results...))
	answer, err := joined(ask(ctx, params))
	return calls, answer, err
}

func (c *claude) Show(ctx context.Context, model string, png []byte) error {
	params := anthropicParams(model)
	params.Messages = []anthropic.MessageParam{anthropic.NewUserMessage(
		anthropic.NewTextBlock("What is this?"),
		anthropic.NewImageBlockBase64("image/png", base64.StdEncoding.EncodeToString(png)),
	)}
	_, err := c.whole(ctx, params)
	return err
}

func (c *claude) Fill(ctx context.Context, model string, schema map[string]any) (string, error) {
	params := anthropicParams(model)
	params.OutputConfig.Format = anthropic.JSONOutputFormatParam{Schema: schema}
	return joined(c.whole(ctx, params))
}

func (c *claude) Failure(err error) (failure, bool) {
	e, ok := errors.AsType[*anthropic.Error](err)
	if !ok {
		return failure{}, false
	}
	return failure{
		Status: e.StatusCode, Code: string(e.Type()), Message: gjson.Get(e.RawJSON(), "error.message").String(),
		Header: e.Response.Header,
	}, true
}

// StreamFailure is of the same type, with the stream's own status.
func (c *claude) StreamFailure(err error) (failure, bool) { return c.Failure(err) }
