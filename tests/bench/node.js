// `node tests/bench/node.js [ROUNDS] [--base DIR]`: the ways into the engines, native, wasm and that of pages, in Node
// and in Chromium, beside plain JavaScript, in one run; after `just packages`. With the packages of another checkout it
// also prints how many times as long each takes as there.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { withPage } from '../kit/browser.js';
import { firstDecisions, measure, plainPaths } from './paths.js';
import { Plain } from './plain.js';
import { document } from './workload.js';

const { values, positionals } = parseArgs({ options: { base: { type: 'string' } }, allowPositionals: true });
const rounds = Number(positionals[0] ?? 40);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const checkouts = { now: here('../..'), ...(values.base && { base: resolve(values.base) }) };

/** Aims in nanoseconds, native and wasm. */
const aims = {
  'repeated decision, by id': [3, 3],
  'repeated decision, by name': [12, 12],
  'first decision, by name': [45, 25],
  'make a context of 5 attributes': [300, 300],
  'isEnabled(flag, user, object), fresh user': [200, 200],
  'decide all, per flag': [5, 7],
  'load 10,000 flags': [200_000, 300_000],
};

const [folders, subjects, starts] = [{ '/bench/': here('.') }, {}, {}];
for (const [checkout, root] of Object.entries(checkouts)) await add(checkout, root);
subjects.plain = plainPaths(Plain);

const node = { paths: measure(subjects, rounds), first: await firstDecisions(starts, rounds) };
const inPages = Object.fromEntries(Object.keys(checkouts).map((checkout) => [checkout, enginesOf(checkout).slice(1)]));
const chromium = await withPage(folders, ({ run }) => run('/bench/page.js', inPages, rounds));

const columns = [
  ['native', 'native', node],
  ['wasm, Node', 'wasm', node],
  ['wasm, Chromium', 'wasm', chromium],
  ['page, Node', 'page', node],
  ['page, Chromium', 'page', chromium],
];
const paths = Object.keys(node.paths['now native']);
times();
if (values.base) ratios();

/** What a checkout has: there is no engine of pages in older ones. */
function enginesOf(checkout) {
  const hasPage = existsSync(join(checkouts[checkout], 'pkg/web/dist/flags-page.wasm'));
  return ['native', 'wasm', ...(hasPage ? ['page'] : [])];
}

/** The engines of a checkout, over snapshots of its own compiler. */
async function add(checkout, root) {
  const { compiler, engine: native } = await import(pathToFileURL(join(root, 'pkg/node/dist/index.js')));
  const { engine: wasm } = await import(pathToFileURL(join(root, 'pkg/node/dist/wasm.js')));
  const [web, snapshots] = [join(root, 'pkg/web/dist'), join(here('../../target/bench'), checkout)];
  const [bytes, manyBytes] = [1000, 10_000].map((count) => snapshot(compiler, count, snapshots));
  Object.assign(folders, { [`/${checkout}/web/`]: web, [`/${checkout}/snapshots/`]: snapshots });

  const { createEngine } = await import(pathToFileURL(join(web, 'slim.js')));
  const module = readFileSync(join(web, 'flags.wasm'));
  starts[`${checkout} wasm`] = { start: async () => createEngine(await WebAssembly.compile(module)), bytes };
  for (const [name, engine] of Object.entries({ native, wasm })) {
    // Modules of its own for each, because what one has been compiled for would slow down another.
    const { enginePaths } = await import(`./paths.js?${checkout}-${name}`);
    subjects[`${checkout} ${name}`] = enginePaths(engine, bytes, manyBytes);
  }
  if (enginesOf(checkout).includes('page')) await addPage(checkout, web, bytes);
}

async function addPage(checkout, web, bytes) {
  const { createPageEngine } = await import(pathToFileURL(join(web, 'page.js')));
  const module = readFileSync(join(web, 'flags-page.wasm'));
  const start = async () => createPageEngine(await WebAssembly.compile(module));
  starts[`${checkout} page`] = { start, bytes };
  const { pagePaths } = await import(`./paths.js?${checkout}-page`);
  subjects[`${checkout} page`] = pagePaths(await start(), bytes);
}

function snapshot(compiler, count, folder) {
  const { snapshot, report } = compiler.compile(JSON.stringify(document(count)));
  if (!snapshot) throw new Error(report);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${count}.snapshot`), snapshot);
  return snapshot;
}

function show(nanoseconds) {
  if (nanoseconds === undefined) return '–';
  return nanoseconds < 10_000 ? nanoseconds.toFixed(1) : `${(nanoseconds / 1000).toFixed(0)} µs`;
}

function table(head, lines) {
  console.log(`| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}`);
  for (const line of lines) console.log(`| ${line.join(' | ')} |`);
}

function times() {
  const titles = [...columns.map(([title]) => title), 'plain JS, Node', 'plain JS, Chromium'];
  const lines = paths.map((path) => {
    const ours = columns.map(([, engine, { paths }]) => show(paths[`now ${engine}`]?.[path]));
    const plain = [node, chromium].map(({ paths }) => show(paths.plain[path]));
    return [path, ...ours, ...plain, (aims[path] ?? []).map(show).join(', ')];
  });
  const first = columns.map(([, engine, { first }]) => (first[`now ${engine}`] ?? Number.NaN).toFixed(2));
  const cells = first.map((cell) => (cell === 'NaN' ? '–' : cell));
  table(['ns a call', ...titles, 'aim (native, wasm)'], lines);
  console.log();
  table(
    ['ms', ...columns.map(([title]) => title), 'aim'],
    [["from the module's bytes to the first decision", ...cells, '2']],
  );
}

function ratios() {
  const ratio = (now, base) => (now === undefined || base === undefined ? '–' : (now / base).toFixed(2));
  const lines = paths.map((path) => [
    path,
    ...columns.map(([, engine, { paths }]) => ratio(paths[`now ${engine}`]?.[path], paths[`base ${engine}`]?.[path])),
  ]);
  const first = columns.map(([, engine, { first }]) => ratio(first[`now ${engine}`], first[`base ${engine}`]));
  console.log();
  const titles = columns.map(([title]) => title);
  table(['times as long as base', ...titles], [...lines, ['to the first decision', ...first]]);
}
