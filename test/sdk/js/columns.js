// What every test is run on that knows no SDK.
import test from 'node:test';

import { AnthropicSDK, anthropicRequest } from './anthropic.js';
import { OpenAISDK, openAIRequest } from './openai.js';
import { models, startStage } from './stage.js';

// A column is an SDK before a provider, which the model chooses. code picks, of the
// codes of OpenAI's dialect and of Anthropic's, what the SDK's own has for an error;
// a third is that of one that a provider of the other dialect has told, where it
// differs. request finds things in the provider's.
const columns = [
  { name: 'OpenAI', model: models.openai, SDK: OpenAISDK, code: (openai) => openai, request: openAIRequest },
  { name: 'Anthropic', model: models.anthropic, SDK: AnthropicSDK, code: (_, anthropic) => anthropic, request: anthropicRequest },
  { name: 'OpenAI translated', model: models.anthropic, SDK: OpenAISDK,
    code: (openai, _, { fromAnthropic = openai } = {}) => fromAnthropic, request: anthropicRequest },
  { name: 'Anthropic translated', model: models.openai, SDK: AnthropicSDK,
    code: (_, anthropic, { fromOpenAI = anthropic } = {}) => fromOpenAI, request: openAIRequest },
];

// The ways to ask.
export const ways = {
  whole: (sdk, model) => sdk.ask(model),
  streamed: (sdk, model) => sdk.stream(model),
};

// patiently is how long a test waits for what must come, in milliseconds: less
// than an SDK would sleep that came back to an open circuit.
export const patiently = 20_000;

// onStage runs a test on each column, with a stage of its own. It is handed the
// column, the stage, and a client with a counter of what it has sent.
export function onStage(name, body) {
  for (const column of columns) {
    test(`${name} / ${column.name}`, { timeout: patiently }, async (t) => {
      const stage = await startStage(t);
      const sent = { count: 0 };
      const counted = (url, init) => {
        sent.count++;
        return fetch(url, init);
      };
      await body({ t, ...column, ...stage, sent, counted, sdk: new column.SDK(stage.url, 'sk-client', counted) });
    });
  }
}

// failed is the error of what must fail.
export async function failed(promise) {
  let answer;
  try {
    answer = await promise;
  } catch (err) {
    return err;
  }
  throw new Error(`got ${JSON.stringify(answer)}, want an error`);
}
