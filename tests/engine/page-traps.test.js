// An instance of the page's module that has failed is of no use any more: the layer makes another one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPageEngine } from '@flcm/flags-web/page';
import { afterAll, test } from 'vitest';
import { compiled, NOW } from './engines.js';

const module = new WebAssembly.Module(readFileSync(join(import.meta.dirname, '../../pkg/web/dist/flags-page.wasm')));
const { Instance } = WebAssembly;
/** How many of the next decisions fail. */
let failures = 0;

WebAssembly.Instance = function failing(of, imports) {
  const { exports } = new Instance(of, imports);
  const decide = (...args) => {
    if (failures === 0) return exports.decide(...args);
    failures -= 1;
    throw new WebAssembly.RuntimeError('unreachable');
  };
  return { exports: { ...exports, decide } };
};
afterAll(() => {
  WebAssembly.Instance = Instance;
});

/** A page with a flag that is held, one for a plan and one for half of the users; and what the page reports. */
function pageWith() {
  const conditions = [{ attribute: 'plan', operator: '==', value: 'pro' }];
  const bytes = compiled({ flags: { half: { rollout: { percentage: 50 } }, held: {}, paid: { conditions } } });
  const reported = [];
  const page = createPageEngine(module, (error) => reported.push(error)).load(bytes);
  // The caller may use its memory again.
  bytes.fill(0);
  assert.ok(page.setTrip('held', 2));
  return { page, reported };
}

test('an instance that fails is replaced, with its trips and contexts, and reported once', () => {
  const { page, reported } = pageWith();
  const contexts = ['alice', 'bob', 'carol'].map((key) => page.context(key, { plan: key === 'bob' ? 'free' : 'pro' }));
  const decisions = () => contexts.map((context) => [...context.decideAll(NOW)].join());
  const before = decisions();
  assert.notEqual(before[0], before[1]);
  failures = 1;
  assert.deepEqual(decisions(), before);
  assert.equal(contexts[0].decision('held', NOW).reason, 'BREAKER_OPEN');
  assert.deepEqual(
    reported.map((error) => error.message),
    ['unreachable'],
  );
});

test('a second instance that fails as well is an error of the call, and the next call is answered', () => {
  const { page, reported } = pageWith();
  const context = page.context('alice', { plan: 'pro' });
  failures = 2;
  assert.throws(() => context.isEnabled('paid', NOW), WebAssembly.RuntimeError);
  assert.equal(reported.length, 1);
  assert.equal(context.isEnabled('paid', NOW), true);
  assert.equal(context.isEnabled('held', NOW), false);
});
