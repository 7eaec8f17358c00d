// The package @anthropic-ai/sdk, as the tests use an SDK; openai.js has the same.
import Anthropic from '@anthropic-ai/sdk';

const hello = [{ role: 'user', content: 'Hello' }];
const textOf = (message) => message.content.map((block) => block.text ?? '').join('');

export class AnthropicSDK {
  // errors are the SDK's own types, by status.
  static errors = {
    400: Anthropic.BadRequestError,
    404: Anthropic.NotFoundError,
    429: Anthropic.RateLimitError,
    502: Anthropic.InternalServerError,
    503: Anthropic.InternalServerError,
    504: Anthropic.InternalServerError,
  };
  static streamError = Anthropic.APIError;

  constructor(url, apiKey, through = fetch) {
    this.client = new Anthropic({ baseURL: url, apiKey, fetch: through });
  }

  // code is what an application goes by.
  code(err) {
    return err.type ?? '';
  }

  async ask(model) {
    return textOf(await this.client.messages.create({ model, max_tokens: 1024, messages: hello }));
  }

  // stream tells the text as it comes to a function, and returns it.
  async stream(model, tell = () => {}) {
    let text = '';
    for await (const event of await this.client.messages.create({ model, max_tokens: 1024, messages: hello, stream: true })) {
      text += event.delta?.text ?? '';
      tell(text);
    }
    return text;
  }

  // useTools asks, and asks again with what the calls of the tools return.
  async useTools(model, streamed, tools) {
    const ask = (messages) => {
      const params = {
        model,
        max_tokens: 1024,
        messages,
        tools: tools.map(({ name, schema }) => ({ name, input_schema: schema })),
      };
      return streamed ? this.client.messages.stream(params).finalMessage() : this.client.messages.create(params);
    };
    const first = await ask(hello);
    const calls = first.content
      .filter((block) => block.type === 'tool_use')
      .map((use) => ({ id: use.id, name: use.name, arguments: use.input }));
    const results = calls.map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: `result of ${c.name}` }));
    const second = await ask([...hello, { role: 'assistant', content: first.content }, { role: 'user', content: results }]);
    return { calls, answer: textOf(second) };
  }

  async show(model, png) {
    const source = { type: 'base64', media_type: 'image/png', data: png.toString('base64') };
    const content = [{ type: 'text', text: 'What is this?' }, { type: 'image', source }];
    await this.client.messages.create({ model, max_tokens: 1024, messages: [{ role: 'user', content }] });
  }

  async fill(model, schema) {
    const answer = await this.client.messages.create({
      model,
      max_tokens: 1024,
      messages: hello,
      output_config: { format: { type: 'json_schema', schema } },
    });
    return JSON.parse(textOf(answer));
  }
}

// anthropicRequest finds things in a request of the dialect.
export const anthropicRequest = {
  toolResultIDs: (r) => r.messages.at(-1).content.map((block) => block.tool_use_id),
  picture: (r) => r.messages[0].content.find((c) => c.type === 'image').source.data,
  schema: (r) => r.output_config.format.schema,
};
