// Runs a worker as edge hosts do: `node worker-host.js SCRIPT`. A module of WebAssembly that it imports is compiled here, and nothing else
// may compile one; timers end with their request; what one request has opened or may abort is not for another.

import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { register } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const place = import.meta.resolve('@flcm/flags-web/flags-compact.wasm');
globalThis.compiledByHost = new WebAssembly.Module(readFileSync(fileURLToPath(place)));
const source = 'export default globalThis.compiledByHost;';
const hooks = `export const load = (url, context, next) =>
  url.endsWith('.wasm') ? { format: 'module', shortCircuit: true, source: '${source}' } : next(url, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

/** The request that is answered: its timers. */
const requests = new AsyncLocalStorage();

let worker;
const server = createServer(async (request, response) => {
  if (!worker) return response.end();
  const timers = [];
  await requests.run(timers, async () => {
    const waiting = [];
    const context = { waitUntil: (promise) => waiting.push(promise) };
    const url = `http://${request.headers.host}${request.url}`;
    const answer = await worker.fetch(new Request(url), process.env, context);
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
    await Promise.all(waiting);
  });
  return timers.forEach(clearTimeout);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
// Node's own `fetch` compiles a module when it is first called.
await fetch(url);

const refuse = () => {
  throw new WebAssembly.CompileError('a worker may not compile');
};
for (const name of ['compile', 'compileStreaming', 'instantiateStreaming']) WebAssembly[name] = refuse;
WebAssembly.Module = new Proxy(WebAssembly.Module, { construct: refuse });

const { setTimeout } = globalThis;
globalThis.setTimeout = (...args) => {
  const timer = setTimeout(...args);
  requests.getStore()?.push(timer);
  return timer;
};
globalThis.AbortController = class extends AbortController {
  #request = requests.getStore();

  get signal() {
    if (requests.getStore() !== this.#request) throw new Error('it belongs to another request');
    return super.signal;
  }
};

worker = (await import(pathToFileURL(process.argv[2]).href)).default;
console.log(url);
