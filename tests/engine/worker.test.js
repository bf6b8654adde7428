// The addon in several threads at once, each with an engine of its own; and both kinds of modules in one process.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { engine } from '@flcm/flags-node';
import { test } from 'vitest';
import { compiled, NOW } from './engines.js';

const bytes = compiled({ flags: { half: { rollout: { percentage: 50 } } } });
const users = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
const answersOf = (engine) => {
  const snapshot = engine.load(bytes);
  return users.map((user) => snapshot.isEnabled('half', user, undefined, NOW));
};

function inWorker() {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { bytes, users, now: NOW } });
    worker.once('message', resolve).once('error', reject);
  });
}

test('worker threads decide alike, beside each other and one after the other', async () => {
  const expected = answersOf(engine);
  for (let round = 0; round < 3; round++) {
    for (const { name, answers } of await Promise.all([inWorker(), inWorker(), inWorker()])) {
      assert.equal(name, 'native');
      assert.deepEqual(answers, expected);
    }
  }
  assert.deepEqual(answersOf(engine), expected);
});

test('what is imported and what is required is one engine', () => {
  const required = createRequire(import.meta.url)('@flcm/flags-node');
  assert.equal(required.engine, engine);
});
