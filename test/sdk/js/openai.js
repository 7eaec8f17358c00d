// The package openai, as the tests use an SDK; anthropic.js has the same.
import OpenAI from 'openai';

const hello = [{ role: 'user', content: 'Hello' }];

export class OpenAISDK {
  // errors are the SDK's own types, by status.
  static errors = {
    400: OpenAI.BadRequestError,
    404: OpenAI.NotFoundError,
    429: OpenAI.RateLimitError,
    502: OpenAI.InternalServerError,
    503: OpenAI.InternalServerError,
    504: OpenAI.InternalServerError,
  };
  static streamError = OpenAI.APIError;

  constructor(url, apiKey, through = fetch) {
    this.client = new OpenAI({ baseURL: `${url}/v1`, apiKey, fetch: through });
  }

  // code is what an application goes by.
  code(err) {
    return err.code ?? '';
  }

  async ask(model) {
    const answer = await this.client.chat.completions.create({ model, messages: hello });
    return answer.choices[0].message.content;
  }

  // stream tells the text as it comes to a function, and returns it.
  async stream(model, tell = () => {}) {
    let text = '';
    for await (const chunk of await this.client.chat.completions.create({ model, messages: hello, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
      tell(text);
    }
    return text;
  }

  // useTools asks, and asks again with what the calls of the tools return.
  async useTools(model, streamed, tools) {
    const ask = async (messages) => {
      const params = {
        model,
        messages,
        tools: tools.map(({ name, schema }) => ({ type: 'function', function: { name, parameters: schema } })),
      };
      const answer = streamed
        ? await this.client.chat.completions.stream(params).finalChatCompletion()
        : await this.client.chat.completions.create(params);
      return answer.choices[0].message;
    };
    const first = await ask(hello);
    const calls = first.tool_calls.map((c) => ({ id: c.id, name: c.function.name, arguments: JSON.parse(c.function.arguments) }));
    const results = calls.map((c) => ({ role: 'tool', tool_call_id: c.id, content: `result of ${c.name}` }));
    return { calls, answer: (await ask([...hello, first, ...results])).content };
  }

  async show(model, png) {
    const url = `data:image/png;base64,${png.toString('base64')}`;
    const content = [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url } }];
    await this.client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
  }

  async fill(model, schema) {
    const answer = await this.client.chat.completions.create({
      model,
      messages: hello,
      response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } },
    });
    return JSON.parse(answer.choices[0].message.content);
  }
}

// openAIRequest finds things in a request of the dialect.
export const openAIRequest = {
  toolResultIDs: (r) => r.messages.filter((m) => m.role === 'tool').map((m) => m.tool_call_id),
  picture: (r) => r.messages[0].content.find((c) => c.type === 'image_url').image_url.url.replace('data:image/png;base64,', ''),
  schema: (r) => r.response_format.json_schema.schema,
};
