import type { BreakerEvent } from '@flcm/features';
import { describe, expect, test } from 'vitest';
import { ENGINES, type Local, local, traffic, updatable } from '../../kit/local.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const risky = (policy = '', percentage = 100): string => `
flags:
  risky: { rollout: { percentage: ${percentage} }, error_threshold: { rate: 0.05${policy} } }
  calm: { rollout: { percentage: 100 } }
`;

/** Listens to everything of breakers. */
function heard({ features }: Local): BreakerEvent[] {
  const events: BreakerEvent[] = [];
  features.on('breaker', (event) => events.push(event));
  return events;
}

const names = (events: readonly BreakerEvent[]): string[] => events.map(({ event }) => event);

describe.each(ENGINES)('%s', (_, engine) => {
  const open = (policy = '', percentage = 100): Promise<Local> =>
    local({ ...engine, document: risky(policy, percentage) });

  /** Rolls the flag back. */
  async function trip(world: Local): Promise<void> {
    traffic(world, 'risky', { users: 10, failing: 10 });
    await world.clock.pass(2000);
    expect(world.features.breaker.state('risky')).toBe('open');
  }

  test('failures roll a flag back, and the decision is off at once', async () => {
    const world = await open();
    const { features, clock } = world;
    const alice = features.for({ targetingKey: 'alice' });
    const seen: unknown[] = [];
    features.on('rollback', (event) =>
      seen.push([event.event, alice.isEnabled('risky'), features.isEnabled('risky', 'bob')]),
    );
    expect(alice.isEnabled('risky')).toBe(true);
    traffic(world, 'risky', { users: 10, failing: 10 });
    expect([features.breaker.state('risky'), alice.isEnabled('risky')]).toEqual(['closed', true]);
    await clock.pass(1000);
    expect(seen).toEqual([['tripped', false, false]]);
    expect(alice.decision('risky')).toMatchObject({ enabled: false, reason: 'BREAKER_OPEN' });
    expect(features.breaker.state('risky')).toBe('open');
    expect(features.isEnabled('calm', 'alice')).toBe(true);
  });

  test('a rollback says what led to it', async () => {
    const world = await open();
    const events: BreakerEvent[] = [];
    world.features.on('rollback', (event) => events.push(event));
    traffic(world, 'risky', { users: 12, failing: 10 });
    await world.clock.pass(1000);
    const [event] = events;
    const change = { flag: 'risky', from: 'closed', to: 'open', mode: 'auto', percentBefore: 100, percentAfter: 0 };
    expect(event).toMatchObject({ ...change, cause: 'absolute', at: world.clock.now() });
    expect(event?.evidence).toMatchObject({ total: 12, errors: 10, next: 'probe', sequence: 1 });
    expect(event?.evidence.absolute).toBeGreaterThan(event?.evidence.limit ?? Number.NaN);
    expect(event?.text).toMatch(
      /^`risky` rolled back 100 % → 0 %: 10 of 12 failed \(83\.333 %\); absolute evidence \d+, limit \d+ \(absolute\); probed in \d+ s$/,
    );
  });

  test('healthy traffic rolls nothing back, and a quiet flag waits for nothing', async () => {
    const world = await open();
    const events = heard(world);
    for (let second = 0, from = 0; second < 120; second++) {
      from = traffic(world, 'risky', { users: 20, failing: second % 3 === 0 ? 1 : 0, from });
      await world.clock.pass(1000);
    }
    expect(events).toEqual([]);
    await world.clock.pass(5000);
    expect(world.clock.next ?? Number.POSITIVE_INFINITY).toBe(Number.POSITIVE_INFINITY);
  });

  test('one user who tries again and again is one failure', async () => {
    const world = await open();
    const events = heard(world);
    const alice = world.features.for({ targetingKey: 'alice' });
    for (let times = 0; times < 1000; times++)
      alice.run(
        'risky',
        () => {
          throw new Error('boom');
        },
        () => 'old',
      );
    await world.clock.pass(5000);
    expect(events).toEqual([]);
    expect(world.features.breaker.report('risky')).toMatchObject({ total: 1, errors: 1 });
  });

  test('a flag that was rolled back is probed, and recovers', async () => {
    const world = await open(', probe: 100');
    const events = heard(world);
    const said: string[] = [];
    for (const event of ['rollback', 'probe', 'recovered'] as const) world.features.on(event, () => said.push(event));
    await trip(world);
    await world.clock.pass(2 * MINUTE);
    expect(world.features.breaker.state('risky')).toBe('half_open');
    for (let second = 0, from = 100; second < 60; second++) {
      from = traffic(world, 'risky', { users: 10, from });
      await world.clock.pass(1000);
    }
    expect(names(events)).toEqual(['tripped', 'half_opened', 'recovered']);
    expect(said).toEqual(['rollback', 'probe', 'recovered']);
    expect(world.features.isEnabled('risky', 'alice')).toBe(true);
    expect(events[2]?.text).toMatch(/recovered/);
  });

  test('a probe that fails is a rollback, and the next one comes later', async () => {
    const world = await open(', probe: 100');
    const events = heard(world);
    await trip(world);
    await world.clock.pass(2 * MINUTE);
    traffic(world, 'risky', { users: 20, failing: 20, from: 100 });
    await world.clock.pass(2000);
    expect(names(events)).toEqual(['tripped', 'half_opened', 'reopened']);
    const waits = events.map(({ evidence, at }) => (evidence.nextAt ?? Number.NaN) - at);
    expect(waits[2]).toBeGreaterThan(1.3 * (waits[0] as number));
    expect(world.features.isEnabled('risky', 'alice')).toBe(false);
  });

  test('while it is probed only a few have it', async () => {
    const world = await open(', probe: 5');
    await trip(world);
    await world.clock.pass(2 * MINUTE);
    const on = Array.from({ length: 2000 }, (_, user) => world.features.isEnabled('risky', `user-${user}`));
    expect(on.filter(Boolean).length).toBeGreaterThan(60);
    expect(on.filter(Boolean).length).toBeLessThan(150);
  });

  test('a sticky rollback waits for a person', async () => {
    const world = await open(', recovery: sticky');
    const events = heard(world);
    await trip(world);
    expect(events[0]?.evidence.next).toBe('acknowledge');
    expect(events[0]?.text).toMatch(/waits for an acknowledgement$/);
    await world.clock.pass(3 * HOUR);
    expect(world.features.breaker.state('risky')).toBe('open');
    world.features.breaker.acknowledge('risky');
    expect([world.features.breaker.state('risky'), world.features.isEnabled('risky', 'alice')]).toEqual([
      'closed',
      true,
    ]);
    world.features.breaker.acknowledge('risky');
    world.features.breaker.acknowledge('calm');
    expect(names(events)).toEqual(['tripped', 'acknowledged']);
    expect(() => world.features.breaker.acknowledge('nothing')).toThrow('no flag is called `nothing`');
  });

  test('whoever waits for a person is reminded of it once a day', async () => {
    const world = await open(', recovery: sticky');
    const events = heard(world);
    await trip(world);
    await world.clock.pass(49 * HOUR);
    expect(names(events)).toEqual(['tripped', 'reminder', 'reminder']);
  });

  test.each(['risky', 'calm'])('%s is held off by a person, until it is released', async (flag) => {
    const { features } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    features.breaker.hold(flag);
    expect([features.isEnabled(flag, 'alice'), alice.isEnabled(flag)]).toEqual([false, false]);
    expect(alice.decision(flag).reason).toBe('BREAKER_OPEN');
    features.breaker.hold(flag);
    expect(() => features.breaker.setMode(flag, 'sideways' as 'held')).toThrow('no mode');
    expect(features.isEnabled(flag, 'alice'), 'the hold stays').toBe(false);
    features.breaker.release(flag);
    expect([features.isEnabled(flag, 'alice'), alice.isEnabled(flag)]).toEqual([true, true]);
    expect(() => features.breaker.hold('nothing')).toThrow('no flag is called `nothing`');
    expect(() => features.breaker.setMode('risky', 'sideways' as 'held')).toThrow('no mode');
    expect(features.isEnabled(flag, 'alice')).toBe(true);
  });

  test('a hold is an event of a flag with threshold', async () => {
    const world = await open();
    const events = heard(world);
    world.features.breaker.hold('risky');
    world.features.breaker.release('risky');
    expect(events.map(({ event, mode }) => [event, mode])).toEqual([
      ['mode_changed', 'held'],
      ['mode_changed', 'auto'],
    ]);
  });

  test('a flag may only be observed, or forced', async () => {
    const world = await open();
    const events = heard(world);
    const { breaker } = world.features;
    breaker.setMode('risky', 'observe');
    let from = traffic(world, 'risky', { users: 10, failing: 10 });
    await world.clock.pass(2000);
    expect(names(events)).toEqual(['mode_changed', 'would_trip']);
    expect(world.features.isEnabled('risky', 'alice')).toBe(true);
    breaker.setMode('risky', 'forced_closed');
    from = traffic(world, 'risky', { users: 10, failing: 10, from });
    await world.clock.pass(2000);
    expect(world.features.isEnabled('risky', 'alice')).toBe(true);
    breaker.setMode('risky', 'auto');
    traffic(world, 'risky', { users: 10, failing: 10, from });
    await world.clock.pass(2000);
    expect(names(events).at(-1)).toBe('tripped');
  });

  test('a mode of a flag without threshold other than held is as usual', async () => {
    const { features } = await open();
    features.breaker.hold('calm');
    features.breaker.setMode('calm', 'observe');
    expect(features.isEnabled('calm', 'alice')).toBe(true);
    expect(features.breaker.report('calm')).toBeUndefined();
  });

  test('a hold outlives a threshold that comes, or goes, with an update', async () => {
    const bare = 'flags: { risky: { rollout: { percentage: 100 } } }';
    for (const [before, after] of [
      [risky(), bare],
      [bare, risky()],
    ] as const) {
      const { features, update } = await updatable(before, engine);
      features.breaker.hold('risky');
      await update(after);
      expect(features.isEnabled('risky', 'alice')).toBe(false);
      features.breaker.release('risky');
      expect(features.isEnabled('risky', 'alice')).toBe(true);
    }
  });

  test('an update in the midst of a rollback keeps it', async () => {
    const world = await updatable(risky(', probe: 100'), engine);
    const events = heard(world);
    await trip(world);
    await world.update(`revision: 2\n${risky(', probe: 100')}\n  another: {}`);
    expect(world.features.isEnabled('another', 'alice')).toBe(true);
    expect([world.features.breaker.state('risky'), world.features.isEnabled('risky', 'alice')]).toEqual([
      'open',
      false,
    ]);
    await world.clock.pass(2 * MINUTE);
    expect(names(events)).toEqual(['tripped', 'half_opened']);
    expect(world.errors).toEqual([]);
  });

  test('evidence goes on over an update', async () => {
    const world = await updatable(risky(), engine);
    const events = heard(world);
    const from = traffic(world, 'risky', { users: 3, failing: 3 });
    await world.update(`${risky()}  another: {}`);
    traffic(world, 'risky', { users: 3, failing: 3, from });
    await world.clock.pass(2000);
    expect(names(events)).toEqual(['tripped']);
  });

  test('another policy begins anew', async () => {
    const world = await updatable(risky(), engine);
    const events = heard(world);
    await trip(world);
    await world.update(risky(', window: 60'));
    expect(names(events)).toEqual(['tripped', 'configured']);
    expect(world.features.breaker.report('risky')).toMatchObject({ total: 0, errors: 0 });
  });

  test('a threshold that is taken away is no acknowledgement', async () => {
    const world = await updatable(risky(), engine);
    await trip(world);
    await world.update('flags: { risky: { rollout: { percentage: 100 } } }');
    expect(world.features.isEnabled('risky', 'alice')).toBe(false);
    world.features.breaker.release('risky');
    expect(world.features.isEnabled('risky', 'alice')).toBe(true);
  });

  test('what listeners do while an update comes into use is done to what comes', async () => {
    const world = await updatable(risky(), engine);
    world.features.on('breaker', ({ event }) => {
      if (event === 'configured') world.features.breaker.hold('calm');
    });
    await world.update(risky(', window: 60'));
    expect(world.features.isEnabled('calm', 'alice')).toBe(false);
  });

  test.each(['heard', 'unheard'])(
    'outcomes of decisions that an update, %s, has overtaken are counted',
    async (change) => {
      const world = await updatable(risky(), engine);
      if (change === 'heard') world.features.on('change', () => {});
      const events = heard(world);
      const fail: (() => void)[] = [];
      const users = Array.from({ length: 10 }, (_, user) => world.features.for({ targetingKey: `user-${user}` }));
      const calls = users.map((user) =>
        user.run(
          'risky',
          () => new Promise<string>((_, reject) => fail.push(() => reject(new Error('boom')))),
          async () => 'old',
        ),
      );
      await world.update(
        `flags: { aaa: {} }\n${risky()}`.replace('\n\nflags:', '').replace('{ aaa: {} }', '\n  aaa: {}'),
      );
      await world.update(risky());
      for (const call of fail) call();
      expect(await Promise.all(calls)).toEqual(users.map(() => 'old'));
      await world.clock.pass(2000);
      expect(names(events)).toEqual(['tripped']);
      expect(world.features.metrics.summary('risky')).toMatchObject({ total: 10, errors: 10 });
      expect(world.errors).toEqual([]);
    },
  );

  test('outcomes of before a rollback are no evidence after it', async () => {
    const world = await open(', probe: 100');
    const fail: (() => void)[] = [];
    const users = Array.from({ length: 50 }, (_, user) => world.features.for({ targetingKey: `late-${user}` }));
    for (const user of users) {
      void user.run(
        'risky',
        () => new Promise<string>((_, reject) => fail.push(() => reject(new Error('boom')))),
        async () => 'old',
      );
    }
    await trip(world);
    await world.clock.pass(2 * MINUTE);
    for (const call of fail) call();
    await world.clock.pass(5000);
    expect(world.features.breaker.state('risky')).toBe('half_open');
  });

  test('outcomes are told with a user id, or a context', async () => {
    const world = await open();
    const { breaker } = world.features;
    const events = heard(world);
    for (let user = 0; user < 5; user++) breaker.recordError('risky', `user-${user}`, { durationMs: 3 });
    for (let user = 5; user < 10; user++)
      breaker.recordError('risky', world.features.for({ targetingKey: `user-${user}` }));
    breaker.recordSuccess('risky', 'alice');
    await world.clock.pass(2000);
    expect(events[0]?.evidence).toMatchObject({ event: 'tripped', total: 11, errors: 10 });
  });

  test.each([-HOUR, HOUR])('a wall clock that jumps by %i ms delays nothing', async (ms) => {
    const world = await open(', probe: 100');
    const events = heard(world);
    let from = traffic(world, 'risky', { users: 5 });
    await world.clock.pass(5000);
    world.clock.jump(ms);
    from = traffic(world, 'risky', { users: 10, failing: 10, from });
    await world.clock.pass(1000);
    expect(names(events)).toEqual(['tripped']);
    world.clock.jump(-ms);
    await world.clock.pass(30_000);
    expect(names(events)).toEqual(['tripped']);
    await world.clock.pass(60_000);
    expect(names(events)).toEqual(['tripped', 'half_opened']);
    world.clock.jump(-ms);
    traffic(world, 'risky', { users: 20, failing: 20, from });
    await world.clock.pass(2000);
    expect(names(events)).toEqual(['tripped', 'half_opened', 'reopened']);
    expect(world.features.breaker.report('risky')?.clockBack).toBe(0);
  });

  test('a closed host rolls back, and tells nobody to come back', async () => {
    const world = await open();
    await world.features.close();
    traffic(world, 'risky', { users: 10, failing: 10 });
    await world.clock.pass(1000);
    traffic(world, 'risky', { users: 10, failing: 10, from: 10 });
    expect(world.features.isEnabled('risky', 'alice')).toBe(false);
    expect(world.clock.waiting).toBe(0);
  });
});
