import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as native from '@flcm/flags-node';
import * as wasm from '@flcm/flags-node/wasm';
import { createEngine } from '@flcm/flags-web/compact';

assert.equal(native.engine.name, 'native', 'the addon must load: build it with `just packages`');

const bytes = readFileSync(fileURLToPath(import.meta.resolve('@flcm/flags-web/flags-compact.wasm')));
const compact = { engine: createEngine(new WebAssembly.Module(bytes)), compiler: wasm.compiler };

/** All engines, each with a compiler. */
export const engines = [native, wasm, compact];

/** One that merges batches, whoever has counted. */
export const merging = wasm.engine;

/** A document's snapshot. */
export function compiled(document) {
  const { snapshot, report } = wasm.compiler.compile(JSON.stringify(document));
  assert.ok(snapshot, report);
  return snapshot;
}

/** A time at which nothing in particular happens. */
export const NOW = 1_800_000_000_000;
