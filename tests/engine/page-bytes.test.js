// The engine of pages validates less than the full one. What it takes it must decide without leaving the bytes and
// without walking long, and what the full engine takes too it must decide alike.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPageEngine } from '@flcm/flags-web/page';
import { test } from 'vitest';
import { compiled, engines, NOW } from './engines.js';
import { checksum, mend, records } from './snapshot-bytes.js';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'tests/vectors/snapshot');
const snapshots = readdirSync(folder)
  .filter((name) => name.endsWith('.snapshot'))
  .map((name) => readFileSync(join(folder, name)));
const module = new WebAssembly.Module(readFileSync(join(root, 'pkg/web/dist/flags-page.wasm')));

/** Numbers that are the same in each run. */
function* random(seed) {
  let state = seed;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

const USERS = [
  ['alice', { plan: 'pro', country: 'DE', age: 45, version: '2.1.0', tags: ['a', 'b'], at: '2026-12-01T00:00:00Z' }],
  ['bob', { cohorts: ['beta', 'staff'], plan: 'free', paying: true }],
  [undefined, {}],
];

/** Every decision of a snapshot, for each user. */
const decisions = (snapshot) =>
  USERS.map(([key, attributes]) => [...snapshot.context(key, attributes).decideAll(NOW)].join());

test('the checksum of this file is that of the format', () => {
  for (const bytes of snapshots) assert.equal(bytes.readBigUInt64LE(8), checksum(bytes.subarray(16)));
});

test('damaged bytes with a right checksum are refused, or decided in bounds, and as the full engine decides', () => {
  const [{ engine: full }] = engines;
  const numbers = random(20_261_201);
  const next = (below) => numbers.next().value % below;
  const traps = [];
  const page = createPageEngine(module, (error) => traps.push(error));
  const load = (engine, bytes) => {
    try {
      return engine.load(bytes);
    } catch (error) {
      assert.match(error.code, /^(INVALID_SNAPSHOT|TOO_LARGE)$/, error.stack);
      return undefined;
    }
  };
  let [alike, alone] = [0, 0];
  for (const original of snapshots) {
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(original);
      for (let i = next(3); i >= 0; i--) {
        // Behind version and length, which would be refused at once.
        bytes[24 + next(bytes.length - 24)] = next(4) ? next(256) : [0, 1, 127, 255][next(4)];
      }
      mend(bytes);
      const taken = load(full, bytes);
      const small = load(page, bytes);
      assert.ok(small || !taken, 'what the full engine takes, the page takes');
      const answers = small && decisions(small);
      if (taken) {
        assert.deepEqual(answers, decisions(taken));
        taken.free();
        alike++;
      } else if (small) alone++;
    }
  }
  assert.deepEqual(traps, []);
  assert.ok(alike > 500 && alone > 100, `${alike} were taken by both, ${alone} by the page alone`);
});

test('a flag of a later level is an error by itself, and meets no expectation', () => {
  const rollout = { percentage: 100 };
  const flags = { a_later: { rollout }, b_plain: { rollout } };
  for (const enabled of [true, false]) {
    flags[`c_depends_${enabled}`] = { dependencies: [{ flag: 'a_later', enabled }], rollout };
    flags[`d_asks_${enabled}`] = { conditions: [{ flag: 'a_later', enabled }] };
  }
  const bytes = Buffer.from(compiled({ flags }));
  bytes[records(bytes, 'flag').at(0, 'level')] = 255;
  const page = createPageEngine(module).load(mend(bytes));
  const context = page.context('alice');
  const { reason, errorCode, enabled } = context.decision('a_later', NOW);
  assert.deepEqual({ reason, errorCode, enabled }, { reason: 'ERROR', errorCode: 'PARSE_ERROR', enabled: false });
  const on = Object.keys(flags).filter((key) => context.isEnabled(key, NOW));
  assert.deepEqual(on, ['b_plain']);
  const full = engines[0].engine.load(bytes);
  assert.deepEqual(decisions(page), decisions(full));
  full.free();
});
