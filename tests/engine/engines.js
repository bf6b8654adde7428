import assert from 'node:assert/strict';
import * as native from '@flcm/flags-node';
import * as wasm from '@flcm/flags-node/wasm';

assert.equal(native.engine.name, 'native', 'the addon must load: build it with `just packages`');

/** Both engines, each with its compiler. */
export const engines = [native, wasm];

/** A document's snapshot. */
export function compiled(document) {
  const { snapshot, report } = wasm.compiler.compile(JSON.stringify(document));
  assert.ok(snapshot, report);
  return snapshot;
}

/** A time at which nothing in particular happens. */
export const NOW = 1_800_000_000_000;
