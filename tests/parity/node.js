// `node tests/parity/node.js native|wasm CASES.jsonl`: the suite on one of the engines of `pkg/node`, after `just packages`.
// `default` in place of an engine takes what `@flcm/flags-node` chooses, and says which it is; a third argument names the
// entry of another copy of the package.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { read } from './data.js';
import { run } from './suite.js';

const entries = { default: '@flcm/flags-node', native: '@flcm/flags-node', wasm: '@flcm/flags-node/wasm' };

const [name, cases, entry] = process.argv.slice(2);
if (!(name in entries) || cases === undefined) {
  console.error('usage: node tests/parity/node.js default|native|wasm CASES.jsonl [ENTRY]');
  process.exit(2);
}
const { compiler, engine } = await import(entry ? pathToFileURL(resolve(entry)) : entries[name]);
if (name !== 'default' && engine.name !== name) throw new Error(`the engine is \`${engine.name}\`, not \`${name}\``);
const start = performance.now();
const report = (what, count) => console.log(`${engine.name}: ${what}: ${count}`);
const counts = await run({ compiler, engine }, read(cases), report);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`${engine.name}: ${counts.decisions} generated decisions and all vectors agree; ${seconds} s`);
