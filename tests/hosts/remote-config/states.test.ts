import { describe, expect, test } from 'vitest';
import { compiled, until } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import { silence, status } from '../kit/faults.ts';
import { onlyTypeScript } from '../kit/only.ts';
import { AFTER, BEFORE, follow, served, testClock, type WorldOptions, world } from '../kit/world.ts';

describe('the state', () => {
  test('is fresh for three polls, then stale, and fresh again', async () => {
    const { server, at } = await follow();
    expect(at.features.remote).toMatchObject({ state: 'fresh', ageMs: 0 });
    server.answer = status(500);
    await at.clock.pass(1000);
    expect(at.features.remote.ageMs).toBe(1000);
    await at.until(() => at.features.remote.state === 'stale');
    expect(at.features.remote.ageMs).toBe(180_000);
    expect(at.isOn('old')).toBe(true);
    server.answer = undefined;
    await at.features.remote.sync();
    expect(at.features.remote).toMatchObject({ state: 'fresh', ageMs: 0 });
    expect(at.diary.of('state')).toEqual([
      { from: 'initializing', to: 'fresh', ageMs: 0 },
      { from: 'fresh', to: 'stale', ageMs: 180_000 },
      { from: 'stale', to: 'fresh', ageMs: 0 },
    ]);
    expect(at.diary.of('stale')).toEqual([{ from: 'fresh', to: 'stale', ageMs: 180_000 }]);
  });

  test('stays fresh as long as the source confirms what is in use', async () => {
    const { at } = await follow();
    await at.until(() => at.clock.elapsed() > 3_600_000, 4_000_000);
    expect(at.diary.of('state')).toHaveLength(1);
    expect(at.features.remote.ageMs).toBeLessThanOrEqual(66_000);
  });

  test('is stale after `staleAfterMs`', async () => {
    const { server, at } = await follow({ staleAfterMs: 5000, pollIntervalMs: 0 });
    server.answer = silence;
    await at.clock.pass(4999);
    expect(at.features.remote.state).toBe('fresh');
    await at.clock.pass(1);
    expect(at.features.remote.state).toBe('stale');
  });

  test('of a document that was given is fresh for ever', async () => {
    const at = await world({ document: BEFORE });
    await at.clock.pass(86_400_000);
    expect(at.features.remote.state).toBe('fresh');
    expect(at.diary.of('state')).toEqual([{ from: 'initializing', to: 'fresh', ageMs: 0 }]);
  });

  test('is offline while there is nothing to decide with', async () => {
    const server = await served();
    server.answer = status(500);
    const at = await world({ url: server.url });
    expect(at.features.remote).toMatchObject({ state: 'offline', ageMs: undefined });
    expect(at.features.decision('old', 'alice')).toMatchObject({ enabled: false, errorCode: 'PROVIDER_NOT_READY' });
    expect(at.features.value('old', 'mine', 'alice')).toBe('mine');
    expect(at.features.snapshot).toBeUndefined();
    server.answer = undefined;
    await at.until(() => at.isOn('old'), 1000);
    expect(at.diary.of('state')).toMatchObject([
      { from: 'initializing', to: 'offline' },
      { from: 'offline', to: 'fresh' },
    ]);
  });
});

test('timers that ring a little early make nothing fresh for ever', async () => {
  const server = await served();
  const clock = testClock();
  clock.early = 1;
  const at = await world({ clock, url: server.url, staleAfterMs: 5000, pollIntervalMs: 0 });
  await at.clock.pass(4999);
  expect(at.features.remote.state).toBe('fresh');
  await at.clock.pass(2);
  expect(at.features.remote.state).toBe('stale');
});

describe('createFeatures', () => {
  test('waits for the first answer', async () => {
    const { at } = await follow();
    expect(at.isOn('old')).toBe(true);
    expect(at.clock.elapsed()).toBe(0);
  });

  test('waits for `initTimeoutMs` at most; a late answer takes effect, in contexts made before as well', async () => {
    const server = await served();
    let answer = () => {};
    server.answer = (request, response) => {
      answer = () => server.answerFlags(request, response);
    };
    const clock = testClock();
    let created = false;
    const creating = world({ clock, url: server.url, initTimeoutMs: 500 });
    void creating.then(() => {
      created = true;
    });
    await until(() => server.marks.length === 1);
    await clock.pass(499);
    expect(created).toBe(false);
    await clock.pass(1);
    const at = await creating;
    expect(at.features.remote.state).toBe('initializing');
    const alice = at.features.for({ targetingKey: 'alice' });
    expect(alice.isEnabled('old')).toBe(false);
    answer();
    await until(() => at.features.remote.state === 'fresh');
    expect(alice.isEnabled('old')).toBe(true);
    expect(at.codes).toEqual([]);
    expect(at.diary.of('change')).toMatchObject([{ flags: ['new', 'old'], from: undefined }]);
  });

  test('decides at once with what was kept, while the network hangs', async () => {
    const cache = folder();
    const server = await served();
    await (await world({ url: server.url, cache })).features.close();
    server.answer = silence;
    const at = await world({ url: server.url, cache });
    expect(at.clock.elapsed()).toBe(0);
    expect(at.isOn('old')).toBe(true);
    expect(at.features.remote).toMatchObject({ state: 'stale', ageMs: undefined });
  });

  test.each(['document', 'snapshot'] as const)('decides at once with a %s that was given', async (kind) => {
    const server = await served(AFTER);
    let answer = () => {};
    server.answer = (request, response) => {
      answer = () => server.answerFlags(request, response);
    };
    const given = kind === 'document' ? { document: BEFORE } : { snapshot: compiled(BEFORE) };
    const at = await world({ url: server.url, ...given });
    expect(at.isOn('old')).toBe(true);
    expect(at.features.remote.state).toBe('stale');
    await until(() => server.marks.length === 1);
    answer();
    await until(() => at.isOn('new'));
    expect(at.features.remote.state).toBe('fresh');
    expect(server.marks).toEqual([undefined]);
  });

  const refuses = async (options: WorldOptions, code: string) => {
    const clock = testClock();
    await expect(world({ clock, ...options })).rejects.toMatchObject({ name: 'FeatureError', code });
    expect(clock.waiting).toBe(0);
  };
  test.each<[string, WorldOptions, string]>([
    ['no document', { document: 'flags: [' }, 'INVALID_DOCUMENT'],
    ['an empty document', { document: ' \n' }, 'EMPTY'],
    ['no snapshot', { snapshot: new Uint8Array(100) }, 'INVALID_SNAPSHOT'],
    ['no source', {}, 'INVALID_OPTIONS'],
    ['two sources', { url: 'http://a', file: 'b' }, 'INVALID_OPTIONS'],
    ['no URL', { url: 'http://' }, 'INVALID_OPTIONS'],
    ['an instance that not every language can hold', { document: BEFORE, instance: 2 ** 53 }, 'INVALID_OPTIONS'],
  ])('refuses %s', async (_, options, code) => refuses(options, code));

  onlyTypeScript('where numbers may be anything', () => {
    test.each<[string, WorldOptions, string]>([
      ['a time that is none', { document: BEFORE, pollIntervalMs: -1 }, 'INVALID_OPTIONS'],
      ['an instance that is none', { document: BEFORE, instance: 0.5 }, 'INVALID_OPTIONS'],
    ])('refuses %s', async (_, options, code) => refuses(options, code));
  });
});
