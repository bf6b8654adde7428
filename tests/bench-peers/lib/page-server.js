import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/**
 * A server on this machine for pages and what they ask for. All bodies are compressed before anyone asks, so that no
 * page waits for it.
 *
 * @param {{ prefix: string, type: string, body?: Uint8Array | string, events?: string }[]} answers
 * @param {Record<string, { html: string, files: string[] }>} pages by name
 * @returns {Promise<{ url: string, close(): void }>}
 */
export async function servePages(answers, pages) {
  const ready = [...files(pages), ...answers].map(packed);
  const server = http.createServer((request, response) => {
    request.resume();
    if (request.method !== 'GET') return request.on('end', () => response.writeHead(202).end());
    const found = ready.find(({ prefix }) => request.url.startsWith(prefix));
    if (!found) return response.writeHead(404).end();
    response.writeHead(200, found.headers);
    return found.events === undefined ? response.end(found.bytes) : response.write(found.events);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close().closeAllConnections() };
}

function files(pages) {
  return Object.entries(pages).flatMap(([name, { html, files }]) => [
    ...files.map((file) => ({
      prefix: `/pages/${name}/${path.basename(file)}`,
      type: TYPES[path.extname(file)],
      body: readFileSync(file),
    })),
    { prefix: `/pages/${name}/`, type: TYPES['.html'], body: html },
  ]);
}

function packed({ prefix, type, body, events }) {
  if (events !== undefined) return { prefix, events, headers: { 'content-type': type, 'cache-control': 'no-store' } };
  const bytes = gzipSync(body, { level: 9 });
  const about = { 'content-encoding': 'gzip', 'content-length': bytes.length, etag: '"bench"' };
  return { prefix, bytes, headers: { 'content-type': type, 'cache-control': 'no-cache', ...about } };
}
