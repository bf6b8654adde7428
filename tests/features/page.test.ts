import { readFileSync } from 'node:fs';
import { createPageEngine } from '@flcm/flags-web/page';
import { expect, onTestFinished, test } from 'vitest';
import { createFeatures, type PageFeatures, type PageOptions } from '../../.flcm-core/features/page.ts';
import { ManualClock } from '../kit/clock.ts';
import { compiled, FlagServer } from '../kit/server.ts';

const bytes = readFileSync(new URL('../../pkg/web/dist/flags-page.wasm', import.meta.url));
const module = new WebAssembly.Module(bytes);
const ON = 'revision: 1\nflags: { on: { rollout: { percentage: 100 } }, off: { enabled: false } }';

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

test('an option of the full runtime is refused, and where it is', async () => {
  const options = { url: 'http://localhost', cache: true } as PageOptions;
  await expect(createFeatures(options)).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: '`cache` needs the full runtime: import `@flcm/features`',
  });
});

test('an engine that cannot be loaded leaves fallbacks, and is reported', async () => {
  const server = await served();
  const { features, codes } = await open({
    url: server.url,
    engine: {
      load: () => {
        throw Object.assign(new Error('no'), { code: 'ENGINE_FAILED' });
      },
    },
  });
  expect(features.remote.state).toBe('offline');
  expect(features.isEnabled('on', 'alice')).toBe(false);
  expect(codes).toEqual(['INVALID_SNAPSHOT']);
});

test('counts decisions and runs, and sends them as JSON', async () => {
  const bodies: { type: string; body: string }[] = [];
  const flags = compiled(ON);
  const answer = async (url: unknown, request: RequestInit = {}): Promise<Response> => {
    if (request.method !== 'POST') {
      const headers = { 'content-type': 'application/vnd.flcm.snapshot', etag: '"1"' };
      if (`${url}`.includes('stream')) return new Response('', { headers: { 'content-type': 'text/event-stream' } });
      return new Response(flags as BufferSource, { headers });
    }
    bodies.push({ type: new Headers(request.headers).get('content-type') ?? '', body: `${request.body}` });
    return new Response(null, { status: bodies.length === 1 ? 500 : 204 });
  };
  const options = { url: 'http://flags.test', metrics: true, instance: 7, fetch: answer as typeof fetch };
  const { features, codes } = await open(options);
  const alice = features.for({ targetingKey: 'alice' });
  alice.isEnabled('on');
  alice.isEnabled('on');
  expect(
    alice.run(
      'on',
      () => 1,
      () => 2,
    ),
  ).toBe(1);
  await features.metrics.flush();
  expect(codes).toEqual(['SINK_FAILED']);
  await features.metrics.flush();
  expect(bodies[1]).toEqual(bodies[0]);
  const [{ type, body } = { type: '', body: '{}' }] = bodies;
  expect(type).toBe('application/vnd.flcm.counts+json');
  const outcome = expect.any(Number);
  expect(JSON.parse(body)).toMatchObject({
    instance: 7,
    sequence: 1,
    snapshot: features.snapshot?.digest,
    user: null,
    decisions: [['on', outcome, 3]],
    outcomes: [['on', outcome, 0, false, 0, 1]],
  });
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
