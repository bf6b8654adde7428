import type { FeatureFlagManager } from '@flcm/features';
import { describe, expect, test, vi } from 'vitest';
import { AFTER, follow, world } from '../../hosts/kit/world.ts';
import { until } from '../../kit/server.ts';

const fails: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error('mine');
    },
  ],
  ['rejects', () => Promise.reject(new Error('mine'))],
  [
    'throws nothing',
    () => {
      throw undefined;
    },
  ],
];

describe.each(fails)('a listener that %s', (_, fail) => {
  test.each(['change', 'sync', 'state', 'fleet'] as const)('at `%s` is reported, and nothing stops', async (event) => {
    const { server, at } = await follow({ stream: true });
    const others: unknown[] = [];
    at.features.on(event, fail);
    at.features.on(event, (of) => others.push(of));
    await until(() => server.streams.size === 1);
    server.publish(AFTER);
    server.trip({ gone: { trip: 'off' } });
    await at.features.remote.sync();
    at.features.on('state', () => {});
    if (event === 'state') {
      server.answer = (_request, response) => response.destroy();
      await at.until(() => at.features.remote.state === 'stale');
      server.answer = undefined;
    }
    await until(() => others.length > 0);
    await until(() => at.codes.includes('LISTENER_FAILED'));
    expect(at.isOn('new')).toBe(true);
    server.publish('revision: 3\nflags: { third: { rollout: { percentage: 100 } } }');
    await at.until(() => at.isOn('third'));
  });

  test('at `error` is said on the console, and leads to no error of its own', async () => {
    const { server, at } = await follow();
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    at.features.on('error', fail);
    server.answer = (_request, response) => response.destroy();
    await at.features.remote.sync();
    await until(() => warn.mock.calls.length > 0);
    expect(warn.mock.calls).toHaveLength(1);
    expect(at.codes).toEqual(['FETCH_FAILED']);
    server.answer = undefined;
    await at.features.remote.sync();
    expect(at.features.remote.state).toBe('fresh');
    warn.mockRestore();
  });
});

describe('a cohort’s function that', () => {
  const document = `
    cohorts: { friends: {} }
    flags: { theirs: { rollout: { percentage: 0, cohorts: [{ friends: true }] } }, old: { rollout: { percentage: 100 } } }
  `;

  test('throws puts nobody in, is reported, and may recover', async () => {
    const at = await world({ document });
    let failing = true;
    (at.features as FeatureFlagManager).cohorts.feed('friends', (user) => {
      if (failing) throw new Error('no database');
      return user === 'alice';
    });
    expect(at.isOn('theirs')).toBe(false);
    expect(at.isOn('old')).toBe(true);
    expect(at.codes).toContain('LISTENER_FAILED');
    expect((at.features as FeatureFlagManager).cohorts.assignUser('alice')).toEqual([]);
    failing = false;
    expect(at.isOn('theirs')).toBe(true);
    expect(at.features.isEnabled('theirs', 'bob')).toBe(false);
  });

  test('answers a promise puts nobody in', async () => {
    const at = await world({ document });
    (at.features as FeatureFlagManager).cohorts.feed('friends', (async () => true) as never);
    expect(at.isOn('theirs')).toBe(false);
    expect(at.isOn('old')).toBe(true);
  });
});

test('a listener that was taken away while a change is compared gets nothing, and nothing breaks', async () => {
  const many = (revision: number): string => {
    const flags = Array.from({ length: 1000 }, (_, flag) => `  flag${flag}: { enabled: ${revision % 2 === 0} }`);
    return `revision: ${revision}\nflags:\n${flags.join('\n')}`;
  };
  const { server, at } = await follow();
  await at.clock.pass(0);
  at.diary.events.length = 0;
  const off = at.features.on('change', () => {});
  server.publish(many(2));
  await at.features.remote.sync();
  server.publish(many(3));
  await at.features.remote.sync();
  off();
  await at.clock.pass(10);
  expect(at.diary.of('change')).toMatchObject([{ revision: 2n }, { revision: 3n }]);
});
