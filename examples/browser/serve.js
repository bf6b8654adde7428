// Serves the page and the package that it imports: `node examples/browser/serve.js`. PORT is where; 0 takes any free port.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const types = { '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const page = new URL('.', import.meta.url);
const flagsWeb = new URL('.', import.meta.resolve('@flcm/flags-web'));

/** Where a path of the site lies. URLs have no `..` once they are parsed, so nothing outside of the two folders is reached. */
function place(path) {
  if (path.startsWith('/flags-web/')) return new URL(`./${path.slice('/flags-web/'.length)}`, flagsWeb);
  return new URL(path === '/' ? './index.html' : `.${path}`, page);
}

const server = createServer(async (request, response) => {
  try {
    const file = place(new URL(request.url, 'http://localhost').pathname);
    const body = await readFile(file);
    response.setHeader('content-type', types[extname(file.pathname)] ?? 'application/octet-stream').end(body);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
