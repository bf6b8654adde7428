// What the engine of pages has room for, and what it says beyond that.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPageEngine } from '@flcm/flags-web/page';
import { test } from 'vitest';
import { compiled, NOW } from './engines.js';

const root = join(import.meta.dirname, '../..');
const module = new WebAssembly.Module(readFileSync(join(root, 'pkg/web/dist/flags-page.wasm')));
const page = createPageEngine(module, (error) => assert.fail(error));

const conditions = [{ attribute: 'name', operator: 'ends_with', value: ['z'] }];
const snapshot = page.load(compiled({ flags: { named: { conditions } } }));

/** A context of so many bytes: two entries of sixteen, and a text. */
const ofBytes = (bytes, unit = 'a') => {
  const rest = bytes - 32 - 1;
  const size = Buffer.byteLength(unit);
  return `${'b'.repeat(rest % size)}${unit.repeat(Math.floor(rest / size))}z`;
};

for (const unit of ['a', 'é', '漢', '👍']) {
  test(`a context has at most 8 KB, of "${unit}"`, () => {
    for (const bytes of [8191, 8192]) {
      const context = snapshot.context(undefined, { name: ofBytes(bytes, unit) });
      assert.equal(context.isEnabled('named', NOW), true, `${bytes} bytes`);
    }
    for (const bytes of [8193, 1 << 20]) {
      assert.throws(() => snapshot.context(undefined, { name: ofBytes(bytes, unit) }), { code: 'TOO_LARGE' });
    }
  });
}

test('a list of very many items is too large, and no other error', () => {
  const compiledList = compiled({
    flags: { listed: { conditions: [{ attribute: 'tags', operator: 'contains', value: 'z' }] } },
  });
  const tagged = page.load(compiledList);
  assert.equal(tagged.context('alice', { tags: Array(500).fill('').fill('z', 499) }).isEnabled('listed', NOW), true);
  assert.throws(() => tagged.context('alice', { tags: Array(1_000_000).fill('a') }), { code: 'TOO_LARGE' });
});

test('a snapshot has at most 1 MB', () => {
  const document = (length) => ({ flags: { long: { default: 'x'.repeat(length), on: 'y' } } });
  const rest = compiled(document(1)).length - 1;
  for (const bytes of [(1 << 20) - 1, 1 << 20]) {
    assert.equal(page.load(compiled(document(bytes - rest))).flagCount, 1);
  }
  assert.throws(() => page.load(compiled(document((1 << 20) + 1 - rest))), { code: 'TOO_LARGE' });
});

test('a snapshot has at most 8,192 flags', () => {
  const document = (count) => ({
    flags: Object.fromEntries(Array.from({ length: count }, (_, index) => [index.toString(36), { enabled: false }])),
  });
  const snapshotOf = (count) => {
    const bytes = compiled(document(count));
    assert.ok(bytes.length < 1 << 20, `${bytes.length} bytes`);
    return page.load(bytes);
  };
  const most = snapshotOf(8192);
  assert.equal(most.flagCount, 8192);
  assert.equal(most.context('alice').decideAll(NOW).length, 2 * 8192);
  assert.throws(() => snapshotOf(8193), { code: 'TOO_LARGE' });
});

test('what is no context is an error with a code, and no attributes are none', () => {
  for (const attributes of [undefined, null, {}]) {
    assert.equal(snapshot.context('alice', attributes).isEnabled('named', NOW), false);
  }
  for (const [key, attributes] of [
    [5],
    ['alice', 3],
    ['alice', 'z'],
    ['alice', { name: 1n }],
    ['alice', { name: {} }],
  ]) {
    assert.throws(() => snapshot.context(key, attributes), { code: 'INVALID_CONTEXT' });
  }
});

test('what an object inherits is no attribute', () => {
  const inherited = Object.create({ name: 'z', cohorts: ['beta'] });
  assert.equal(snapshot.context('alice', inherited).isEnabled('named', NOW), false);
  inherited.name = 'z';
  assert.equal(snapshot.context('alice', inherited).isEnabled('named', NOW), true);
});
