import { createReadStream, existsSync, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

/**
 * A server on this machine for the peers that load over HTTP only: `GET /NAME/…` answers the configuration of that name,
 * whatever stands behind it, and what is sent is thanked for.
 */
export async function serve(folder) {
  const server = http.createServer((request, response) => {
    request.resume();
    if (request.method !== 'GET') return request.on('end', () => thank(response));
    const file = path.join(folder, path.basename(request.url.split(/[/?]/)[1] ?? ''));
    if (!existsSync(file) || file === path.join(folder)) return response.writeHead(404).end('{}');
    const headers = { 'content-type': 'application/json', 'content-length': statSync(file).size, etag: '"bench"' };
    return createReadStream(file).pipe(response.writeHead(200, headers));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close().closeAllConnections() };
}

function thank(response) {
  response.writeHead(202, { 'content-type': 'application/json' }).end('{"success":true,"status":1}');
}
