// examples/node: decides, keeps the last known good document, and takes the next good one.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, test } from 'vitest';
import { start, until } from './start.js';

const original = fileURLToPath(new URL('../../examples/node/flags.yaml', import.meta.url));
const people = Array.from({ length: 200 }, (_, index) => `user-${index}`);
let service;
let folder;
let file;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flcm-example-'));
  file = join(folder, 'flags.yaml');
  copyFileSync(original, file);
  service = await start('node/server.js', file);
});
afterAll(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true });
});

/** Edits as deployments do: a new file, put in the place of the old one. */
function deploy(text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

async function ask(query) {
  const response = await fetch(`${service.url}/?${query}`);
  assert.equal(response.status, 200);
  return response.json();
}

test('says which engine runs', () => {
  assert.match(service.output(), /^engine: (native|wasm)$/m);
});

test('decides for each request', async () => {
  const { greeting, decision, snapshot } = await ask('user=alice&plan=pro');
  assert.equal(greeting, 'Good to see you, alice');
  assert.equal(decision.variant, 'warm');
  assert.equal(decision.reason, 'TARGETING_MATCH');
  assert.equal(decision.rule, 'pro_plan');
  assert.match(snapshot, /^[0-9a-f]{16}$/);

  const answers = await Promise.all(people.map((user) => ask(`user=${user}`)));
  const greeted = new Set(answers.map(({ greeting }) => greeting.split(',')[0]));
  assert.deepEqual([...greeted].sort(), ['Good to see you', 'Hello', 'Hi']);
  const inside = answers.filter(({ decision }) => decision.reason === 'SPLIT').length;
  assert.ok(inside > 70 && inside < 130, `${inside} of 200 at 50 %`);
  assert.deepEqual(await ask('user=user-7'), answers[7], 'the same user is answered the same');
});

test('what nobody asks for', async () => {
  assert.equal((await ask('')).greeting, 'Hello, stranger');
  assert.equal((await ask('user=&plan=%00&cohorts=x&user=b')).decision.errorCode, undefined);
  assert.equal((await fetch(`${service.url}/favicon.ico`)).status, 404);
  assert.equal((await fetch(`${service.url}//?user=a`)).status, 404);
});

test('a bad edit is reported and not used; a good one is', async () => {
  const query = 'user=alice&plan=pro';
  const first = await ask(query);
  const good = readFileSync(file, 'utf8');

  deploy(good.replace('variant: warm', 'variant: warmest'));
  const unused = () => ask(query).then((answer) => ({ answer, errors: service.errors() }));
  const bad = await until(unused, ({ errors }) => errors.includes('warmest'));
  assert.match(bad.errors, /INVALID_DOCUMENT: .*flags.yaml is not used:\nerror\[[a-z-]+\]: .*warmest/);
  assert.match(bad.errors, /flags\.greeting\.rules\[0\]\.variant/);
  assert.deepEqual(await ask(query), first, 'last known good');

  rmSync(file);
  const gone = await until(unused, ({ errors }) => errors.includes('ENOENT'));
  assert.deepEqual(gone.answer, first, 'last known good');

  deploy(good.replace('variant: warm', 'variant: short'));
  const next = await until(
    () => ask(query),
    ({ snapshot }) => snapshot !== first.snapshot,
  );
  assert.equal(next.greeting, 'Hi, alice');

  // Edits in place, one after the other: no request is answered by a snapshot that was freed.
  for (let edit = 1; edit <= 5; edit++) {
    writeFileSync(file, good.replace('Good to see you', `Edit ${edit}`));
    await until(
      () => ask(query),
      ({ greeting }) => greeting === `Edit ${edit}, alice`,
    );
  }

  writeFileSync(file, 'flags: {}\n');
  const without = await until(
    () => ask(query),
    ({ decision }) => decision.reason === 'ERROR',
  );
  assert.equal(without.decision.errorCode, 'FLAG_NOT_FOUND');
  assert.equal(without.greeting, 'Hello, alice', 'the fallback of the service');
});

test('does not start without a good document', async () => {
  const bad = join(folder, 'bad.yaml');
  writeFileSync(bad, 'flags: { greeting: { colour: red } }\n');
  await assert.rejects(start('node/server.js', bad), /ended with 1[\s\S]*unknown key `colour`/);
});
