import assert from 'node:assert/strict';
import test from 'node:test';

import OpenAI from 'openai';

import { failed, patiently } from './columns.js';
import { models, once, startStage } from './stage.js';

const connect = (url, apiKey) => new OpenAI({ baseURL: `${url}/v1`, apiKey });

test('embeddings are what the provider computed', { timeout: patiently }, async (t) => {
  const { url, primary, providerKey } = await startStage(t);
  const embed = async (client) => {
    const answer = await client.embeddings.create({ model: models.openai, input: ['one', 'two'] });
    return answer.data.map((d) => d.embedding);
  };
  const got = await embed(connect(url, 'sk-client'));
  assert.deepEqual(got, await embed(connect(primary.url, providerKey)));
  assert.deepEqual(got.map((v) => v.length), [8, 8]);
});

test('responses', { timeout: patiently }, async (t) => {
  const { url, primary } = await startStage(t);
  const client = connect(url, 'sk-client');
  const stream = async (model, tell) => {
    for await (const event of await client.responses.create({ model, input: 'Hello', stream: true })) tell(event);
  };

  const whole = await client.responses.create({ model: models.openai, input: 'Hello' });
  assert.deepEqual([whole.output_text, whole.status], [primary.answer, 'completed']);

  let text = '';
  const last = [];
  await stream(models.openai, (event) => {
    if (event.type === 'response.output_text.delta') text += event.delta;
    last[0] = event.type;
  });
  assert.deepEqual([text, last[0]], [primary.answer, 'response.completed']);

  await primary.fault({ kind: 'cut', afterTokens: 3 });
  text = '';
  const err = await failed(stream(models.openai + once, (event) => {
    if (event.type === 'response.output_text.delta') text += event.delta;
  }));
  assert.ok(err instanceof OpenAI.APIError, err.message);
  assert.deepEqual([text, err.code], ['primary: word1 word2', 'upstream_unavailable']);
});
