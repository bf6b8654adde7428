import { expect, test } from 'vitest';
import { Server } from '../server/kit/serve.ts';
import { attacked, report } from './kit/attacker.ts';
import { nginx } from './kit/nginx.ts';

const document = 'flags: { shiny: { rollout: { percentage: 50 } } }';

test('a proxy that caches all it may gives nobody the answer of another', async () => {
  const { server, pageKey, serviceKey, adminKey } = await attacked(document);
  // A careless configuration, with the path alone as the key.
  const cache =
    'proxy_cache answers; proxy_cache_key $uri; proxy_cache_valid any 5m; add_header x-cache $upstream_cache_status;';
  const url = await nginx(`proxy_pass ${server.url}; ${cache}`);
  const ask = (path: string, key?: string, accept = '*/*') =>
    fetch(url + path, { headers: { accept, ...(key !== undefined && { authorization: `Bearer ${key}` }) } });
  for (const path of ['/revisions', '/audit', '/trips', '/metrics']) {
    expect([path, (await ask(path, adminKey)).status]).toEqual([path, 200]);
    expect([path, (await ask(path)).status]).toEqual([path, 401]);
    expect([path, (await ask(path, pageKey)).status]).toEqual([path, 403]);
  }
  // The document names users, and the snapshot does not.
  const asDocument = await ask('/flags', serviceKey, 'application/yaml');
  expect(await asDocument.text()).toContain('shiny');
  const asSnapshot = await ask('/flags', pageKey);
  expect(asSnapshot.headers.get('content-type')).toBe('application/vnd.flcm.snapshot');
  expect((await ask('/flags')).status).toBe(401);
  report(server, 'a caching nginx: each answer was of its own caller');
});

test('a server without keys serves nobody whom a proxy brings', async () => {
  const server = await Server.start(document);
  expect((await fetch(`${server.url}/flags`)).status).toBe(200);
  const plain = `proxy_pass ${server.url};`;
  const asUsual = `${plain} proxy_set_header Host localhost; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`;
  for (const location of [
    asUsual,
    `${asUsual} proxy_set_header X-Forwarded-For ""; proxy_set_header Via "1.1 proxy";`,
  ]) {
    const url = await nginx(location);
    const headers = { 'content-type': 'application/yaml', 'if-match': '*' };
    const put = await fetch(`${url}/flags`, { method: 'PUT', headers, body: 'flags: { shiny: { enabled: false } }' });
    expect([put.status, await put.text()]).toEqual([403, expect.stringContaining('flcm key')]);
    expect((await fetch(`${url}/flags`)).status).toBe(403);
  }
  report(server, 'nginx before a server without keys: refused');
});
