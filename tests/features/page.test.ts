import { readFileSync } from 'node:fs';
import { createPageEngine } from '@flcm/flags-web/page';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createFeatures as createBuilt } from '../../.flcm-core/features/dist/page.js';
import { createFeatures, type PageFeatures, type PageOptions } from '../../.flcm-core/features/page.ts';
import { ManualClock } from '../kit/clock.ts';
import { compiled, FlagServer, noEvents, until } from '../kit/server.ts';

const bytes = readFileSync(new URL('../../pkg/web/dist/flags-page.wasm', import.meta.url));
const module = new WebAssembly.Module(bytes);
const ON = 'revision: 1\nflags: { on: { rollout: { percentage: 100 } }, off: { enabled: false } }';

// The full engine for the web is fetched: in Node its place takes the one for Node.
vi.mock('../../.flcm-core/features/engine/browser.ts', async () => {
  const { engine } = await import('@flcm/flags-node');
  return { loadEngine: async () => engine };
});

interface Opened {
  readonly features: PageFeatures;
  readonly clock: ManualClock;
  readonly codes: string[];
}

async function open(options: PageOptions): Promise<Opened> {
  const clock = new ManualClock();
  const codes: string[] = [];
  const given = { engine: createPageEngine(module), stream: false, clock, ...options };
  const features = await createFeatures(given, { error: ({ code }) => codes.push(code) });
  onTestFinished(() => features.close());
  return { features, clock, codes };
}

async function served(): Promise<FlagServer> {
  const server = await FlagServer.start(ON);
  onTestFinished(() => server.kill());
  return server;
}

test('decides what the server gives', async () => {
  const server = await served();
  const { features } = await open({ url: server.url });
  expect(features.isEnabled('on', 'alice')).toBe(true);
  expect(features.isEnabled('off', 'alice')).toBe(false);
  expect(features.decision('none', 'alice')).toMatchObject({ reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' });
  expect(features.for({ targetingKey: 'alice' }).value('on', false)).toBe(true);
});

test('the built package, whose members have shorter names, also loads what it needs after its first decision', async () => {
  const server = await served();
  const errors: string[] = [];
  const features = await createBuilt(
    { url: server.url, engine: createPageEngine(module), clock: new ManualClock() },
    { error: ({ message }) => errors.push(message) },
  );
  onTestFinished(() => features.close());
  expect(features.isEnabled('on', 'alice')).toBe(true);
  await until(() => server.streams.size === 1, 'a stream');
  expect(errors).toEqual([]);
});

test('a key that is no text is a flag that is not there, or an event, and never an exception', async () => {
  const server = await served();
  const { features, codes } = await open({ url: server.url });
  for (const key of [undefined, null, 5, {}, Symbol('on')] as unknown as string[]) {
    expect(features.isEnabled(key, 'alice')).toBe(false);
    expect(features.decision(key, 'alice').enabled).toBe(false);
  }
  expect(codes.filter((code) => !['INVALID_CONTEXT', 'ENGINE_FAILED'].includes(code))).toEqual([]);
  expect(features.isEnabled('on', 'alice')).toBe(true);
});

test('an option of the full runtime is refused, and where it is', async () => {
  const options = { url: 'http://localhost', cache: true } as PageOptions;
  await expect(createFeatures(options)).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: '`cache` needs `@flcm/features`',
  });
});

/** Answers as a server does, and collects what is posted. */
function stub(document: string, status: () => number = () => 204): { fetch: typeof fetch; posted: RequestInit[] } {
  const flags = compiled(document);
  const posted: RequestInit[] = [];
  const answer = async (to: unknown, request: RequestInit = {}): Promise<Response> => {
    const events = noEvents(to);
    if (events) return events;
    if (request.method !== 'POST') return new Response(flags as BufferSource, { headers: { etag: '"1"' } });
    posted.push(request);
    return new Response(null, { status: status() });
  };
  return { fetch: answer as typeof fetch, posted };
}

const url = 'http://flags.test';
const bodyOf = ({ body }: RequestInit = {}): Record<string, unknown> => JSON.parse(`${body}`);

test('counts decisions and runs, and sends them as JSON; a batch that failed goes again as it was', async () => {
  let status = 500;
  const { fetch, posted } = stub(ON, () => status);
  const { features, codes } = await open({ url, instance: 7, fetch });
  const alice = features.for({ targetingKey: 'alice' });
  alice.isEnabled('on');
  alice.isEnabled('on');
  alice.isEnabled('none');
  const one = () => 1;
  expect(alice.run('on', one, () => 2)).toBe(1);
  await features.metrics.flush();
  expect(codes).toEqual(['SINK_FAILED']);
  alice.isEnabled('off');
  status = 204;
  await features.metrics.flush();
  expect(posted.map(({ body }) => body).slice(0, 2)).toEqual([posted[0]?.body, posted[0]?.body]);
  expect(new Headers(posted[0]?.headers).get('content-type')).toBe('application/vnd.flcm.counts+json');
  const outcome = expect.any(Number);
  expect(bodyOf(posted[0])).toMatchObject({
    instance: 7,
    sequence: 1,
    snapshot: features.snapshot?.digest,
    user: null,
    age: 0,
    rows: [
      [3, 'on', outcome],
      [1, 'on', outcome, 0, false, 0],
    ],
  });
  expect(bodyOf(posted[2])).toMatchObject({ sequence: 2, rows: [[1, 'off', outcome]] });
});

test('a run that fails is counted as a failure, and falls back', async () => {
  const { fetch, posted } = stub(ON);
  const { features } = await open({ url, fetch });
  const fails = () => {
    throw new Error('no');
  };
  const alice = features.for({ targetingKey: 'alice' });
  expect(alice.run('on', fails, () => 2)).toBe(2);
  expect(
    await alice.run(
      'on',
      async () => fails(),
      async () => 3,
    ),
  ).toBe(3);
  await features.metrics.flush();
  expect(bodyOf(posted[0]).rows).toContainEqual([2, 'on', expect.any(Number), 0, true, 0]);
});

test('counts of a snapshot that was replaced go by themselves', async () => {
  const server = await served();
  const { features } = await open({ url: server.url });
  features.isEnabled('on', 'alice');
  const before = features.snapshot?.digest;
  server.publish('revision: 2\nflags: { on: {} }');
  await features.remote.sync();
  features.isEnabled('on', 'alice');
  expect(features.snapshot?.digest).not.toBe(before);
  await features.metrics.flush();
  expect(server.arrived.map(({ sequence }) => sequence)).toEqual([1n, 2n]);
  expect(server.decisions('on')).toBe(2);
});

test('at most 1,000 rows wait: the oldest is dropped, and that is reported once', async () => {
  const flags = Array.from({ length: 1010 }, (_, flag) => `f${flag}: {}`);
  const { fetch, posted } = stub(`flags: { ${flags.join(', ')} }`);
  const { features, codes } = await open({ url, fetch });
  await features.remote.settled;
  for (let flag = 0; flag < 1010; flag++) features.isEnabled(`f${flag}`, 'alice');
  await features.metrics.flush();
  const rows = posted.map((batch) => bodyOf(batch).rows as [number, string, number][]);
  expect(rows.map(({ length }) => length)).toEqual([500, 500]);
  expect(rows[0]?.[0]).toEqual([1, 'f10', expect.any(Number)]);
  expect(codes).toEqual(['SINK_REFUSED']);
});

test('a page that goes out of sight sends what it has counted, by a request that outlives it', async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', page);
  onTestFinished(() => void vi.unstubAllGlobals());
  const { fetch, posted } = stub(ON);
  const { features } = await open({ url, fetch });
  await features.remote.settled;
  features.isEnabled('on', 'alice');
  page.dispatchEvent(new Event('visibilitychange'));
  expect(posted).toHaveLength(0);
  page.visibilityState = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  await vi.waitFor(() => expect(posted).toHaveLength(1));
  expect(posted[0]).toMatchObject({ keepalive: true, method: 'POST' });
  await features.metrics.flush();
  await features.close();
  features.isEnabled('on', 'alice');
  page.dispatchEvent(new Event('visibilitychange'));
  expect(posted).toHaveLength(1);
});

describe('an engine that cannot be loaded', () => {
  const wasm = (request: unknown) => `${request}`.endsWith('.wasm');

  test.each([
    ['is not there', () => new Response(null, { status: 404 }), /flags-page\.wasm answered 404.*'wasm-unsafe-eval'/],
    ['is no module', () => new Response('<html>'), /'wasm-unsafe-eval'/],
  ])('because it %s leaves fallbacks, is reported once, and is used once it is there', async (_, answer, says) => {
    const server = await served();
    const { fetch } = globalThis;
    let given = answer;
    vi.stubGlobal('fetch', (...request: Parameters<typeof fetch>) => (wasm(request[0]) ? given() : fetch(...request)));
    onTestFinished(() => void vi.unstubAllGlobals());
    const messages: string[] = [];
    const clock = new ManualClock();
    const error = ({ code, message }: Error & { code: string }) => messages.push(`${code} ${message}`);
    const features = await createFeatures({ url: server.url, stream: false, clock }, { error });
    onTestFinished(() => features.close());
    await features.remote.settled;
    expect(features.remote.state).toBe('offline');
    expect(features.isEnabled('on', 'alice')).toBe(false);
    expect(features.value('on', 'mine' as never)).toBe('mine');
    await features.remote.sync();
    expect(messages).toEqual([expect.stringMatching(/^ENGINE_FAILED/)]);
    expect(messages[0]).toMatch(says);
    given = () => new Response(bytes as BufferSource);
    await features.remote.sync();
    expect(features.isEnabled('on', 'alice')).toBe(true);
    expect(features.remote.state).toBe('fresh');
  });

  test('and a snapshot that it refuses leave fallbacks', async () => {
    const server = await served();
    const load = () => {
      throw new Error('no');
    };
    const { features, codes } = await open({ url: server.url, engine: { load } });
    await features.remote.settled;
    expect(features.remote.state).toBe('offline');
    expect(codes).toEqual(['INVALID_SNAPSHOT']);
  });
});

describe('what is too large for the small engine', () => {
  const many = Array.from({ length: 9000 }, (_, flag) => `f${flag}: {}`);

  test('is decided by the full one: a snapshot of more than 8,192 flags', async () => {
    const server = await FlagServer.start(`flags: { on: { rollout: { percentage: 100 } }, ${many.join(', ')} }`);
    onTestFinished(() => server.kill());
    const { features, codes, clock } = await open({ url: server.url, stream: true, metrics: false });
    await features.remote.settled;
    expect(codes).toEqual([]);
    const alice = features.for({ targetingKey: 'alice' });
    expect(alice.isEnabled('on')).toBe(true);
    expect(alice.decision('f8999')).toMatchObject({ enabled: true });
    await until(() => server.streams.size === 1);
    for (const [trip, enabled] of [
      ['off', false],
      ['clear', true],
      ['capped 0', false],
    ] as const) {
      server.trip({ on: { trip } });
      await until(() => alice.isEnabled('on') === enabled);
    }
    server.publish('revision: 2\nflags: { on: {} }');
    await clock.pass(1000);
    await features.remote.settled;
    expect(features.snapshot?.revision).toBe(2n);
  });

  test('is decided by the full one: a context of more than 8 KB', async () => {
    const server = await served();
    const { features, codes } = await open({ url: server.url });
    const alice = features.for({ targetingKey: 'a'.repeat(9000) });
    expect(alice.isEnabled('on')).toBe(false);
    await until(() => alice.isEnabled('on'));
    expect(codes).toEqual([]);
  });
});

test('what is needed later is asked for again when it could not be loaded; decisions go on', async () => {
  vi.resetModules();
  vi.doMock('../../.flcm-core/features/page/later.ts', () => {
    throw new Error('offline');
  });
  const { createFeatures } = await import('../../.flcm-core/features/page.ts');
  const server = await served();
  const clock = new ManualClock();
  const codes: string[] = [];
  const error = ({ code }: { code: string }) => codes.push(code);
  const given = { url: server.url, engine: createPageEngine(module), stream: false, clock };
  const features = await createFeatures(given, { error });
  await features.remote.settled;
  expect(features.isEnabled('on', 'alice')).toBe(true);
  expect(codes).toEqual(['ENGINE_FAILED']);
  expect(clock.next).toBe(60_000);
  vi.doUnmock('../../.flcm-core/features/page/later.ts');
  vi.resetModules();
  await clock.pass(60_000);
  await until(() => server.marks.length === 2);
  await features.remote.settled;
  // It is there now: nothing more is reported, and counts can be sent.
  expect(codes).toEqual(['ENGINE_FAILED']);
  await features.metrics.flush();
  expect(server.decisions('on')).toBe(1);
  await features.close();
  expect(clock.waiting).toBe(0);
});

test('two traps in a row are reported, and the next decision begins anew', async () => {
  const server = await served();
  const { Instance } = WebAssembly;
  let traps = 0;
  class Failing {
    readonly exports: WebAssembly.Exports;
    constructor(of: WebAssembly.Module) {
      const { exports } = new Instance(of);
      const decide = (...given: number[]) => {
        if (traps-- > 0) throw new WebAssembly.RuntimeError('trap');
        return (exports.decide as (...given: number[]) => void)(...given);
      };
      this.exports = { ...exports, decide };
    }
  }
  WebAssembly.Instance = Failing as unknown as typeof Instance;
  onTestFinished(() => {
    WebAssembly.Instance = Instance;
  });
  const failures: unknown[] = [];
  const engine = createPageEngine(module, (error) => failures.push(error));
  const { features, codes } = await open({ url: server.url, engine });
  expect(features.isEnabled('on', 'alice')).toBe(true);
  traps = 2;
  expect(features.isEnabled('on', 'alice')).toBe(false);
  expect(failures).toHaveLength(1);
  expect(codes).toEqual(['INVALID_CONTEXT']);
  expect(features.isEnabled('on', 'alice')).toBe(true);
});

test('an instance that fails is replaced once, with its trips', () => {
  const failures: unknown[] = [];
  let armed = false;
  const instances: WebAssembly.Instance[] = [];
  const { Instance } = WebAssembly;
  class Failing {
    readonly exports: WebAssembly.Exports;
    constructor(of: WebAssembly.Module) {
      const real = new Instance(of);
      instances.push(real);
      const decide = (...given: number[]) => {
        if (armed && instances.at(-1) === real && instances.length === 1) throw new WebAssembly.RuntimeError('trap');
        return (real.exports.decide as (...given: number[]) => void)(...given);
      };
      this.exports = { ...real.exports, decide };
    }
  }
  WebAssembly.Instance = Failing as unknown as typeof Instance;
  onTestFinished(() => {
    WebAssembly.Instance = Instance;
  });
  const snapshot = createPageEngine(module, (error) => failures.push(error)).load(compiled(ON));
  const context = snapshot.context('alice');
  expect(context.isEnabled('on', 0)).toBe(true);
  expect(snapshot.setTrip('on', 2)).toBe(true);
  armed = true;
  expect(context.isEnabled('on', 0)).toBe(false);
  expect(instances.length).toBe(2);
  expect(failures.length).toBe(1);
});

test('a snapshot and a context beyond the limits are too large', () => {
  const engine = createPageEngine(module);
  expect(() => engine.load(new Uint8Array((1 << 20) + 1))).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  expect(() => engine.load(new Uint8Array(9))).toThrow(expect.objectContaining({ code: 'INVALID_SNAPSHOT' }));
  const snapshot = engine.load(compiled(ON));
  expect(snapshot.context('a'.repeat((8 << 10) - 16)).isEnabled('on', 0)).toBe(true);
  expect(() => snapshot.context('a'.repeat((8 << 10) - 15))).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
});
