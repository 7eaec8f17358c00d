import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { onStage, ways } from './columns.js';

onStage('answers come whole and as a stream alike', async ({ sdk, model, primary, providerKey }) => {
  for (const [name, ask] of Object.entries(ways)) {
    assert.equal(await ask(sdk, model), primary.answer, name);
    const header = JSON.stringify((await primary.log()).requests.at(-1).header);
    assert.ok(!header.includes('sk-client') && header.includes(providerKey), `asked with ${header}`);
  }
});

onStage('pictures reach the provider byte for byte', async ({ sdk, model, primary, request }) => {
  const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), randomBytes(64 << 10)]);
  await sdk.show(model, png);
  const got = Buffer.from(request.picture(await primary.lastRequest()), 'base64');
  assert.ok(got.equals(png), `the provider got ${got.length} bytes for ${png.length}, or others`);
});

onStage('structured output carries the schema there and an answer that follows it back', async ({ sdk, model, primary, request }) => {
  const schema = {
    type: 'object',
    properties: { city: { type: 'string' }, people: { type: 'integer' } },
    required: ['city', 'people'],
    additionalProperties: false,
  };
  assert.deepEqual(await sdk.fill(model, schema), { city: 'word', people: 1 });
  assert.deepEqual(request.schema(await primary.lastRequest()), schema);
});

const tools = [
  { name: 'weather', schema: { type: 'object', properties: { city: { type: 'string' }, unit: { enum: ['C', 'F'] } } } },
  { name: 'clock', schema: { type: 'object', properties: { zones: { type: 'array', items: { type: 'integer' } } } } },
];

for (const [name, streamed] of Object.entries({ whole: false, streamed: true })) {
  onStage(`tools are called in parallel, and their results answered, ${name}`, async ({ sdk, model, primary, request }) => {
    const { calls, answer } = await sdk.useTools(model, streamed, tools);
    assert.equal(answer, primary.answer);
    assert.deepEqual(calls.map((c) => [c.name, c.arguments]), [
      ['weather', { city: 'word', unit: 'C' }],
      ['clock', { zones: [1] }],
    ]);
    assert.deepEqual(request.toolResultIDs(await primary.lastRequest()), calls.map((c) => c.id));
  });
}
