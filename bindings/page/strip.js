// `node bindings/page/strip.js FOLDER…`: what is left of the module that wasm-bindgen made is what its exports in
// `src/lib.rs` need. The layer in TypeScript calls them without the glue. A folder is called like its module.

import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const tool = (name, ...args) =>
  execFileSync('npx', ['--no', '--', name, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });

function strip(folder) {
  const made = join(folder, `flags-${basename(folder)}_bg.wasm`);
  const graph = join(folder, 'exports.json');
  const out = join(folder, `flags-${basename(folder)}.wasm`);
  const names = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(made)))
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('__'));
  const nodes = names.map((name) => ({ name, export: name }));
  writeFileSync(graph, JSON.stringify([{ name: 'page', root: true, reaches: names }, ...nodes]));
  tool('wasm-metadce', made, '--graph-file', graph, '-o', out);
  // The limit for functions with one caller is the one that leaves the fewest bytes; nothing lies in the lowest memory.
  const sizes = ['-Oz', '--converge', '-ocimfs=220', '--low-memory-unused', '--reorder-functions'];
  tool('wasm-opt', out, ...sizes, '--strip-debug', '--strip-producers', '--strip-target-features', '-o', out);
  rmSync(graph);
}

process.argv.slice(2).forEach(strip);
