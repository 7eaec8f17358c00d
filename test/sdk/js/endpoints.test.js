import assert from 'node:assert/strict';
import test from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';

import { failed, patiently } from './columns.js';
import { account, models, startStage } from './stage.js';

// A file with all that a form must not stumble over.
const recording = Buffer.concat([
  Buffer.from('RIFF\0\xff\r\n--\r\n\r\nContent-Disposition: form-data; name="model"\r\n\r\nother\r\n', 'latin1'),
  Buffer.alloc(100_000),
]);
const file = (name, type) => toFile(recording, name, { type });

const connect = (url, apiKey, defaultHeaders) => new OpenAI({ baseURL: `${url}/v1`, apiKey, defaultHeaders });

test('models are listed alike by both SDKs', { timeout: patiently }, async (t) => {
  const { url, primary } = await startStage(t);
  const openai = connect(url, 'sk-client');
  const anthropic = new Anthropic({ baseURL: url, apiKey: 'sk-client' });
  const lists = [[], []];
  for await (const model of openai.models.list()) lists[0].push(model.id);
  for await (const model of anthropic.models.list({ limit: 5 })) lists[1].push(model.id);
  assert.equal(lists[0].length, 24);
  assert.deepEqual(lists[1], lists[0]);
  assert.equal((await openai.models.retrieve(models.anthropic)).id, models.anthropic);
  assert.equal((await anthropic.models.retrieve(models.openai)).id, models.openai);
  assert.ok(await failed(openai.models.retrieve('unheard-of')) instanceof OpenAI.NotFoundError);
  assert.ok(await failed(anthropic.models.retrieve('unheard-of')) instanceof Anthropic.NotFoundError);
  assert.equal((await primary.log()).count, 0);
});

test('sound is what the provider made', { timeout: patiently }, async (t) => {
  const { url, primary, providerKey } = await startStage(t);
  const speak = async (client) => {
    const sound = await client.audio.speech.create({ model: models.openai, voice: 'alloy', input: 'Hello' });
    return Buffer.from(await sound.arrayBuffer()).toString('latin1');
  };
  const got = await speak(connect(url, 'sk-client'));
  assert.ok(got.startsWith('\xff\xfb'));
  assert.equal(got, await speak(connect(primary.url, providerKey)));
});

test('a recording arrives whole, at the fallback too', { timeout: patiently }, async (t) => {
  const { url, primary } = await startStage(t);
  const client = connect(url, 'sk-client');
  const listen = async (stream) => client.audio.transcriptions.create({ model: models.openai, file: await file('ä "b".wav', 'audio/wav'), stream });
  const heard = ` heard ${recording.length} bytes of `;
  assert.ok((await listen(false)).text.startsWith(`primary${heard}`));
  let text = '';
  for await (const event of await listen(true)) text += event.delta ?? '';
  assert.ok(text.startsWith(`primary${heard}`), text);
  await primary.fault({ status: 500 });
  assert.ok((await listen(false)).text.startsWith(`fallback${heard}`));
});

test('pictures', { timeout: patiently }, async (t) => {
  const { url } = await startStage(t);
  const client = connect(url, 'sk-client');
  const drawn = (answer) => Buffer.from(answer.data[0].b64_json, 'base64').toString('latin1');
  const made = `\x89PNG primary ${models.openai} 0`;
  assert.equal(drawn(await client.images.generate({ model: models.openai, prompt: 'Hello' })), made);
  const edited = await client.images.edit({ model: models.openai, prompt: 'Hello', image: await file('a.png', 'image/png') });
  assert.equal(drawn(edited), `${made} of ${recording.length} bytes of a.png`);
});

test('files go where a route opens the account, and nowhere else', { timeout: patiently }, async (t) => {
  const { url, primary } = await startStage(t);
  const client = connect(url, 'sk-client', account);
  const upload = async (c) => c.files.create({ file: await file('a.jsonl', 'application/jsonl'), purpose: 'batch' });
  const made = await upload(client);
  assert.deepEqual([made.filename, made.bytes, made.purpose], ['a.jsonl', recording.length, 'batch']);
  assert.equal((await client.files.retrieve(made.id)).id, made.id);
  const content = Buffer.from(await (await client.files.content(made.id)).arrayBuffer());
  assert.ok(content.equals(recording));
  assert.equal((await client.files.delete(made.id)).deleted, true);
  assert.equal((await client.moderations.create({ input: 'Hello' })).results.length, 1);

  const { count } = await primary.log();
  const err = await failed(upload(connect(url, 'sk-client')));
  assert.ok(err instanceof OpenAI.NotFoundError, err.message);
  assert.deepEqual([err.code, (await primary.log()).count], ['no_route', count]);
});

test("what only Anthropic's dialect has", { timeout: patiently }, async (t) => {
  const { url } = await startStage(t);
  const client = new Anthropic({ baseURL: url, apiKey: 'sk-client', defaultHeaders: account });
  const messages = [{ role: 'user', content: 'Hello' }];
  assert.ok((await client.messages.countTokens({ model: models.anthropic, messages })).input_tokens > 0);
  const batch = await client.messages.batches.create({ requests: [{ custom_id: '1', params: { model: models.anthropic, max_tokens: 9, messages } }] });
  assert.ok(batch.id);
});
