import assert from 'node:assert/strict';

import { failed, onStage, ways } from './columns.js';
import { impatient, once, repeated, revoked } from './stage.js';

// What an application is told of what goes wrong. own is the gateway's code;
// without it, it is the provider's error. asked is what the provider saw.
const cases = [
  { name: 'a bad request', suffix: once, fault: { status: 400, message: 'temperature: too hot' },
    status: 400, codes: ['', 'invalid_request_error'], message: 'temperature: too hot', asked: 1 },
  { name: "the gateway's credential refused", suffix: revoked, fault: {},
    own: 'upstream_credential_rejected', status: 502, codes: ['upstream_credential_rejected', 'api_error'], asked: 1 },
  { name: 'an unknown model', suffix: '-unheard-of', fault: {},
    own: 'model_not_found', status: 404, codes: ['model_not_found', 'not_found_error'], message: '-unheard-of', asked: 0 },
  { name: 'a rate limit that the gateway has tried', suffix: repeated, fault: { status: 429, message: 'slow down' },
    status: 429, codes: ['rate_limit_exceeded', 'rate_limit_error'], message: 'slow down', asked: 2 },
  { name: 'an overload that the gateway has tried', suffix: repeated, fault: { status: 503, message: 'come back' },
    status: 503, codes: ['', 'api_error', { fromOpenAI: 'overloaded_error' }], message: 'come back', asked: 2 },
  { name: 'nonsense', suffix: repeated, fault: { kind: 'not-json' },
    own: 'upstream_unavailable', status: 502, codes: ['upstream_unavailable', 'api_error'], asked: 2 },
  { name: 'no answer in time', suffix: impatient, fault: { kind: 'hang' },
    own: 'upstream_timeout', status: 504, codes: ['upstream_timeout', 'timeout_error'], asked: 1 },
];

onStage("errors are of the SDK's own types, and not tried again", async ({ sdk, SDK, model, code, primary, sent }) => {
  for (const [way, ask] of Object.entries(ways)) {
    for (const c of cases) {
      const name = `${c.name}, ${way}`;
      await primary.fault(c.fault);
      sent.count = 0;
      const err = await failed(ask(sdk, model + c.suffix));
      assert.ok(err instanceof SDK.errors[c.status], `${name}: ${err.constructor.name}: ${err.message}`);
      assert.deepEqual(
        { status: err.status, code: sdk.code(err), own: err.headers.get('x-switchgear-error') ?? undefined },
        { status: c.status, code: code(...c.codes), own: c.own },
        name,
      );
      assert.ok(err.message.includes(c.message ?? '') && !err.message.includes('Incorrect API key'), `${name}: ${err.message}`);
      assert.deepEqual({ sent: sent.count, asked: (await primary.log()).count }, { sent: 1, asked: c.asked }, name);
    }
  }
});

const breaks = [
  { fault: { kind: 'error-event', afterTokens: 3, errorType: 'overloaded_error', errorCode: 'busy', message: 'too much' },
    codes: ['busy', 'overloaded_error', { fromAnthropic: 'overloaded_error' }], message: 'too much' },
  { fault: { kind: 'cut', afterTokens: 3 }, codes: ['upstream_unavailable', 'api_error'] },
  { fault: { kind: 'missing-end', afterTokens: 3 }, codes: ['upstream_unavailable', 'api_error'] },
];

onStage("streams that break raise the SDK's error after the text that came", async ({ sdk, SDK, model, code, primary, sent }) => {
  for (const c of breaks) {
    await primary.fault(c.fault);
    sent.count = 0;
    let text = '';
    const err = await failed(sdk.stream(model + once, (t) => { text = t; }));
    assert.equal(text, 'primary: word1 word2', c.fault.kind);
    assert.ok(err instanceof SDK.streamError, `${c.fault.kind}: ${err.constructor.name}: ${err.message}`);
    assert.equal(sdk.code(err), code(...c.codes), c.fault.kind);
    assert.ok(err.message.includes(c.message ?? ''), err.message);
    assert.deepEqual({ sent: sent.count, asked: (await primary.log()).count }, { sent: 1, asked: 1 }, c.fault.kind);
  }
});
