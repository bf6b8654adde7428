// The Node package as it is installed: with its addon, without it, with a broken one.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'vitest';
import { consumer, expected, platforms, run } from './packed.js';

const [platform] = platforms;
const decide = (folder, program) => JSON.parse(run(folder, process.execPath, program));
const addonOf = (folder) => join(folder, `node_modules/@flcm/flags-node-${platform}`, `flags-node.${platform}.node`);

function answersOf(folder, name) {
  const imported = decide(folder, 'node.mjs');
  const wasm = { wasmName: 'wasm', wasmAnswers: expected };
  const same = { sameInstance: true, compiledIsKept: true, wasmCompiledIsKept: true };
  assert.deepEqual(imported, { name, answers: expected, ...wasm, ...same });
  assert.deepEqual(decide(folder, 'node.cjs'), { name, answers: expected, ...wasm });
  assert.deepEqual(decide(folder, 'threads.mjs'), Array(3).fill({ name, answers: expected }));
}

test('the platform package gives the native engine; imported, required, in threads', () => {
  answersOf(consumer('node', platform), 'native');
});

test('without a platform package, WebAssembly decides the same', () => {
  answersOf(consumer('node'), 'wasm');
});

test('an addon that was deleted, or is not for this machine, gives way to WebAssembly', () => {
  const folder = consumer('node', platform);
  writeFileSync(addonOf(folder), 'not a library');
  answersOf(folder, 'wasm');
  rmSync(addonOf(folder));
  answersOf(folder, 'wasm');
});

test('an addon of another version gives way to WebAssembly', () => {
  const folder = consumer('node', platform);
  const shell = join(dirname(addonOf(folder)), 'package.json');
  const manifest = JSON.parse(readFileSync(shell, 'utf8'));
  writeFileSync(shell, JSON.stringify({ ...manifest, main: 'other.cjs', exports: undefined }));
  writeFileSync(join(dirname(shell), 'other.cjs'), 'module.exports = { version: () => "0.0.1" };');
  answersOf(folder, 'wasm');
});

test('the runtime decides and counts with the packages that it depends on', () => {
  const folder = consumer('node', platform, 'web', 'features');
  assert.deepEqual(decide(folder, 'features.mjs'), { engine: 'native', answers: [true, false, 1] });
});

test('the provider for servers decides by the runtime that it depends on', () => {
  const others = ['web', 'features', 'openfeature-server', 'core', 'server-sdk'];
  const folder = consumer('node', platform, ...others);
  const answers = [true, 'STATIC', 'FLAG_NOT_FOUND'];
  assert.deepEqual(decide(folder, 'openfeature.mjs'), { engine: 'native', answers });
});
