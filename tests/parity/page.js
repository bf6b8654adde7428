// The suite in a page of a browser, on the packages of `pkg/web`.

import { createCompiler } from '/web/compile.js';
import { createEngine } from '/web/index.js';
import { run } from './suite.js';

async function vector(name) {
  const response = await fetch(`/vectors/${name}`);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return [name, name.endsWith('.json') ? await response.json() : new Uint8Array(await response.arrayBuffer())];
}

/** Runs the suite; answers which engine ran, and what was counted. */
export default async function (names, cases) {
  const [engine, compiler] = await Promise.all([createEngine(), createCompiler()]);
  const vectors = new Map(await Promise.all(names.map(vector)));
  const lines = (await (await fetch(cases)).text()).split('\n');
  const counts = await run({ compiler, engine }, { vectors, cases: lines }, () => {});
  return { name: engine.name, counts };
}
