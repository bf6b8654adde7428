// `node tests/bench/node.js [ROUNDS]`: the ways into the engines, native and wasm, in Node and in Chromium, beside plain
// JavaScript, in one run; after `just packages`.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compiler, engine as native } from '@flcm/flags-node';
import { engine as wasm } from '@flcm/flags-node/wasm';
import { createEngine } from '@flcm/flags-web/slim';
import { withPage } from '../kit/browser.js';
import { enginePaths, firstDecision, measure, plainPaths } from './paths.js';
import { Plain } from './plain.js';
import { document } from './workload.js';

const rounds = Number(process.argv[2] ?? 40);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const snapshots = here('../../target/bench');

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

function snapshot(count) {
  const { snapshot, report } = compiler.compile(JSON.stringify(document(count)));
  if (!snapshot) throw new Error(report);
  mkdirSync(snapshots, { recursive: true });
  writeFileSync(`${snapshots}/${count}.snapshot`, snapshot);
  return snapshot;
}

const [bytes, manyBytes] = [snapshot(1000), snapshot(10_000)];
const module = readFileSync(here('../../pkg/web/dist/flags.wasm'));
const first = await firstDecision(async () => createEngine(await WebAssembly.compile(module)), bytes, rounds);
const node = measure(
  {
    native: enginePaths(native, bytes, manyBytes),
    wasm: enginePaths(wasm, bytes, manyBytes),
    plain: plainPaths(Plain),
  },
  rounds,
);
const folders = { '/bench/': here('.'), '/web/': here('../../pkg/web/dist'), '/snapshots/': snapshots };
const chromium = await withPage(folders, ({ run }) => run('/bench/page.js', rounds));

const show = (nanoseconds) =>
  nanoseconds === undefined
    ? '–'
    : nanoseconds < 10_000
      ? nanoseconds.toFixed(1)
      : `${(nanoseconds / 1000).toFixed(0)} µs`;
console.log(
  '| ns a call | native | wasm, Node | wasm, Chromium | plain JS, Node | plain JS, Chromium | aim (native, wasm) |',
);
console.log('|---|---|---|---|---|---|---|');
for (const path of Object.keys(node.native)) {
  const cells = [node.native, node.wasm, chromium.wasm, node.plain, chromium.plain].map((paths) => show(paths[path]));
  console.log(`| ${[path, ...cells, (aims[path] ?? []).map(show).join(', ')].join(' | ')} |`);
}
console.log(
  `\nFrom the module's bytes to the first decision, in ms: Node ${first.toFixed(2)}, Chromium ${chromium.first.toFixed(2)} (aim 2)`,
);
