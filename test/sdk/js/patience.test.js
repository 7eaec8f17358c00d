import assert from 'node:assert/strict';

import { failed, onStage, ways } from './columns.js';
import { once, touchy } from './stage.js';

onStage('an open circuit fails fast, though Retry-After says half a minute', async ({ sdk, SDK, model, code, primary, sent }) => {
  await primary.fault({ status: 503 });
  // The provider's own error, not repeated, is left to the SDK: its second try
  // meets the circuit that the first has opened.
  let tries = 2;
  for (const [way, ask] of Object.entries(ways)) {
    const began = performance.now();
    const err = await failed(ask(sdk, model + touchy));
    assert.ok(err instanceof SDK.errors[503], err.message);
    assert.equal(sdk.code(err), code('circuit_open', 'overloaded_error'), way);
    assert.equal(err.headers.get('x-switchgear-error'), 'circuit_open', way);
    const after = Number(err.headers.get('retry-after'));
    assert.ok(after > 10 && after <= 30, `${way}: Retry-After is ${after}`);
    assert.ok(performance.now() - began < 10_000, `${way}: it took too long`);
    assert.equal(sent.count, tries++, way);
  }
  assert.equal((await primary.log()).count, 1);
});

onStage('without the gateway, the SDK sleeps and asks three times', async ({ SDK, model, primary, providerKey, sent, counted }) => {
  await primary.fault({ status: 503, retryAfter: '1' });
  const began = performance.now();
  const err = await failed(new SDK(primary.url, providerKey, counted).ask(model));
  assert.ok(err instanceof SDK.errors[503], err.message);
  assert.ok(performance.now() - began >= 2000);
  assert.deepEqual({ sent: sent.count, asked: (await primary.log()).count }, { sent: 3, asked: 3 });
});

onStage('a rate limit that the gateway has not tried is left to the SDK', async ({ sdk, model, primary, sent }) => {
  await primary.fault({ status: 429, retryAfter: '1', requests: 1 });
  assert.equal(await sdk.ask(model + once), primary.answer);
  assert.deepEqual({ sent: sent.count, asked: (await primary.log()).count }, { sent: 2, asked: 2 });
});
