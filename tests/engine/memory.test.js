// Swapping snapshots and deciding leave memory flat.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import { test } from 'vitest';
import { collectGarbage, growth } from '../kit/memory.ts';

/** The memories of the wasm instances that are made from here on. */
const memories = [];
WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...args) {
    super(...args);
    if (this.exports.memory) memories.push(this.exports.memory);
  }
};

const { compiled, engines, NOW } = await import('./engines.js');
assert.ok(memories.length > 0, 'the module that decides was seen');

const flags = (revision) => {
  const rules = [{ conditions: [{ attribute: 'plan', operator: 'in', value: ['pro', 'team', `plan-${revision}`] }] }];
  return Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [`flag-${i}`, { rules, rollout: { percentage: i / 10 } }]),
  );
};
const revisions = [0, 1, 2].map((revision) => compiled({ revision, flags: flags(revision) }));

const MEGABYTE = 1 << 20;

const wasmBytes = () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);

/** Runs something again and again, and sees that memory stays as large as it is. */
async function staysFlat(round, most) {
  const wasm = [];
  const { all } = await growth(() => {
    round();
    wasm.push(wasmBytes());
  });
  assert.equal(wasm[9], wasm[3], 'wasm memory grew');
  assert.ok(all <= most, `resident memory grew by ${(all / MEGABYTE).toFixed(1)} MB`);
}

for (const { engine } of engines) {
  test(`${engine.name}: 1,000 snapshot swaps`, async () => {
    let current = engine.load(revisions[0]);
    await staysFlat(() => {
      for (let i = 0; i < 100; i++) {
        const next = engine.load(revisions[i % revisions.length]);
        const context = next.context(`user-${i}`, { plan: 'pro' });
        assert.equal(context.isEnabled('flag-1', NOW), true);
        current.free();
        current = next;
      }
    }, 4 * MEGABYTE);
    current.free();
  });

  test(`${engine.name}: 10 million decisions`, async () => {
    const snapshot = engine.load(revisions[0]);
    const one = snapshot.context('one', { plan: 'free' });
    await staysFlat(() => {
      let on = 0;
      // Remembered answers, contexts that come and go, and single questions.
      for (let i = 0; i < 800_000; i++) on += one.decide(i % 1000, NOW) & 1;
      for (let i = 0; i < 20_000; i++) {
        const context = snapshot.context(`user-${i}`, { plan: 'team' });
        for (let flag = 0; flag < 5; flag++) on += context.decide(flag, NOW) & 1;
      }
      for (let i = 0; i < 100_000; i++) on += +snapshot.isEnabled('flag-7', `user-${i}`, { plan: 'x' }, NOW);
      assert.ok(on >= 0);
    }, 4 * MEGABYTE);
    snapshot.free();
  });
}

test('10,000 documents compiled', async () => {
  await staysFlat(() => {
    for (let i = 0; i < 1000; i++) compiled({ revision: i, flags: { a: { rollout: { percentage: 50 } } } });
  }, 4 * MEGABYTE);
});

test('snapshots that were forgotten are let go', async () => {
  const [{ engine }] = engines;
  for (let i = 0; i < 6000; i++) {
    engine.load(revisions[0]);
    // The finalisers run between turns.
    if (i % 500 === 0) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
});

test('a module that is evaluated anew gives its shared memory back', async () => {
  const require = createRequire(import.meta.url);
  const path = require.resolve('@flcm/flags-node');
  const evaluate = compileFunction(readFileSync(path, 'utf8'), ['require', 'module', '__dirname']);
  const held = async () => {
    // What keeps the memory alive is let go between turns.
    for (let i = 0; i < 4; i++) {
      collectGarbage();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return process.memoryUsage().arrayBuffers;
  };
  const before = await held();
  for (let i = 0; i < 60; i++) {
    const module = { exports: {} };
    evaluate(createRequire(path), module, dirname(path));
    assert.equal(module.exports.engine.name, 'native');
  }
  const grown = (await held()) - before;
  assert.ok(grown <= 4 * MEGABYTE, `${(grown / MEGABYTE).toFixed(1)} MB are held`);
});
