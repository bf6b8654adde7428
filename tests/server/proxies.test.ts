import { execFileSync } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { NodeHost } from './kit/hosts.ts';
import { type Change, ReverseProxy } from './kit/proxy.ts';
import { keysFile, mint, Server } from './kit/serve.ts';

const document = `
flags:
  shiny: { rollout: { percentage: 100 } }
`;

const admin = mint('test', 'admin');
const page = mint('page', 'client');

function start(): Promise<Server> {
  const args = ['--keys', keysFile([admin.line, page.line]), '--trusted-proxy', '127.0.0.1'];
  return Server.start(document, { args, key: admin.key });
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** What a stream has sent until now. */
class Events {
  text = '';

  constructor(stream: IncomingMessage) {
    stream.setEncoding('utf8').on('data', (part) => {
      this.text += part;
    });
    // The test ends before the stream does.
    stream.on('error', () => undefined);
  }
}

test('which proxies', () => {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  console.log(execFileSync('sh', ['-c', 'nginx -v 2>&1; echo "Caddy $(caddy version)"'], { env, encoding: 'utf8' }));
});

describe.each(['nginx', 'caddy'] as const)('%s', (name) => {
  test('events of the stream arrive while it is open', async () => {
    const server = await start();
    const proxy = await ReverseProxy.start(name, server.url);
    const stream = await proxy.ask('/flags/stream', { headers: bearer(page.key) });
    expect([stream.statusCode, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
    const events = new Events(stream);
    await expect.poll(() => events.text, { timeout: 30_000 }).toMatch(/event: snapshot\n.*\n\nevent: trips\n/);
    await server.command('shiny', 'hold');
    await expect.poll(() => events.text, { timeout: 30_000 }).toMatch(/"shiny":\{[^}]*"trip":"off"/);
  });

  test('a client is told of a hold through it', async () => {
    const server = await start();
    const proxy = await ReverseProxy.start(name, server.url);
    const host = await NodeHost.start('behind', { NODE_EXTRA_CA_CERTS: proxy.certificate });
    await host.call('create', 'behind', { url: proxy.url, key: page.key, pollIntervalMs: 3_600_000 });
    await host.call('reaches', 'shiny', 40);
    await server.command('shiny', 'hold');
    await host.call('reaches', 'shiny', 0);
  });

  test('a snapshot that a client has is not sent again', async () => {
    const server = await start();
    const proxy = await ReverseProxy.start(name, server.url);
    const first = await proxy.ask('/flags', { headers: bearer(page.key) });
    first.resume();
    const etag = first.headers.etag ?? '';
    expect([first.statusCode, etag]).toEqual([200, expect.stringMatching(/^"/)]);
    const again = await proxy.ask('/flags', { headers: { ...bearer(page.key), 'if-none-match': etag } });
    again.resume();
    expect(again.statusCode).toBe(304);
  });

  test('the audit has the address of the client, and not what the client wrote', async () => {
    const server = await start();
    const proxy = await ReverseProxy.start(name, server.url);
    const headers = { ...bearer(admin.key), 'x-forwarded-for': '192.0.2.9' };
    const held = await proxy.ask('/flags/shiny/hold', { method: 'POST', headers });
    held.resume();
    expect(held.statusCode).toBe(200);
    const audit = (await (await server.ask('/audit?limit=1')).json()) as { action: string; address: string }[];
    expect(audit).toMatchObject([{ action: 'hold', address: '127.0.0.1' }]);
  });

  test('nothing is open to those without a key', async () => {
    const server = await start();
    const proxy = await ReverseProxy.start(name, server.url);
    for (const path of ['/flags', '/flags/stream', '/metrics', '/audit']) {
      const answer = await proxy.ask(path);
      answer.resume();
      expect([path, answer.statusCode]).toEqual([path, 401]);
    }
  });
});

/** What the guide warns of; it shows that the tests above would find a proxy that buffers. */
test('a proxy that ignores `X-Accel-Buffering` keeps everything back', async () => {
  const server = await start();
  const buffers: Change = [
    'proxy_http_version 1.1;',
    'proxy_http_version 1.1; proxy_ignore_headers X-Accel-Buffering;',
  ];
  const proxy = await ReverseProxy.start('nginx', server.url, [buffers]);
  const head = proxy.ask('/flags/stream', { headers: bearer(page.key) }).then(
    () => 'the head has arrived',
    () => 'the test has ended',
  );
  await expect.poll(async () => (await server.figures()).of('flcm_streams'), { timeout: 30_000 }).toBe(1);
  await server.command('shiny', 'hold');
  const second = new Promise((resolve) => setTimeout(resolve, 1000, 'nothing within a second'));
  expect(await Promise.race([head, second])).toBe('nothing within a second');
});
