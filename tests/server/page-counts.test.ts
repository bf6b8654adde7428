import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PageHost, Pages } from './kit/hosts.ts';
import { keysFile, mint, Server } from './kit/serve.ts';

const client = mint('page', 'client');
const admin = mint('test', 'admin');
const DOCUMENT = 'flags: { plain: {} }';
const DECISIONS = 'flcm_decisions_total{flag="plain",variant="",reason="STATIC"}';

const pages = new Pages();
beforeAll(() => pages.start());
afterAll(() => pages.close());

/** A server of another origin, which pages may ask. */
function start(origin = pages.origin): Promise<Server> {
  const args = ['--keys', keysFile([client.line, admin.line]), '--origin', origin];
  return Server.start(DOCUMENT, { args, key: admin.key });
}

/** A request as it goes to a page. */
type Sent = Readonly<{ method: string; headers: Record<string, string>; body: string; mode?: 'no-cors' }>;

/** What a page sends that has decided seven times. */
function countsOf(instance: number, sequence = 1): Sent {
  const rows = [[7, 'plain', 0x0706ffff]];
  const body = JSON.stringify({ instance, epoch: 1, sequence, snapshot: '0123456789abcdef', user: null, rows });
  const headers = { authorization: `Bearer ${client.key}`, 'content-type': 'application/vnd.flcm.counts+json' };
  return { method: 'POST', headers, body };
}

/** The status that a page gets, or why it gets none. */
function send({ page }: PageHost, server: Server, request: Sent): Promise<number | string> {
  const send = ([url, request]: [string, Sent]): Promise<number | string> =>
    fetch(url, request).then(({ status }) => status, String);
  return page.evaluate(send, [`${server.url}/metrics`, request] as [string, Sent]);
}

/** Sends when the page goes away, as late as a page can. */
async function sendLast({ page }: PageHost, server: Server, request: Sent): Promise<void> {
  await page.evaluate(
    ([url, request]) => addEventListener('pagehide', () => void fetch(url, { ...request, keepalive: true })),
    [`${server.url}/metrics`, request] as [string, Sent],
  );
}

const decisions = async (server: Server): Promise<number> => (await server.figures()).of(DECISIONS);

test('a page of another origin sends counts as JSON, each once', async () => {
  const [server, page] = await Promise.all([start(), pages.open('page')]);
  for (const [sequence, status] of [
    [1, 204],
    [1, 204],
    [3, 409],
    [2, 204],
  ] as const) {
    expect(await send(page, server, countsOf(5, sequence))).toBe(status);
  }
  expect(await decisions(server)).toBe(14);
});

for (const [how, leave] of [
  ['goes elsewhere', ({ page }: PageHost) => page.goto(`${pages.origin}/elsewhere`)],
  ['is closed', ({ page }: PageHost) => page.close()],
] as const) {
  for (const hasAsked of [true, false]) {
    test(`what a page has counted arrives when it ${how}, ${hasAsked ? 'after' : 'without'} a batch before`, async () => {
      const [server, page] = await Promise.all([start(), pages.open('page')]);
      if (hasAsked) expect(await send(page, server, countsOf(5))).toBe(204);
      await sendLast(page, server, countsOf(6));
      await leave(page);
      await expect.poll(() => decisions(server), { timeout: 20_000 }).toBe(hasAsked ? 14 : 7);
    });
  }
}

test('a page of an origin that is not allowed sends none, not even as plain text', async () => {
  const [server, page] = await Promise.all([start('http://shop.example'), pages.open('page')]);
  expect(await send(page, server, countsOf(5))).toMatch('TypeError');
  // Browsers send these without a preflight request.
  const simple = { ...countsOf(6), mode: 'no-cors', headers: { 'content-type': 'text/plain' } } as const;
  expect(await send(page, server, simple)).toBe(0);
  expect(await decisions(server)).toBe(0);
});

test('a page cannot send counts to a server without keys that is not its own', async () => {
  const [server, page] = await Promise.all([Server.start(DOCUMENT), pages.open('page')]);
  const simple = { ...countsOf(6), mode: 'no-cors', headers: { 'content-type': 'text/plain' } } as const;
  expect(await send(page, server, simple)).toBe(0);
  expect(await decisions(server)).toBe(0);
});
