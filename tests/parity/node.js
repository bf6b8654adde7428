// `node tests/parity/node.js native|wasm|page CASES.jsonl`: the suite on one of the engines of `pkg/node`, or on that
// of pages in `pkg/web`, after `just packages`.
// `default` in place of an engine takes what `@flcm/flags-node` chooses, and says which it is; a third argument names
// the entry of another copy of the package.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { read } from './data.js';
import { pageSubject } from './page-engine.js';
import { run } from './suite.js';

const wasm = '@flcm/flags-node/wasm';
const entries = { default: '@flcm/flags-node', native: '@flcm/flags-node', wasm, page: wasm };

const [name, cases, entry] = process.argv.slice(2);
if (!(name in entries) || cases === undefined) {
  console.error('usage: node tests/parity/node.js default|native|wasm|page CASES.jsonl [ENTRY]');
  process.exit(2);
}
const loaded = await import(entry ? pathToFileURL(resolve(entry)) : entries[name]);
const subject = name === 'page' ? await ofPages(loaded) : loaded;
const { engine } = subject;
if (name !== 'default' && engine.name !== name) throw new Error(`the engine is \`${engine.name}\`, not \`${name}\``);
const start = performance.now();
const report = (what, count) => console.log(`${engine.name}: ${what}: ${count}`);
const counts = await run(subject, read(cases), report);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`${engine.name}: ${counts.decisions} generated decisions and all vectors agree; ${seconds} s`);

async function ofPages(full) {
  const { createPageEngine } = await import('@flcm/flags-web/page');
  const bytes = readFileSync(fileURLToPath(import.meta.resolve('@flcm/flags-web/flags-page.wasm')));
  return pageSubject(full, createPageEngine(new WebAssembly.Module(bytes)));
}
