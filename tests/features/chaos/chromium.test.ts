import type { ServerResponse } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type Answer, compiled, FlagServer, until } from '../../kit/server.ts';
import { Signer } from '../../kit/signing.ts';
import { Chromium, createOn, errorsOf, isOn, load, type OnPage, servePage } from '../kit/page.ts';

// In a page time is the machine's: intervals are short, and nothing is asserted about how long anything takes.
const OFTEN = { pollIntervalMs: 60, streamSpreadMs: 10, flushIntervalMs: 50, fetchTimeoutMs: 500 };
const ON = 'flags: { a: { rollout: { percentage: 100 } } }';
const OFF = 'flags: { a: { rollout: { percentage: 0 } } }';

const chromium = new Chromium();
let server: FlagServer;
let page: Page;

beforeEach(async () => {
  server = await FlagServer.start(ON);
  await servePage(server);
  page = await chromium.open(server);
});
afterEach(async () => {
  await page.context().close();
  await server.kill();
});
afterAll(() => chromium.close());

const sees = (flag: string, on: boolean) =>
  page.waitForFunction(
    ([flag, on]) => (globalThis as unknown as OnPage).features.isEnabled(flag as string, 'alice') === on,
    [flag, on] as const,
  );

const reports = (code: string) =>
  page.waitForFunction((code) => (globalThis as unknown as OnPage).errors.includes(code), code);

test('a change reaches a page that is open', async () => {
  await createOn(page, { ...OFTEN, pollIntervalMs: 0 });
  expect(await isOn(page, 'a')).toBe(true);
  await until(() => server.streams.size === 1, 'a stream');
  server.publish(OFF);
  await sees('a', false);
  server.trip({ a: { trip: 'off' } });
  server.publish(ON);
  await page.waitForTimeout(100);
  expect(await isOn(page, 'a')).toBe(false);
  server.trip({});
  await sees('a', true);
});

const broken: Record<string, (response: ServerResponse) => void> = {
  WRONG_TYPE: (response) => response.setHeader('content-type', 'text/html').end('<html>'),
  INVALID_SNAPSHOT: (response) => response.setHeader('content-type', 'application/vnd.flcm.snapshot').end('FLCMSNAP'),
  EMPTY: (response) => response.setHeader('content-type', 'application/vnd.flcm.snapshot').end(),
  HTTP_STATUS: (response) => response.writeHead(500).end(),
  FETCH_FAILED: (response) => response.socket?.destroy(),
  TIMEOUT: (response) => response.writeHead(200).flushHeaders(),
};

for (const [code, answer] of Object.entries(broken)) {
  test(`a page keeps its flags through ${code}`, async () => {
    await createOn(page, { ...OFTEN, stream: false });
    server.answer = (_, response) => answer(response);
    await reports(code);
    expect(await isOn(page, 'a')).toBe(true);
    server.answer = undefined;
    server.publish(OFF);
    await page.evaluate(() => (globalThis as unknown as OnPage).features.remote.sync());
    await page.evaluate(() => (globalThis as unknown as OnPage).features.remote.sync());
    await sees('a', false);
  });
}

test('a page that was here before decides although the server is gone', async () => {
  await createOn(page, { ...OFTEN, cache: true });
  await until(() => server.streams.size === 1, 'a stream');
  server.answer = (_, response) => response.socket?.destroy();
  server.answerStream = server.answer;
  await load(page, server);
  const took = await page.evaluate(async () => {
    const here = globalThis as unknown as OnPage;
    const start = performance.now();
    here.features = await here.flcm.createFeatures({ url: location.origin, cache: true }, { error: () => {} });
    here.features.isEnabled('a', 'alice');
    return performance.now() - start;
  });
  expect(await isOn(page, 'a')).toBe(true);
  console.log(`first decision from the cache, the fetch of the module included: ${took.toFixed(1)} ms`);
});

test('a cache that is damaged, or full, keeps nothing from working', async () => {
  await page.evaluate(() => {
    localStorage.setItem('flcm-flags:snapshot', btoa('{"version":1}\nnonsense'));
    localStorage.setItem('flcm-flags:breakers', '%%%');
  });
  await createOn(page, { ...OFTEN, cache: true });
  expect(await errorsOf(page)).toContain('CACHE_FAILED');
  expect(await isOn(page, 'a')).toBe(true);
  await page.evaluate(() => {
    (globalThis as unknown as OnPage).errors.length = 0;
    localStorage.clear();
    for (let size = 1 << 20; size > 0; size >>= 1) {
      try {
        for (let at = 0; ; at++) localStorage.setItem(`filler${size}${at}`, 'x'.repeat(size));
      } catch {
        // It is full for this size.
      }
    }
  });
  server.publish(OFF);
  await sees('a', false);
  await reports('CACHE_FAILED');
});

test('a page that has pinned a key takes nothing else, from its local storage neither', async () => {
  const signer = new Signer('ours');
  const sign = (snapshot: Uint8Array) => signer.state({ snapshot, revision: 0, issued: Date.now() });
  const options = { ...OFTEN, cache: true, stream: false, trust: [signer.pin], audience: 'prod' };
  server.statements = sign(server.snapshot);
  await createOn(page, options);
  expect(await isOn(page, 'a')).toBe(true);
  server.publish(OFF);
  await reports('SIGNATURE_INVALID');
  expect(await isOn(page, 'a')).toBe(true);
  server.answer = (_, response) => response.socket?.destroy();
  await load(page, server);
  await createOn(page, options);
  expect(await isOn(page, 'a')).toBe(true);
  await page.evaluate(
    (forged) => {
      const [head] = atob(localStorage.getItem('flcm-flags:snapshot') ?? '').split('\n');
      localStorage.setItem('flcm-flags:snapshot', btoa(`${head}\n${forged}`));
    },
    Buffer.from(compiled('flags: { b: { rollout: { percentage: 100 } } }')).toString('latin1'),
  );
  await load(page, server);
  await createOn(page, options);
  expect(await errorsOf(page)).toContain('CACHE_FAILED');
  expect([await isOn(page, 'a'), await isOn(page, 'b')]).toEqual([false, false]);
});

test('a page whose browser cannot verify says so, and takes nothing', async () => {
  await page.evaluate(() => {
    crypto.subtle.importKey = () => Promise.reject(new DOMException('no such algorithm', 'NotSupportedError'));
  });
  const failed = createOn(page, { ...OFTEN, trust: [new Signer('ours').pin], audience: 'prod' });
  await expect(failed).rejects.toThrow(/Ed25519 in Web Cryptography/);
});

test('what a page has counted arrives when it goes away, once', async () => {
  await createOn(page, { ...OFTEN, flushIntervalMs: 1_000_000, pollIntervalMs: 0 });
  for (let decision = 0; decision < 7; decision++) await isOn(page, 'a');
  await page.goto(`${server.url}/elsewhere`);
  await until(() => server.arrived.length > 0, 'the counts');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(server.totals?.metrics.summary(0)?.decisions).toBe(7);
});

/** Answers pages of another origin as the protocol asks for: `docs/reference/protocol.md`, without a word of cookies. */
function allow(other: FlagServer, origin: string): void {
  const { answerFlags, takeBatch } = other;
  const allowing =
    (answer: Answer): Answer =>
    (request, response) => {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-headers', 'content-type, flcm-revision, if-none-match');
      if (request.method === 'OPTIONS') response.writeHead(204).end();
      else answer(request, response);
    };
  other.answer = allowing(answerFlags);
  other.answerMetrics = allowing(takeBatch);
}

test('what a page has counted arrives at a server of another origin as well', async () => {
  const other = await FlagServer.start(ON);
  allow(other, server.url);
  await createOn(page, { ...OFTEN, url: other.url, stream: false, flushIntervalMs: 1_000_000, pollIntervalMs: 0 });
  for (let decision = 0; decision < 7; decision++) await isOn(page, 'a');
  await page.goto(`${server.url}/elsewhere`);
  await until(() => other.arrived.length > 0, 'the counts');
  expect(other.totals?.metrics.summary(0)?.decisions).toBe(7);
  await other.kill();
});

test('a stream that ends again and again leaves one connection', async () => {
  await createOn(page, { ...OFTEN, pollIntervalMs: 0 });
  for (let flap = 0; flap < 3; flap++) {
    await until(() => server.streams.size === 1, 'a stream');
    for (const stream of server.streams) stream.end();
    await until(() => server.streams.size === 0, 'its end');
  }
  await until(() => server.streams.size === 1, 'a stream');
  await page.waitForTimeout(300);
  expect(server.streams.size).toBe(1);
});

test('a silent stream is connected anew', async () => {
  await createOn(page, { ...OFTEN, pollIntervalMs: 0, streamSilenceMs: 150 });
  await until(() => server.count('/flags/stream') >= 2, 'another connection');
  await reports('STREAM_FAILED');
});

test('a feature that fails on a page is rolled back there, and falls back meanwhile', async () => {
  server.publish('flags: { a: { rollout: { percentage: 100 }, error_threshold: { rate: 0.01 } } }');
  await createOn(page, { ...OFTEN, pollIntervalMs: 0 });
  const answers = await page.evaluate(async () => {
    const { features } = globalThis as unknown as OnPage;
    const rolledBack = new Promise((resolve) => features.on('rollback', resolve));
    const answers = new Set<string>();
    for (let user = 0; user < 300; user++) {
      const call = features.for({ targetingKey: `user-${user}` });
      const fails = async (): Promise<string> => Promise.reject(new Error('broken'));
      answers.add(await call.run('a', fails, async () => 'old'));
    }
    await rolledBack;
    return [...answers];
  });
  expect(answers).toEqual(['old']);
  expect(await isOn(page, 'a')).toBe(false);
});

test('closing leaves no connection and asks no more', async () => {
  await createOn(page, OFTEN);
  await until(() => server.streams.size === 1, 'a stream');
  await page.evaluate(() => (globalThis as unknown as OnPage).features.close());
  await until(() => server.streams.size === 0, 'the end of the stream');
  const asked = server.requests.length;
  await page.waitForTimeout(300);
  expect(server.requests.length).toBe(asked);
});
