import type { FlcmProvider } from '@flcm/openfeature-web';
import { OpenFeature } from '@openfeature/web-sdk';
import { expect, test } from 'vitest';
import { ManualClock, settle } from '../kit/clock.ts';
import { local, traffic, updatable } from '../kit/local.ts';
import { compiled, FlagServer, until } from '../kit/server.ts';
import { both, details, opened } from './both.ts';
import { type Side, WebSide } from './sides.ts';

const DOCUMENT = `
revision: 1
flags:
  risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05, probe: 100 } }
  child: { dependencies: [risky], rollout: { percentage: 100 } }
  calm: { rollout: { percentage: 100 } }
  gone: {}
`;

const CHANGED = DOCUMENT.replace('revision: 1', 'revision: 2')
  .replace('calm: { rollout: { percentage: 100 } }', 'calm: { salt: other, rollout: { percentage: 0 } }')
  .replace('gone: {}', 'come: {}');

const ALICE = { targetingKey: 'alice' };

/** A source that fails until it is told to answer. */
function source() {
  const answers = { isUp: false, bytes: compiled(DOCUMENT), asked: 0 };
  const ask = async (): Promise<Response> => {
    answers.asked++;
    if (!answers.isUp) return new Response('', { status: 503 });
    const headers = { 'content-type': 'application/vnd.flcm.snapshot' };
    return new Response(answers.bytes as BodyInit, { headers });
  };
  const options = { documentUrl: 'http://flags.invalid/flags', fetch: ask as typeof fetch, metrics: false };
  return { answers, options };
}

/** Whether the SDK comes to call the provider so. */
const becomes = (side: Side, status: string) => expect.poll(() => side.status, { interval: 1 }).toBe(status);

both((open, engine) => {
  const isOn = async (side: Side, flag: string) => (await details(side, flag, false, ALICE)).value;

  test('it is ready when it was initialized, and that is no change', async () => {
    const side = open();
    const heard = side.listen();
    const { features } = await local({ ...engine, document: DOCUMENT });
    await side.provide(features);
    await settle();
    expect([side.status, heard]).toEqual(['READY', [['READY', undefined]]]);
  });

  test('options that are wrong are fatal, and so is a document with errors', async () => {
    for (const options of [
      {},
      { document: 'flags: { a: { enabled: maybe } }' },
      { document: DOCUMENT, instance: -1 },
    ]) {
      const side = open();
      await expect(side.provide({ ...engine, ...options })).rejects.toMatchObject({ code: 'PROVIDER_FATAL' });
      expect(side.status).toBe('FATAL');
      await side.close();
    }
  });

  test('without flags it fails, and is ready as soon as there are some', async () => {
    const side = open();
    const clock = new ManualClock();
    const { answers, options } = source();
    const heard = side.listen();
    const provided = side.provide({ ...engine, ...options, clock });
    await expect(provided).rejects.toMatchObject({ code: 'PROVIDER_NOT_READY' });
    expect(side.status).toBe('ERROR');
    expect(await details(side, 'calm', true)).toMatchObject({ value: true, errorCode: 'PROVIDER_NOT_READY' });
    const provider = side.provider as FlcmProvider;
    const answered: unknown[] = [];
    provider.events.addHandler('PROVIDER_READY' as never, () => {
      answered.push(provider.resolveBooleanEvaluation('calm', false, ALICE));
    });
    answers.isUp = true;
    await clock.until(() => side.status === 'READY');
    // Whoever is told asks at once.
    expect(await answered[0]).toMatchObject({ value: true, flagMetadata: { revision: 1 } });
    expect(await isOn(side, 'calm')).toBe(true);
    expect(heard.map(([event]) => event)).toEqual(['ERROR', 'READY']);
  });

  test('a change names what has changed, of flags that came late as well', async () => {
    const side = open();
    const clock = new ManualClock();
    const { answers, options } = source();
    await side.provide({ ...engine, ...options, clock }).catch(() => {});
    answers.isUp = true;
    await clock.until(() => side.status === 'READY');
    const heard = side.listen();
    answers.bytes = compiled(DOCUMENT.replace('calm: { rollout: { percentage: 100 } }', 'calm: {}'));
    await clock.until(() => heard.length > 0);
    expect(heard).toEqual([['CONFIGURATION_CHANGED', ['calm']]]);
  });

  test('it is stale when the source does not confirm the flags, and ready again when it does', async () => {
    const side = open();
    const clock = new ManualClock();
    const { answers, options } = source();
    answers.isUp = true;
    await side.provide({ ...engine, ...options, clock, pollIntervalMs: 1000 });
    expect(await isOn(side, 'calm')).toBe(true);
    const heard = side.listen();
    answers.isUp = false;
    side.provider.features?.on('error', () => {});
    await clock.until(() => side.status === 'STALE');
    expect(await isOn(side, 'calm')).toBe(true);
    answers.isUp = true;
    await clock.until(() => side.status === 'READY');
    expect(heard).toEqual([
      ['STALE', expect.stringContaining('not confirmed')],
      ['READY', undefined],
    ]);
  });

  test('flags at hand that the source does not confirm are stale from the start', async () => {
    const side = open();
    const { options } = source();
    await side.provide({ ...engine, ...options, clock: new ManualClock(), document: DOCUMENT });
    await becomes(side, 'STALE');
    expect(await isOn(side, 'calm')).toBe(true);
    await becomes(side, 'STALE');
  });

  test('a change names the flags that are new, written otherwise, or gone', async () => {
    const side = open();
    const { features, update } = await updatable(DOCUMENT, engine);
    await side.provide(features);
    expect(await isOn(side, 'calm')).toBe(true);
    const heard = side.listen();
    await update(CHANGED);
    await settle();
    expect(heard).toEqual([['CONFIGURATION_CHANGED', ['calm', 'come', 'gone']]]);
    const calm = await details(side, 'calm', true, ALICE);
    expect(calm).toMatchObject({ value: false, flagMetadata: { revision: 2, salt: 'other' } });
  });

  test('a rollback and a recovery name their flag', async () => {
    const side = open();
    const world = await local({ ...engine, document: DOCUMENT });
    await side.provide(world.features);
    const heard = side.listen();
    const named = () => heard.filter(([event, flags]) => event === 'CONFIGURATION_CHANGED' && flags?.includes('risky'));
    traffic(world, 'risky', { users: 10, failing: 10 });
    await world.clock.pass(2000);
    expect([await isOn(side, 'risky'), named().length]).toEqual([false, 1]);
    await world.clock.pass(90_000);
    expect([world.features.breaker.state('risky'), named().length]).toEqual(['half_open', 2]);
    for (let second = 0, from = 100; second < 60; second++) {
      from = traffic(world, 'risky', { users: 10, from });
      await world.clock.pass(1000);
    }
    expect([await isOn(side, 'risky'), named().length]).toEqual([true, 3]);
    expect([heard.length, heard.flat(2).includes('calm')]).toEqual([3, false]);
  });

  test('what a person holds, and lets go, is named', async () => {
    const side = open();
    const { features } = await local({ ...engine, document: DOCUMENT });
    await side.provide(features);
    const heard = side.listen();
    features.breaker.hold('risky');
    expect([await isOn(side, 'risky'), heard.length]).toEqual([false, 1]);
    features.breaker.release('risky');
    expect([await isOn(side, 'risky'), heard.length]).toEqual([true, 2]);
    expect(heard.every(([, flags]) => flags?.includes('risky'))).toBe(true);
  });

  test('what is only reported is no change', async () => {
    const side = open();
    const world = await local({ ...engine, document: DOCUMENT });
    world.features.breaker.setMode('risky', 'observe');
    await side.provide(world.features);
    const heard = side.listen();
    const reported: string[] = [];
    world.features.on('breaker', ({ event }) => reported.push(event));
    traffic(world, 'risky', { users: 10, failing: 10 });
    await world.clock.pass(2000);
    expect([reported, heard]).toEqual([['would_trip'], []]);
  });

  test('what the fleet holds back, and lets go, is named; what it says again is not', async () => {
    const side = open();
    const server = await FlagServer.start(DOCUMENT);
    const clock = new ManualClock();
    await side.provide({ ...engine, url: server.url, metrics: false, clock });
    await until(() => server.streams.size === 1);
    const heard = side.listen();
    const named = () => heard.map(([, flags]) => flags).filter((flags) => flags?.includes('calm')).length;
    server.trip({ calm: { trip: 'off' }, risky: { trip: 'clear' } });
    await until(() => named() === 1);
    expect(await isOn(side, 'calm')).toBe(false);
    server.trip({ calm: { trip: 'off' } });
    server.trip({});
    await until(() => named() === 2);
    expect([await isOn(side, 'calm'), heard.length]).toEqual([true, 2]);
    await side.close();
    await server.kill();
  });

  test('flags of its own are closed with it, those of the application are not', async () => {
    const side = open();
    const clock = new ManualClock();
    const { answers, options } = source();
    answers.isUp = true;
    await side.provide({ ...engine, ...options, clock });
    expect(clock.waiting).toBeGreaterThan(0);
    await side.close();
    expect([clock.waiting, side.provider.features]).toEqual([0, undefined]);
    const closed = side.provider as FlcmProvider;
    const asked = async () => closed.resolveBooleanEvaluation('calm', false, ALICE);
    await expect(asked()).rejects.toMatchObject({ code: 'PROVIDER_NOT_READY' });

    const { features, update } = await updatable(DOCUMENT, engine);
    await side.provide(features);
    const { provider } = side;
    const heard: unknown[] = [];
    for (const event of ['PROVIDER_CONFIGURATION_CHANGED', 'PROVIDER_READY'] as const) {
      (provider as FlcmProvider).events.addHandler(event as never, () => heard.push(event));
    }
    await side.close();
    await update(CHANGED);
    await settle();
    expect([features.isEnabled('calm', 'alice'), features.remote.state, heard]).toEqual([false, 'fresh', []]);
  });

  test('closed before the flags were there, it leaves nothing behind', async () => {
    const side = open();
    const clock = new ManualClock();
    const { options } = source();
    const provided = side.provide({ ...engine, ...options, clock }).catch((error) => error.message);
    await side.close();
    expect([await provided, clock.waiting]).toEqual(['the provider was closed', 0]);
  });
});

test('a page is told of the flags that depend on one that was rolled back, as well', async () => {
  const side = opened(WebSide);
  const world = await local({ document: DOCUMENT });
  await side.provide(world.features);
  const heard = side.listen();
  world.features.breaker.hold('risky');
  expect(heard).toEqual([['CONFIGURATION_CHANGED', ['child', 'risky']]]);
});

test('a page stays stale when its context changes', async () => {
  const side = opened(WebSide);
  const { options } = source();
  await side.provide({ ...options, clock: new ManualClock(), document: DOCUMENT });
  await becomes(side, 'STALE');
  await OpenFeature.setContext('scenario', ALICE);
  await becomes(side, 'STALE');
});

test('a page whose context changes before there are flags is ready when they are there', async () => {
  const side = opened(WebSide);
  const clock = new ManualClock();
  const { answers, options } = source();
  answers.isUp = true;
  const provided = side.provide({ ...options, clock });
  const changed = OpenFeature.setContext('scenario', ALICE);
  expect(side.status).toBe('RECONCILING');
  await Promise.all([provided, changed]);
  expect([side.status, OpenFeature.getClient('scenario').getBooleanValue('calm', false)]).toEqual(['READY', true]);
});
