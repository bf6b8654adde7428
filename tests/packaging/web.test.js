// The web package in bundles, loaded in Chromium; and in a worker-like place where nothing may be compiled.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { MessageChannel, moveMessagePortToContext } from 'node:worker_threads';
import { build as esbuild } from 'esbuild';
import { createServer, build as vite } from 'vite';
import { test } from 'vitest';
import webpack from 'webpack';
import { withPage } from '../kit/browser.js';
import { bytes, cases, consumer, document, expected } from './packed.js';

const folder = consumer('web');
const wasmIn = (out) => readdirSync(out, { recursive: true }).filter((file) => file.endsWith('.wasm'));

/** Loads a page in Chromium and has it decide; nothing may go wrong on it. Answers which modules it fetched. */
async function decidesIn(out, place = 'index.html') {
  return withPage({ '/': out }, async ({ page, url, errors }) => {
    const fetched = [];
    page.on('request', (request) => request.url().endsWith('.wasm') && fetched.push(request.url()));
    await page.goto(new URL(place, url).href);
    await page.waitForFunction('globalThis.consume');
    const consume = ([bytes, cases, document]) => globalThis.consume(bytes, cases, document);
    assert.deepEqual(await page.evaluate(consume, [[...bytes], cases, document]), expected);
    assert.deepEqual(errors, []);
    return fetched;
  });
}

/** Writes the page that loads a script. */
function writePage(file, script) {
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  writeFileSync(file, html.replace('type="module" src="./page.js"', script));
}

/** What esbuild makes of an entry: `page.js`, and a page for it. */
async function bundle(entry, options) {
  const outdir = join(folder, `esbuild-${entry}`);
  const place = { absWorkingDir: folder, entryPoints: { page: `./${entry}.js` }, outdir };
  await esbuild({ ...place, bundle: true, format: 'esm', minify: true, logLevel: 'error', ...options });
  writePage(join(outdir, 'index.html'), 'type="module" src="./page.js"');
  return outdir;
}

test('esbuild: the module as a file that is imported', async () => {
  const out = await bundle('page-file', { loader: { '.wasm': 'file' } });
  assert.equal((await decidesIn(out)).length, 1);
});

test('esbuild: `./inline` needs no file and fetches none', async () => {
  const out = await bundle('page-inline');
  assert.deepEqual(wasmIn(out), []);
  assert.deepEqual(await decidesIn(out), []);
});

for (const [entry, modules] of [
  ['page', 1],
  ['page-compile', 2],
]) {
  test(`Vite: ${entry}`, async () => {
    const [input, outDir] = [join(folder, `${entry}.html`), join(folder, `vite-${entry}`)];
    writePage(input, `type="module" src="./${entry}.js"`);
    await vite({ root: folder, logLevel: 'error', configFile: false, build: { outDir, rolldownOptions: { input } } });
    assert.equal((await decidesIn(outDir, `${entry}.html`)).length, modules);
  });
}

test('Vite: the development server', async () => {
  const server = await createServer({
    root: folder,
    logLevel: 'error',
    configFile: false,
    server: { host: '127.0.0.1', port: 0 },
  });
  await server.listen();
  try {
    const { port } = server.httpServer.address();
    assert.equal((await decidesIn(folder, `http://127.0.0.1:${port}/index.html`)).length, 1);
  } finally {
    await server.close();
  }
});

test('webpack', async () => {
  const path = join(folder, 'webpack');
  const options = { mode: 'production', context: folder, entry: './page.js', output: { path, filename: 'page.js' } };
  const stats = await new Promise((resolve, reject) => {
    webpack(options, (error, stats) => (error ? reject(error) : resolve(stats)));
  });
  assert.deepEqual(stats.toJson().errors, []);
  assert.deepEqual(stats.toJson().warnings, []);
  assert.equal(wasmIn(path).length, 1);
  writePage(join(path, 'index.html'), 'defer src="./page.js"');
  assert.equal((await decidesIn(path)).length, 1);
});

/** Hands a value over as hosts do: by structured clone, into the worker's own realm. */
async function cloneInto(worker, value) {
  const { port1, port2 } = new MessageChannel();
  const inside = moveMessagePortToContext(port2, worker);
  const received = new Promise((resolve) => {
    inside.onmessage = ({ data }) => resolve(data);
  });
  inside.start();
  port1.postMessage(value);
  return received.finally(() => port1.close());
}

test('a worker that may not compile brings the module', async () => {
  const out = await bundle('worker', { format: 'iife', conditions: ['worker'] });
  const code = readFileSync(join(out, 'page.js'), 'utf8');
  assert.deepEqual(wasmIn(out), []);

  const file = readFileSync(join(folder, 'node_modules/@flcm/flags-web/dist/flags.wasm'));
  const worker = vm.createContext(
    { TextDecoder, TextEncoder, file },
    { codeGeneration: { strings: false, wasm: false } },
  );
  const module = await cloneInto(worker, new WebAssembly.Module(file));

  vm.runInContext(code, worker);
  assert.throws(() => vm.runInContext('new WebAssembly.Module(file)', worker), { name: 'CompileError' });
  assert.deepEqual(structuredClone(worker.consume(module, new Uint8Array(bytes), cases)), expected);
});
