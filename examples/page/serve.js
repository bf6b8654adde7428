// A page and a service that follow one document while it is edited: `node examples/page/serve.js [DOCUMENT]`.
// PORT is where; 0 takes any free port.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createFeatures } from '@flcm/features';

const document = process.argv[2] ?? fileURLToPath(new URL('flags.yaml', import.meta.url));

// The service: says what it would answer, as soon as that changes.
const features = await createFeatures({ file: document });
const say = () => console.log(`in Node: ${features.value('banner', 'No banner', 'alice')}`);
features.on('change', say);

// What a static server does: the page, the document, and the packages that the page imports.
const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm', '.yaml': 'text/yaml' };
const folders = {
  '/features/': new URL('.', import.meta.resolve('@flcm/features')),
  '/flags-web/': new URL('.', import.meta.resolve('@flcm/flags-web')),
  '/': new URL('.', import.meta.url),
};

/** Where a path of the site lies. URLs have no `..` once they are parsed, so nothing outside of the folders is reached. */
function place(path) {
  if (path === '/flags.yaml') return pathToFileURL(document);
  const prefix = Object.keys(folders).find((prefix) => path.startsWith(prefix));
  return new URL(`./${path.slice(prefix.length) || 'index.html'}`, folders[prefix]);
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
  console.log(`http://127.0.0.1:${server.address().port}/ follows ${document}`);
  say();
});
