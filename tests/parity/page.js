// The suite in a page of a browser, on the packages of `pkg/web`.

import { loadEngine } from '/web/compact.js';
import { createCompiler } from '/web/compile.js';
import { createEngine } from '/web/index.js';
import { loadPageEngine } from '/web/page.js';
import { pageSubject } from './page-engine.js';
import { run } from './suite.js';

async function vector(name) {
  const response = await fetch(`/vectors/${name}`);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return [name, name.endsWith('.json') ? await response.json() : new Uint8Array(await response.arrayBuffer())];
}

/** Runs the suite on an engine: `wasm`, `compact` or `page`; answers which ran, and what was counted. */
export default async function (which, names, cases) {
  const load = which === 'compact' ? loadEngine : createEngine;
  const [engine, compiler] = await Promise.all([load(), createCompiler()]);
  const full = { compiler, engine };
  const subject = which === 'page' ? pageSubject(full, await loadPageEngine()) : full;
  const vectors = new Map(await Promise.all(names.map(vector)));
  const lines = (await (await fetch(cases)).text()).split('\n');
  const counts = await run(subject, { vectors, cases: lines }, () => {});
  return { name: subject.engine.name, counts };
}
