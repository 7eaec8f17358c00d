// The stage that Go's tests have too: a gateway and two simulated providers, as
// a process of its own. See ../stage.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const bin = (name) => fileURLToPath(new URL(`../../../bin/${name}`, import.meta.url));

// What a developer's shell says to the SDKs is not for these tests.
for (const name of Object.keys(process.env)) {
  if (/^(OPENAI|ANTHROPIC)_/.test(name)) delete process.env[name];
}

// The models, and the suffixes of models.go.
export const models = { openai: 'gpt-4o', anthropic: 'claude-sonnet' };
export const across = '-across';
export const once = '-once';
export const repeated = '-repeated';
export const touchy = '-touchy';
export const impatient = '-impatient';
export const revoked = '-revoked';

// The header with which a request that names no model reaches the account.
export const account = { 'x-account': 'main' };

// startStage starts a stage that ends with the test.
export async function startStage(t) {
  const child = spawn(bin('sdk-stage'), ['-switchgear', bin('switchgear')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  t.after(async () => {
    child.stdin.end(); // it ends with its stdin
    const code = await ended;
    if (code !== 0) throw new Error(`the stage ended with ${code}`);
  });
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    new Promise((resolve) => lines.once('line', resolve)),
    ended.then((code) => Promise.reject(new Error(`the stage ended at once, with ${code}`))),
  ]);
  const { url, primary, fallback, providerKey } = JSON.parse(line);
  return { url, providerKey, primary: new Provider('primary', primary), fallback: new Provider('fallback', fallback) };
}

// Provider is a simulated provider, switched over HTTP.
class Provider {
  constructor(name, url) {
    this.url = url;
    this.answer = `${name}: word1 word2 word3 word4 word5 word6 word7`;
  }

  async #call(method, path, body) {
    const answer = await fetch(`${this.url}/_sim/${path}`, { method, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  }

  // fault breaks it, and empties its log.
  async fault(fault) {
    await this.#call('DELETE', 'requests');
    await this.#call('PUT', 'fault', fault);
  }

  heal() {
    return this.#call('DELETE', 'fault');
  }

  // log is {count, requests}.
  log() {
    return this.#call('GET', 'requests');
  }

  // lastRequest is the last body that it was asked.
  async lastRequest() {
    const { requests } = await this.log();
    return JSON.parse(requests.at(-1).body);
  }
}
