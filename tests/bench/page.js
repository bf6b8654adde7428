// The bench in a page of a browser.

import { createEngine } from '/web/slim.js';
import { enginePaths, firstDecision, measure, plainPaths } from './paths.js';
import { Plain } from './plain.js';

const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

/** Measures; answers nanoseconds by path, and the milliseconds to the first decision. */
export default async function (rounds) {
  const [wasm, bytes, manyBytes] = await Promise.all(
    ['/web/flags.wasm', '/snapshots/1000.snapshot', '/snapshots/10000.snapshot'].map(bytesOf),
  );
  const start = async () => createEngine(await WebAssembly.compile(wasm));
  const first = await firstDecision(start, bytes, rounds);
  const subjects = { wasm: enginePaths(await start(), bytes, manyBytes), plain: plainPaths(Plain) };
  return { ...measure(subjects, rounds), first };
}
