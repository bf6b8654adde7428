// How large each thing is that somebody downloads, beside its budget in sizes.json; fails beyond one. `--write` sets
// the budgets to 3 % above what is measured: for a change that is worth its size, and says why.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compressed } from './compressed.js';

const here = dirname(fileURLToPath(import.meta.url));
const budgets = join(here, 'sizes.json');
const downloads = JSON.parse(readFileSync(budgets, 'utf8'));
const kinds = ['raw', 'gzip', 'brotli'];

/** Names of the dashboard's files have hashes: `*` stands for one, and a page for the scripts that it loads at once. */
function expand(file) {
  const path = join(here, '../../pkg', file);
  if (file.endsWith('.html')) {
    const scripts = readFileSync(path, 'utf8').matchAll(/(?:src|href)="\/ui\/([^"]+\.js)"/g);
    return some(file, [...scripts]).map(([, script]) => join(dirname(path), script));
  }
  if (!file.includes('*')) return [path];
  const [begin, end] = basename(path).split('*');
  const found = readdirSync(dirname(path)).filter((name) => name.startsWith(begin) && name.endsWith(end));
  return some(file, found).map((name) => join(dirname(path), name));
}

/** What was found, which may not be nothing: a budget would hold for less than is downloaded. */
function some(file, found) {
  if (found.length === 0) throw new Error(`${file} finds no file: build it, or correct it in sizes.json`);
  return found;
}

/** A download is its files. */
const measure = (files) => compressed(files.flatMap(expand).map((file) => readFileSync(file)));

const roomy = (size) => Math.ceil((size * 1.03) / 100) * 100;
const measured = downloads.map(({ files }) => measure(files));

if (process.argv.includes('--write')) {
  for (const [at, download] of downloads.entries()) {
    download.budget = Object.fromEntries(kinds.map((kind) => [kind, roomy(measured[at][kind])]));
  }
  writeFileSync(budgets, `${JSON.stringify(downloads, null, 2)}\n`);
}

let over = 0;
console.log(`${'bytes (budget)'.padEnd(44)}${kinds.map((kind) => kind.padStart(22)).join('')}`);
for (const [at, { name, budget }] of downloads.entries()) {
  const cells = kinds.map((kind) => {
    const beyond = !(measured[at][kind] <= budget[kind]);
    over += beyond;
    return `${measured[at][kind]} (${budget[kind]})${beyond ? ' !' : ''}`.padStart(22);
  });
  console.log(name.padEnd(44) + cells.join(''));
}
if (over) console.error(`error: ${over} beyond budget, marked with !`);
process.exitCode = over ? 1 : 0;

// Beside other clients, where those are installed: `just bench sizes` does that.
if (existsSync(join(here, '../bench-peers/node_modules'))) {
  console.log();
  await import('../bench-peers/sizes.js');
}
