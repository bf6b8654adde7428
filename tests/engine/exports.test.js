// The wasm module and its glue, as `just packages` leaves them in target/bindings: in Node, and in a page of Chromium.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { withPage } from '../kit/browser.js';
import { assertions } from './exports.js';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'target/bindings/wasm');
const vectors = join(root, 'tests/vectors/snapshot');
const snapshot = 'two-flags.snapshot';

describe('Node', () => {
  for (const [name, holds] of Object.entries(assertions)) {
    test(name, async () => {
      // Each has a module of its own: `?` makes it another one to Node.
      const { Ffi, initSync } = await import(/* @vite-ignore */ `${join(folder, 'flags.js')}?${name}`);
      const { memory } = initSync({ module: readFileSync(join(folder, 'flags_bg.wasm')) });
      holds(new Ffi(), memory, readFileSync(join(vectors, snapshot)));
    });
  }
});

describe('Chromium', () => {
  for (const name of Object.keys(assertions)) {
    test(name, () =>
      withPage({ '/engine/': import.meta.dirname, '/glue/': folder, '/vectors/': vectors }, async ({ run, errors }) => {
        assert.ok(await run('/engine/exports.js', name, '/glue/flags.js', `/vectors/${snapshot}`));
        assert.deepEqual(errors, []);
      }),
    );
  }
});
