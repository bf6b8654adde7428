// `node tests/parity/node.js native|wasm|compact|page CASES.jsonl`: the suite on one of the engines of `pkg/node`, or on
// a small one of `pkg/web`, after `just packages`.
// `default` in place of an engine takes what `@flcm/flags-node` chooses, and says which it is; a third argument names
// the entry of another copy of the package.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { read } from './data.js';
import { pageSubject } from './page-engine.js';
import { run } from './suite.js';

const wasm = '@flcm/flags-node/wasm';
const entries = { default: '@flcm/flags-node', native: '@flcm/flags-node', wasm, compact: wasm, page: wasm };

const [name, cases, entry] = process.argv.slice(2);
if (!(name in entries) || cases === undefined) {
  console.error('usage: node tests/parity/node.js default|native|wasm|compact|page CASES.jsonl [ENTRY]');
  process.exit(2);
}
const loaded = await import(entry ? pathToFileURL(resolve(entry)) : entries[name]);
const small = { compact: compactOf, page: pageOf }[name];
const subject = small ? await small(loaded) : loaded;
const { engine } = subject;
if (name !== 'default' && engine.name !== name) throw new Error(`the engine is \`${engine.name}\`, not \`${name}\``);
const start = performance.now();
const report = (what, count) => console.log(`${engine.name}: ${what}: ${count}`);
const counts = await run(subject, read(cases), report);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`${engine.name}: ${counts.decisions} generated decisions and all vectors agree; ${seconds} s`);

async function compactOf({ compiler }) {
  const { createEngine } = await import('@flcm/flags-web/compact');
  return { compiler, engine: createEngine(moduleOf('flags-compact.wasm')) };
}

async function pageOf(full) {
  const { createPageEngine } = await import('@flcm/flags-web/page');
  return pageSubject(full, createPageEngine(moduleOf('flags-page.wasm')));
}

function moduleOf(name) {
  return new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve(`@flcm/flags-web/${name}`))));
}
