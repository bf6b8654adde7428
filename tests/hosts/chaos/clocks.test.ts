import { describe, expect, test } from 'vitest';
import { until } from '../../kit/server.ts';
import { status } from '../kit/faults.ts';
import { AFTER, follow, world } from '../kit/world.ts';

const DAY = 86_400_000;

const GUARDED = `flags: { risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, window: 300 } } }`;

describe.each([
  ['forward', DAY],
  ['back', -DAY],
  ['to 1970', -1_800_000_000_000],
])('a clock that is set %s', (_, by) => {
  test('is polled by as before', async () => {
    const { server, at } = await follow();
    await at.until(() => server.marks.length === 2, 100_000);
    at.clock.jump(by);
    for (let poll = 3; poll < 10; poll++) {
      // Half an interval to one and a half, and a tenth of jitter: nothing in a hurry, nothing forgotten.
      const waited = await at.until(() => server.marks.length === poll);
      expect(waited).toBeGreaterThanOrEqual(0.4 * 60_000);
      expect(waited).toBeLessThanOrEqual(1.6 * 60_000);
    }
    server.publish(AFTER);
    await at.until(() => at.isOn('new'), 100_000);
    expect(at.codes).toEqual([]);
  });

  test('makes nothing older, or younger, than it is', async () => {
    const { server, at } = await follow();
    server.answer = status(500);
    await at.clock.pass(1000);
    at.clock.jump(by);
    expect(at.features.remote.ageMs).toBe(1000);
    expect(at.features.remote.state).toBe('fresh');
    await at.until(() => at.features.remote.state === 'stale');
    expect(at.features.remote.ageMs).toBe(180_000);
  });

  test('does not keep a stream from its silence', async () => {
    const { server, at } = await follow({ stream: true });
    await until(() => server.streams.size === 1);
    await at.clock.pass(20_000);
    at.clock.jump(by);
    await at.until(() => server.count('/flags/stream') === 2, 26_000);
  });

  test('keeps no flag from being rolled back', async () => {
    const at = await world({ document: GUARDED });
    at.clock.jump(by);
    for (let user = 0; at.features.breaker.state('risky') === 'closed' && user < 5000; user++) {
      const context = at.features.for({ targetingKey: `user${user}` });
      context.record('risky', { failed: context.isEnabled('risky') });
      if (user % 50 === 0) await at.clock.pass(1000);
    }
    expect(at.diary.of('rollback')).toHaveLength(1);
    expect(at.features.breaker.state('risky')).toBe('open');
  });

  test('keeps no flag from coming back', async () => {
    const at = await world({ document: GUARDED });
    for (let user = 0; at.features.breaker.state('risky') === 'closed' && user < 5000; user++) {
      const context = at.features.for({ targetingKey: `user${user}` });
      context.record('risky', { failed: context.isEnabled('risky') });
      if (user % 50 === 0) await at.clock.pass(1000);
    }
    expect(at.features.breaker.state('risky')).toBe('open');
    at.clock.jump(by);
    await at.until(() => at.features.breaker.state('risky') === 'half_open', DAY);
    expect(at.diary.of('probe')).toHaveLength(1);
  });
});
