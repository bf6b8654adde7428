import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Entry } from './kit/agent.ts';
import { added } from './kit/figures.ts';
import { type Host, NodeHost, Pages } from './kit/hosts.ts';
import { keysFile, mint, Server } from './kit/serve.ts';

const document = (percentage: number): string => `flags: { plain: { rollout: { percentage: ${percentage} } } }`;

const ROLES = ['client', 'server', 'admin'] as const;
const client = mint('page', 'client');
const backend = mint('backend', 'server');
const admin = mint('test', 'admin');

const pages = new Pages();
beforeAll(() => pages.start());
afterAll(() => pages.close());

/** A server with keys, which pages of the test's origin may ask. */
function start(more: readonly object[] = []): Promise<Server> {
  const file = keysFile([client.line, backend.line, admin.line, ...more]);
  return Server.start(document(100), { args: ['--keys', file, '--origin', pages.origin], key: admin.key });
}

test('`flcm key` gives a key of each role, and a line that has only its hash', () => {
  for (const role of ROLES) {
    const { key, line } = mint(`a ${role}`, role);
    expect(key).toMatch(new RegExp(`^flcm_${role}_[\\w-]{43}$`));
    expect(line).toEqual({ name: `a ${role}`, role, sha256: createHash('sha256').update(key).digest('hex') });
  }
});

describe('a key is good for what its role is good for', () => {
  const yaml = { 'content-type': 'application/yaml', 'if-match': '*' };
  const json = { 'content-type': 'application/json' };
  const batch = { 'content-type': 'application/vnd.flcm.batch' };
  /** What is answered without a key, and to client, server and admin. A batch that is none was let in where it is refused as such. */
  const asked: [what: string, headers: Record<string, string>, body: string | undefined, statuses: number[]][] = [
    ['GET /flags', {}, undefined, [401, 200, 200, 200]],
    // A snapshot has hashes of users, the document their names.
    ['GET /flags', { accept: 'application/yaml' }, undefined, [401, 403, 200, 200]],
    ['GET /flags/stream', {}, undefined, [401, 200, 200, 200]],
    ['POST /metrics', batch, 'none', [401, 400, 400, 400]],
    ['GET /metrics', {}, undefined, [401, 403, 200, 200]],
    ['GET /trips', {}, undefined, [401, 403, 200, 200]],
    ['POST /ofrep/v1/evaluate/flags', json, '{}', [401, 200, 200, 200]],
    ['POST /ofrep/v1/evaluate/flags/plain', json, '{}', [401, 200, 200, 200]],
    ['PUT /flags', yaml, document(50), [401, 403, 403, 200]],
    ['POST /flags/plain/hold', json, '{}', [401, 403, 403, 200]],
    ['POST /flags/plain/release', json, '{}', [401, 403, 403, 200]],
    ['GET /revisions', {}, undefined, [401, 403, 403, 200]],
    ['GET /revisions/1', {}, undefined, [401, 403, 403, 404]],
    ['GET /revisions/1/diff', {}, undefined, [401, 403, 403, 404]],
    ['POST /revisions/1/revert', { ...json, 'if-match': '*' }, '{}', [401, 403, 403, 404]],
    ['GET /audit', {}, undefined, [401, 403, 403, 200]],
    ['GET /healthz', {}, undefined, [200, 200, 200, 200]],
    ['GET /readyz', {}, undefined, [200, 200, 200, 200]],
  ];

  test('and for nothing else', async () => {
    const { url } = await start();
    for (const [what, headers, body, statuses] of asked) {
      const [method = '', path = ''] = what.split(' ');
      const answers: number[] = [];
      for (const key of [undefined, client.key, backend.key, admin.key]) {
        const bearer = key === undefined ? {} : { authorization: `Bearer ${key}` };
        const response = await fetch(url + path, { method, headers: { ...headers, ...bearer }, body: body ?? null });
        await response.body?.cancel();
        answers.push(response.status);
      }
      expect([what, answers]).toEqual([what, statuses]);
    }
  });

  test('and one that is not known for nothing', async () => {
    const { url } = await start();
    for (const key of [`${client.key}x`, client.key.slice(0, -1), 'flcm_admin_', '', mint('other', 'admin').key]) {
      expect((await fetch(`${url}/flags`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);
    }
  });
});

/** What a page gets for a request that it makes itself: a status, or that the browser keeps the answer from it. */
function asks({ page }: { page: Page }, url: string, request: RequestInit): Promise<number | string> {
  const ask = ([url, request]: readonly [string, object]): Promise<number | string> =>
    fetch(url, request).then(({ status }) => status, String);
  return page.evaluate(ask, [url, request as object] as const);
}

describe('a page of another origin', () => {
  test('that is allowed reads, listens and counts with a client key', async () => {
    const server = await start();
    const page = await pages.open('page');
    const never = { flushIntervalMs: 1_000_000, pollIntervalMs: 3_600_000 };
    await page.call('create', 'page', { url: server.url, key: client.key, ...never });
    await page.call('happens', 'fleet');
    expect(await page.call('on', 'plain')).toBe(40);
    const published = Date.now();
    await server.put(document(0));
    const took = (await page.call('reaches', 'plain', 0)) - published;
    console.log(`a PUT reached a page with a key by stream after ${took} ms`);
    // What has not changed is not sent again: the mark came through.
    await page.call('sync');
    expect((await server.figures()).of('flcm_requests_total{path="/flags",method="GET",status="304"}')).toBe(1);

    await page.call('use', 'plain', 30);
    await page.call('flush');
    const counted = async () => (await server.figures()).counted('plain');
    expect(await counted()).toEqual(added('plain', [await page.call('summary', 'plain')]));
    await page.call('decide', 'plain', 5);
    const all = added('plain', [await page.call('summary', 'plain')]);
    await page.page.goto(`${pages.origin}/elsewhere`);
    await expect.poll(counted, { timeout: 60_000 }).toEqual(all);
  });

  test('that is allowed may send what hosts send', async () => {
    const { url } = await start();
    const asked = ['authorization', 'flcm-revision', 'if-none-match'];
    const preflight = { 'access-control-request-method': 'GET', 'access-control-request-headers': asked.join() };
    const headers = { origin: pages.origin, ...preflight };
    const answer = await new Promise<IncomingMessage>((resolve) => {
      request(`${url}/flags`, { method: 'OPTIONS', headers }, resolve).end();
    });
    answer.resume();
    expect(answer.headers['access-control-allow-headers']?.split(',')).toEqual(expect.arrayContaining(asked));
  });

  test('that is not allowed has no flags, hears nothing, and what it counts is not taken', async () => {
    const server = await start();
    const stranger = await pages.open('stranger', { as: 'localhost' });
    await stranger.call('create', 'stranger', { url: server.url, key: client.key, initTimeoutMs: 1000 });
    await stranger.call('happens', 'FETCH_FAILED');
    await stranger.call('happens', 'STREAM_FAILED');
    expect(await stranger.call('state')).toBe('offline');
    const headers = { authorization: `Bearer ${client.key}`, 'content-type': 'application/vnd.flcm.batch' };
    expect(await asks(stranger, `${server.url}/metrics`, { method: 'POST', headers, body: 'none' })).toMatch(
      'TypeError',
    );
    // Not even asked: the browser was told beforehand that it may not.
    const figures = await server.figures();
    expect(figures.of('flcm_batches_refused_invalid_total')).toBe(0);
    expect(figures.of('flcm_streams')).toBe(0);
  });

  test('can neither publish nor hold, with whatever key', async () => {
    const server = await start();
    const page = await pages.open('page');
    const { url } = server;
    const authorization = `Bearer ${admin.key}`;
    const yaml = { authorization, 'content-type': 'application/yaml', 'if-match': '*' };
    expect(await asks(page, `${url}/flags`, { method: 'PUT', headers: yaml, body: document(0) })).toMatch('TypeError');
    const json = { authorization, 'content-type': 'application/json' };
    for (const path of ['/flags/plain/hold', '/revisions/1/revert']) {
      expect(await asks(page, url + path, { method: 'POST', headers: json, body: '{}' })).toMatch('TypeError');
    }
    expect(await asks(page, `${url}/revisions`, { headers: { authorization } })).toMatch('TypeError');
    expect(await server.trip('plain')).toBeUndefined();
    expect(
      (await server.figures()).of('flcm_requests_total{path="/flags/{key}/{command}",method="POST",status="200"}'),
    ).toBe(0);
  });

  test('cannot reach a server without keys by a request that no browser asks leave for', async () => {
    const server = await Server.start(document(100));
    const page = await pages.open('page');
    const simple = { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: '{}' } as const;
    expect(await asks(page, `${server.url}/flags/plain/hold`, simple)).toBe(0);
    expect(await server.trip('plain')).toBeUndefined();
  });
});

describe('a key with a limit', () => {
  const limited = (name: string): { key: string; line: object } => {
    const { key, line } = mint(name, 'client');
    return { key, line: { ...line, limit: 1 } };
  };

  /** Every time that a host was told to wait, and what it did next. */
  const waits = (diary: readonly Entry[], code: Entry['event']): [asked: number | undefined, waited: number][] =>
    diary.flatMap((entry, at) => {
      const next = diary.slice(at + 1).find(({ event }) => event === code || event === 'sync' || event === 'flush');
      return entry.event === code && next ? [[entry.retryAfterMs, next.at - entry.at]] : [];
    });

  function expectPatience(waited: ReturnType<typeof waits>): void {
    expect(waited).not.toEqual([]);
    for (const [asked, ms] of waited) {
      expect(asked).toBe(1000);
      // Two clocks: one is read, and the other rings.
      expect(ms).toBeGreaterThanOrEqual(990);
    }
  }

  test('is told when to come back', async () => {
    const { key, line } = limited('eager');
    const { url } = await start([line]);
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(`${url}/flags`, { headers })).status).toBe(200);
    const refused = await fetch(`${url}/flags`, { headers });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ code: 'RATE_LIMITED' });
    // Each has its own.
    expect((await fetch(`${url}/flags`, { headers: { authorization: `Bearer ${client.key}` } })).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await fetch(`${url}/flags`, { headers })).status).toBe(200);
  });

  test('is honoured by a process and by a page, which go on after it', async () => {
    const [eager, hasty] = [limited('eager'), limited('hasty')];
    const server = await start([eager.line, hasty.line]);
    const [node, page] = await Promise.all([NodeHost.start('eager'), pages.open('hasty')]);
    const options = { url: server.url, stream: false, metrics: false, pollIntervalMs: 50 };
    await Promise.all([
      node.call('create', 'eager', { ...options, key: eager.key }),
      page.call('create', 'hasty', { ...options, key: hasty.key }),
    ]);
    for (const host of [node, page] as Host[]) {
      await host.call('happens', 'HTTP_STATUS', 3);
      const waited = waits(await host.call('diary'), 'HTTP_STATUS');
      console.log(`${host.name} was told to wait 1 s, and waited ${waited.map(([, ms]) => `${ms} ms`).join(', ')}`);
      expectPatience(waited);
      await server.put(document(0));
      await host.call('reaches', 'plain', 0);
      await server.put(document(100));
    }
  });

  test('keeps no batch from being counted, once', async () => {
    const { key, line } = limited('eager');
    const server = await start([line]);
    const node = await NodeHost.start('eager');
    const options = { url: server.url, key, stream: false, pollIntervalMs: 0, flushIntervalMs: 50 };
    await node.call('create', 'eager', options);
    await node.call('use', 'plain', 25);
    await node.call('happens', 'flush');
    expectPatience(waits(await node.call('diary'), 'SINK_FAILED'));
    expect((await server.figures()).counted('plain')).toEqual(added('plain', [await node.call('summary', 'plain')]));
  });
});

describe('TLS', () => {
  /** A certificate that nobody has signed but itself. */
  function certificate(): { cert: string; key: string } {
    const folder = mkdtempSync(join(tmpdir(), 'flcm-tls-'));
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' });
    return { cert, key };
  }

  test('is spoken to those who trust the certificate, and to nobody else', async () => {
    const { cert, key } = certificate();
    const tls = ['--tls-cert', cert, '--tls-key', key, '--keys', keysFile([client.line]), '--origin', pages.origin];
    const server = await Server.start(document(100), { args: tls, protocol: 'https' });
    const [trusts, doubts, page] = await Promise.all([
      NodeHost.start('trusts', { NODE_EXTRA_CA_CERTS: cert }),
      NodeHost.start('doubts'),
      pages.open('page', { ignoreHTTPSErrors: true }),
    ]);
    const options = { url: server.url, key: client.key, initTimeoutMs: 1000 };
    await Promise.all([trusts, doubts, page].map((host: Host) => host.call('create', host.name, options)));
    for (const host of [trusts, page] as Host[]) {
      await host.call('happens', 'fleet');
      expect(await host.call('on', 'plain')).toBe(40);
      await host.call('use', 'plain', 10);
      await host.call('flush');
      await host.call('happens', 'flush');
    }
    server.edit(document(0));
    await Promise.all([trusts, page].map((host: Host) => host.call('reaches', 'plain', 0)));
    await doubts.call('happens', 'FETCH_FAILED');
    expect(await doubts.call('state')).toBe('offline');
    await expect(fetch(server.url.replace('https', 'http'))).rejects.toThrow('fetch failed');
  });
});
