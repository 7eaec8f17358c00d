import assert from 'node:assert/strict';

import { onStage, ways } from './columns.js';
import { across } from './stage.js';

const callers = 8;
const calls = 100; // before, in and after the outage each, at least

const outages = [{ status: 503 }, { kind: 'reset' }].flatMap((fault) => [
  { fault, suffix: '', name: 'an outage goes unnoticed' },
  { fault, suffix: across, name: 'an outage goes unnoticed, with a fallback of the other dialect' },
]);

for (const { fault, suffix, name } of outages) {
  onStage(`${name}: ${JSON.stringify(fault)}`, async ({ sdk, model, primary, fallback, sent }) => {
    // collect calls without a pause, whole and streamed in turn, until enough have
    // been answered and the last ones are all of one provider.
    const collect = async (provider) => {
      let made = 0;
      let inRow = 0;
      await Promise.all(Array.from({ length: callers }, async (_, n) => {
        while (made < calls || inRow < 2 * callers) {
          made++;
          const answer = await ways[n++ % 2 ? 'whole' : 'streamed'](sdk, model + suffix);
          assert.ok(answer === primary.answer || answer === fallback.answer, answer);
          inRow = answer === provider.answer ? inRow + 1 : 0;
        }
      }));
      return made;
    };
    let made = await collect(primary);
    await primary.fault(fault);
    const began = performance.now();
    made += await collect(fallback);
    const outage = performance.now() - began;
    // What it takes to open the circuit, the calls that were under way then, and
    // the probes, each twice.
    const most = 5 + 2 * callers + 2 * (Math.floor(outage / 450) + 1);
    const { count } = await primary.log();
    assert.ok(count >= 5 && count <= most, `the primary saw ${count} calls in ${outage} ms, want 5 to ${most}`);
    await primary.heal();
    made += await collect(primary);
    assert.ok(made >= 3 * calls);
    assert.equal(sent.count, made, 'the SDK tried again by itself');
  });
}
