import type { FlagSummary } from '@flcm/features';
import { describe, expect, test, vi } from 'vitest';
import { codes, ENGINES, type Local, local } from '../../kit/local.ts';

const DOCUMENT = `
flags:
  on: { rollout: { percentage: 100 }, error_threshold: { rate: 0.9 } }
  left_out: { rollout: { percentage: 0 }, error_threshold: { rate: 0.9 } }
  off: { enabled: false }
  loose: { rollout: { percentage: 100 } }
`;

const boom = (): never => {
  throw new Error('boom');
};

describe.each(ENGINES)('%s', (_, engine) => {
  const open = async (): Promise<Local & { summary: (flag: string) => FlagSummary }> => {
    const world = await local({ ...engine, document: DOCUMENT });
    return { ...world, summary: (flag) => world.features.metrics.summary(flag) as FlagSummary };
  };

  test('the new way is called where the feature is on, else the old one', async () => {
    const { features } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    const [enabled, fallback] = [vi.fn(() => 'new'), vi.fn(() => 'old')];
    expect(features.run('on', alice, enabled, fallback)).toBe('new');
    expect([enabled.mock.calls.length, fallback.mock.calls.length]).toEqual([1, 0]);
    for (const flag of ['left_out', 'off', 'nothing']) expect(alice.run(flag, enabled, fallback), flag).toBe('old');
    expect([enabled.mock.calls.length, fallback.mock.calls.length]).toEqual([1, 3]);
  });

  test('what comes back later is waited for', async () => {
    const { features, summary } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    const answer = alice.run(
      'on',
      async () => 'new',
      async () => 'old',
    );
    expect(answer).toBeInstanceOf(Promise);
    expect(summary('on').total).toBe(0);
    expect(await answer).toBe('new');
    expect(summary('on')).toMatchObject({ total: 1, errors: 0 });
  });

  test.each(['throws', 'rejects', 'rejects a thenable'])(
    'a new way that %s counts as an error, and the old way is called once',
    async (how) => {
      const { features, summary, errors } = await open();
      const alice = features.for({ targetingKey: 'alice' });
      const fallback = vi.fn(() => 'old' as unknown);
      const ways: Record<string, () => unknown> = {
        throws: boom,
        rejects: async () => boom(),
        'rejects a thenable': () => ({
          // biome-ignore lint/suspicious/noThenProperty: this is what is tested
          then: (_: unknown, failed: (error: Error) => unknown) => failed(new Error('boom')),
        }),
      };
      expect(await alice.run('on', ways[how] as () => unknown, fallback)).toBe('old');
      expect(fallback).toHaveBeenCalledTimes(1);
      expect(summary('on')).toMatchObject({ decisions: 1, total: 1, errors: 1, controlTotal: 0, outsideTotal: 0 });
      expect(errors).toEqual([]);
    },
  );

  test('a thenable that keeps its promise counts as a success', async () => {
    const { features, summary } = await open();
    // biome-ignore lint/suspicious/noThenProperty: this is what is tested
    const thenable = { then: (kept: (value: string) => unknown) => Promise.resolve(kept('new')) };
    expect(
      await features.for({ targetingKey: 'alice' }).run<unknown>(
        'on',
        () => thenable,
        () => 'old',
      ),
    ).toBe('new');
    expect(summary('on')).toMatchObject({ total: 1, errors: 0 });
  });

  test('an error of the old way is the caller’s, and is not called again', async () => {
    const { features, summary } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    const [sync, later] = [vi.fn(boom), vi.fn(async () => boom())];
    expect(() => alice.run('left_out', () => 'new', sync)).toThrow('boom');
    await expect(alice.run<unknown>('left_out', () => 'new', later)).rejects.toThrow('boom');
    expect(() => alice.run('on', boom, sync)).toThrow('boom');
    await expect(alice.run<unknown>('on', async () => boom(), later)).rejects.toThrow('boom');
    expect([sync.mock.calls.length, later.mock.calls.length]).toEqual([2, 2]);
    expect(summary('left_out')).toMatchObject({ total: 0, controlTotal: 2, controlErrors: 2 });
    expect(summary('on')).toMatchObject({ total: 2, errors: 2, controlTotal: 0 });
  });

  test('some errors are not the feature’s fault', async () => {
    const { features, summary } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    const isFailure = (error: unknown) => !(error instanceof RangeError);
    const refuses = () => {
      throw new RangeError('of the user');
    };
    expect(alice.run('on', refuses, () => 'old', { isFailure })).toBe('old');
    expect(summary('on')).toMatchObject({ total: 1, errors: 0 });
    expect(alice.run('on', boom, () => 'old', { isFailure })).toBe('old');
    expect(summary('on')).toMatchObject({ total: 2, errors: 1 });
    expect(() => alice.run('left_out', () => 'new', refuses, { isFailure })).toThrow(RangeError);
    expect(summary('left_out')).toMatchObject({ controlTotal: 1, controlErrors: 0 });
  });

  test('a judgement that throws is reported, and the error counts', async () => {
    const { features, summary, errors } = await open();
    const isFailure = () => {
      throw new Error('no judge');
    };
    expect(features.for({ targetingKey: 'alice' }).run('on', boom, () => 'old', { isFailure })).toBe('old');
    expect(summary('on')).toMatchObject({ total: 1, errors: 1 });
    expect(codes(errors)).toEqual(['LISTENER_FAILED']);
    expect(errors[0]?.message).toMatch(/no judge/);
  });

  test('outcomes are counted by arm', async () => {
    const { features, summary } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    features.cohorts.override('bob', 'on', true);
    const bob = features.for({ targetingKey: 'bob' });
    const call = (user: typeof alice, flag: string) =>
      user.run(
        flag,
        () => 'new',
        () => 'old',
      );
    for (let times = 0; times < 3; times++) call(alice, 'on');
    for (let times = 0; times < 2; times++) call(bob, 'on');
    call(alice, 'left_out');
    call(alice, 'off');
    expect(summary('on')).toMatchObject({ decisions: 5, total: 3, controlTotal: 0, outsideTotal: 2 });
    expect(summary('left_out')).toMatchObject({ decisions: 1, total: 0, controlTotal: 1, outsideTotal: 0 });
    expect(summary('off')).toMatchObject({ decisions: 1, total: 0, controlTotal: 0, outsideTotal: 1 });
    expect(summary('on').tallies).toEqual([
      { reason: 'OVERRIDE', count: 2 },
      { reason: 'TARGETING_MATCH', count: 3 },
    ]);
  });

  test('a flag without threshold is counted as well', async () => {
    const { features, summary } = await open();
    features.for({ targetingKey: 'alice' }).run('loose', boom, () => 'old');
    expect(summary('loose')).toMatchObject({ total: 1, errors: 1, errorRate: 1 });
    expect(features.breaker.state('loose')).toBeUndefined();
  });

  test('the duration is that of the new way, without its fallback', async () => {
    const { features, summary, clock } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    const later = (ms: number) => () => new Promise<string>((resolve) => void clock.after(ms, () => resolve('done')));
    const failing = async () => {
      await later(64)();
      return boom();
    };
    const answer = alice.run<Promise<string>>('on', failing, later(4096));
    await clock.pass(64);
    expect(summary('on')).toMatchObject({ total: 1, errors: 1 });
    await clock.pass(4096);
    expect(await answer).toBe('done');
    expect(summary('on').total).toBe(1);
    expect(summary('on').mean).toBeGreaterThan(62);
    expect(summary('on').max).toBeLessThan(67);
  });

  test('an outcome that nobody ran is told by record', async () => {
    const { features, summary } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    alice.record('on', { failed: true, durationMs: 32 });
    features.breaker.recordSuccess('on', alice, { durationMs: 32 });
    features.breaker.recordError('on', 'bob');
    features.breaker.recordError('nothing', 'bob');
    expect(summary('on')).toMatchObject({ total: 3, errors: 2, count: 2 });
    expect(summary('on').p50).toBeGreaterThan(30);
    expect(summary('on').p50).toBeLessThan(34);
  });
});
