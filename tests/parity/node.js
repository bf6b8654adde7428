// `node tests/parity/node.js native|wasm CASES.jsonl`: the suite on one of the engines of `pkg/node`, after `just packages`.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './suite.js';

const entries = { native: '@flcm/flags-node', wasm: '@flcm/flags-node/wasm' };

/** The vectors, by their names. */
function vectors(folder) {
  const names = readdirSync(folder, { recursive: true }).map((name) => name.replaceAll('\\', '/'));
  const read = (name) => {
    const bytes = readFileSync(join(folder, name));
    return name.endsWith('.json') ? JSON.parse(bytes.toString('utf8')) : new Uint8Array(bytes);
  };
  return new Map(names.filter((name) => /\.(json|snapshot)$/.test(name)).map((name) => [name, read(name)]));
}

const [name, cases] = process.argv.slice(2);
if (!(name in entries) || cases === undefined) {
  console.error('usage: node tests/parity/node.js native|wasm CASES.jsonl');
  process.exit(2);
}
const { compiler, engine } = await import(entries[name]);
if (engine.name !== name) throw new Error(`the engine is \`${engine.name}\`, not \`${name}\``);
const folder = fileURLToPath(new URL('../vectors', import.meta.url));
const data = { vectors: vectors(folder), cases: readFileSync(cases, 'utf8').split('\n') };
const start = performance.now();
const counts = await run({ compiler, engine }, data, (what, count) => console.log(`${name}: ${what}: ${count}`));
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(`${name}: ${counts.decisions} generated decisions and all vectors agree; ${seconds} s`);
