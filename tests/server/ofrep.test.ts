import { createFeatures } from '@flcm/features';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { type Client, OpenFeature } from '@openfeature/server-sdk';
import type * as web from '@openfeature/web-sdk';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type PageHost, Pages } from './kit/hosts.ts';
import { keysFile, mint, Server } from './kit/serve.ts';

const document = (percentage: number): string => `
flags:
  shiny: { rollout: { percentage: ${percentage} }, error_threshold: { rate: 0.05 } }
  dark: { enabled: false }
  colour: { default: grey, variants: [{ name: red, weight: 1, value: '#f00' }, { name: blue, weight: 3, value: '#00f' }] }
  limit: { default: 3, on: 10, conditions: [{ attribute: plan, operator: in, value: [pro] }] }
  theme: { default: {}, on: { size: 2, tags: [a, b] }, overrides: { alice: true }, rollout: { percentage: 0 } }
`;

const ALICE = { targetingKey: 'alice', plan: 'pro' };

const admin = mint('test', 'admin');
const backend = mint('backend', 'server');
const page = mint('page', 'client');

const pages = new Pages();
beforeAll(() => pages.start());
afterAll(() => pages.close());

function start(percentage = 100): Promise<Server> {
  const file = keysFile([admin.line, backend.line, page.line]);
  return Server.start(document(percentage), { args: ['--keys', file, '--origin', pages.origin], key: admin.key });
}

const bearer = (key: string): [string, string][] => [['authorization', `Bearer ${key}`]];

let domains = 0;

/** A client of OpenFeature for Node, with the protocol's own provider. */
async function clientOf({ url }: Server, headers = bearer(backend.key)): Promise<Client> {
  const domain = `test-${domains++}`;
  await OpenFeature.setProviderAndWait(domain, new OFREPProvider({ baseUrl: url, headers }));
  return OpenFeature.getClient(domain);
}

test('the provider for Node is served values of all four types, with variant and reason', async () => {
  const client = await clientOf(await start());
  expect(await client.getBooleanDetails('shiny', false, ALICE)).toMatchObject({ value: true, reason: 'STATIC' });
  expect(await client.getBooleanDetails('dark', true, ALICE)).toMatchObject({ value: false, reason: 'DISABLED' });
  const colour = await client.getStringDetails('colour', '', ALICE);
  expect(colour).toMatchObject({ reason: 'SPLIT', value: colour.variant === 'red' ? '#f00' : '#00f' });
  expect(await client.getNumberDetails('limit', 0, ALICE)).toMatchObject({ value: 10, reason: 'TARGETING_MATCH' });
  expect(await client.getNumberDetails('limit', 0, { targetingKey: 'bob' })).toMatchObject({ value: 3 });
  const theme = await client.getObjectDetails('theme', { size: 0 }, ALICE);
  expect(theme).toMatchObject({ value: { size: 2, tags: ['a', 'b'] }, reason: 'TARGETING_MATCH', variant: 'on' });
  expect(theme.flagMetadata).toMatchObject({ 'flcm.reason': 'OVERRIDE', revision: expect.any(Number) });
});

test('it decides as the engine does, for four hundred users', async () => {
  const client = await clientOf(await start(50));
  const features = await createFeatures({ document: document(50) });
  onTestFinished(() => features.close());
  const compare = async (user: number): Promise<void> => {
    const context = { targetingKey: `user-${user}`, plan: user % 3 === 0 ? 'pro' : 'free' };
    const local = features.for(context);
    const shiny = await client.getBooleanDetails('shiny', false, context);
    expect([shiny.value, shiny.reason]).toEqual([local.isEnabled('shiny'), local.decision('shiny').reason]);
    const { value, variant } = await client.getStringDetails('colour', '', context);
    expect([value, variant]).toEqual([local.value('colour', ''), local.variant('colour')]);
  };
  await Promise.all(Array.from({ length: 400 }, (_, user) => compare(user)));
});

test('without a targeting key only what needs none is on', async () => {
  const client = await clientOf(await start(99));
  expect(await client.getBooleanValue('shiny', true, {})).toBe(false);
  expect(await client.getNumberValue('limit', 0, { plan: 'pro' })).toBe(10);
});

test('errors come with their code, and the default is served', async () => {
  const server = await start();
  const client = await clientOf(server);
  const codeOf = async (details: Promise<{ value: unknown; errorCode?: string }>) => {
    const { value, errorCode } = await details;
    return [value, errorCode];
  };
  expect(await codeOf(client.getBooleanDetails('nowhere', true, ALICE))).toEqual([true, 'FLAG_NOT_FOUND']);
  expect(await codeOf(client.getStringDetails('shiny', 'mine', ALICE))).toEqual(['mine', 'TYPE_MISMATCH']);
  const numbered = { targetingKey: 7 as unknown as string };
  expect(await codeOf(client.getBooleanDetails('shiny', false, numbered))).toEqual([false, 'INVALID_CONTEXT']);
  for (const headers of [[], bearer('flcm_server_guess')]) {
    const stranger = await clientOf(server, headers);
    expect(await codeOf(stranger.getBooleanDetails('shiny', false, ALICE))).toEqual([false, 'GENERAL']);
  }
  const statuses = [undefined, 'flcm_server_guess', page.key, backend.key].map(
    async (key) => (await bulk(server, key)).status,
  );
  expect(await Promise.all(statuses)).toEqual([401, 401, 200, 200]);
});

test('the key may come as `X-API-Key`', async () => {
  const client = await clientOf(await start(), [['X-API-Key', backend.key]]);
  expect(await client.getBooleanValue('shiny', false, ALICE)).toBe(true);
});

test('what a person holds is off here as well', async () => {
  const server = await start();
  const client = await clientOf(server);
  await server.command('shiny', 'hold');
  const held = await client.getBooleanDetails('shiny', true, ALICE);
  expect(held).toMatchObject({ value: false, reason: 'DISABLED', flagMetadata: { 'flcm.reason': 'BREAKER_OPEN' } });
  await server.command('shiny', 'release');
  expect(await client.getBooleanValue('shiny', false, ALICE)).toBe(true);
});

/** Asks for all flags. */
function bulk(server: Server, key: string | undefined, etag?: string, context: object = ALICE): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
    ...(etag !== undefined && { 'if-none-match': etag }),
  };
  const body = JSON.stringify({ context });
  return fetch(`${server.url}/ofrep/v1/evaluate/flags`, { method: 'POST', headers, body });
}

test('all flags at once have a mark, which changes with the answer and not otherwise', async () => {
  const server = await start();
  const first = await bulk(server, backend.key);
  const { flags } = (await first.json()) as { flags: { key: string; value: unknown }[] };
  expect(flags.map(({ key }) => key).sort()).toEqual(['colour', 'dark', 'limit', 'shiny', 'theme']);
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[0-9a-f]{16}"$/);
  const again = await bulk(server, backend.key, etag);
  expect([again.status, await again.text()]).toEqual([304, '']);
  // Of another user another answer.
  expect((await bulk(server, backend.key, etag, { targetingKey: 'bob' })).status).toBe(200);
  await server.put(document(0));
  const changed = await bulk(server, backend.key, etag);
  expect(changed.status).toBe(200);
  const { flags: after } = (await changed.json()) as { flags: typeof flags };
  expect(after.find(({ key }) => key === 'shiny')).toMatchObject({ value: false });
  const before = changed.headers.get('etag') ?? '';
  await server.command('limit', 'hold');
  expect((await bulk(server, backend.key, before)).status).toBe(200);
});

/** What a page of these tests has at hand. */
interface OnPage {
  readonly OpenFeature: typeof web.OpenFeature;
  /** Its own types are not as strict as ours. */
  readonly OFREPWebProvider: new (
    options: object,
  ) => web.Provider;
}

/** Gives a page the protocol's own provider, which asks every 200 ms; answers what went wrong. */
function provide({ page }: PageHost, { url }: Server, key: string): Promise<string> {
  const provide = async ([baseUrl, key]: readonly [string, string]): Promise<string> => {
    const { OpenFeature, OFREPWebProvider } = globalThis as unknown as OnPage;
    const headers: [string, string][] = [['authorization', `Bearer ${key}`]];
    const provider = new OFREPWebProvider({ baseUrl, headers, pollInterval: 200, cacheMode: 'disabled' });
    try {
      await OpenFeature.setProviderAndWait(provider, { targetingKey: 'alice', plan: 'pro' });
      return '';
    } catch (error) {
      return String(error);
    }
  };
  return page.evaluate(provide, [url, key] as const);
}

/** All that the page is served. */
function served({ page }: PageHost): Promise<unknown[]> {
  return page.evaluate(() => {
    const client = (globalThis as unknown as OnPage).OpenFeature.getClient();
    return [
      client.getBooleanDetails('shiny', false),
      client.getStringDetails('colour', ''),
      client.getNumberDetails('limit', 0),
      client.getObjectDetails('theme', {}),
      client.getBooleanDetails('nowhere', true),
      client.getStringDetails('shiny', 'mine'),
    ].map(({ value, reason, errorCode }) => errorCode ?? [value, reason]);
  });
}

test('the provider for pages is served the same across origins, and follows a change by its polls', async () => {
  const server = await start();
  const host = await pages.open('page');
  expect(await provide(host, server, backend.key)).toBe('');
  expect(await served(host)).toEqual([
    [true, 'STATIC'],
    [expect.stringMatching(/#f00|#00f/), 'SPLIT'],
    [10, 'TARGETING_MATCH'],
    [{ size: 2, tags: ['a', 'b'] }, 'TARGETING_MATCH'],
    'FLAG_NOT_FOUND',
    'TYPE_MISMATCH',
  ]);
  const answered = async (status: number) =>
    (await server.figures()).of(
      `flcm_requests_total{path="/ofrep/v1/evaluate/flags",method="POST",status="${status}"}`,
    );
  // While nothing changes it is told so, and no more.
  await expect.poll(() => answered(304), { timeout: 60_000 }).toBeGreaterThan(2);
  const published = Date.now();
  await server.put(document(0));
  const isOff = 'globalThis.OpenFeature.getClient().getBooleanValue("shiny", true) === false';
  await host.page.waitForFunction(isOff, null, { polling: 10 });
  console.log(`a PUT reached a page by its provider's polls of 200 ms after ${Date.now() - published} ms`);
  expect(await answered(200)).toBe(2);
});

test('the provider for pages reports a change of the one flag that has changed', async () => {
  const server = await start();
  const host = await pages.open('page');
  expect(await provide(host, server, backend.key)).toBe('');
  await host.page.evaluate(() => {
    const { OpenFeature } = globalThis as unknown as OnPage;
    const seen: string[][] = [];
    Object.assign(globalThis, { seen });
    OpenFeature.addHandler('PROVIDER_CONFIGURATION_CHANGED' as web.ClientProviderEvents.ConfigurationChanged, (event) =>
      seen.push((event?.flagsChanged as string[] | undefined) ?? []),
    );
  });
  await server.put(document(0));
  await host.page.waitForFunction('seen.length > 0');
  expect(await host.page.evaluate('seen')).toEqual([['shiny']]);
});

test('a request with a misspelt member is refused', async () => {
  const server = await start();
  const body = JSON.stringify({ contxt: ALICE });
  const headers = { 'content-type': 'application/json' };
  const answer = await server.ask('/ofrep/v1/evaluate/flags', { method: 'POST', headers, body });
  const error = (await answer.json()) as object;
  expect([answer.status, error]).toEqual([
    400,
    { errorCode: 'PARSE_ERROR', errorDetails: expect.stringContaining('`contxt`'), metadata: {} },
  ]);
});

test('the provider for pages has nothing without a key that is good for it, nor on a page of an origin that may not ask', async () => {
  const server = await start();
  const host = await pages.open('page');
  expect(await provide(host, server, 'flcm_client_guess')).not.toBe('');
  expect(await provide(host, server, page.key)).toBe('');
  const stranger = await pages.open('stranger', { as: 'localhost' });
  expect(await provide(stranger, server, backend.key)).toMatch(/fetch|failed/i);
});
