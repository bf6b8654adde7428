import { describe, expect, test } from 'vitest';
import { NOW } from '../../kit/clock.ts';
import { ENGINES, type Local, local } from '../../kit/local.ts';
import { compiled } from '../../kit/server.ts';

const ON = '{"rollout": {"percentage": 100}}';

const DOCUMENT = `
revision: 7
cohorts:
  staff: { users: [sam] }
flags:
  all: { rollout: { percentage: 100 } }
  off: { enabled: false }
  half: { rollout: { percentage: 50 } }
  old_users: { conditions: [{ attribute: age_days, operator: ">=", value: 30 }] }
  staff_only: { rollout: { cohorts: { staff: true } } }
  colour: { variants: [{ name: red, weight: 1 }, { name: blue, weight: 1 }] }
  limits: { default: { shelves: 1 }, on: { shelves: 9, names: [a, b], none: null }, rollout: { percentage: 100 } }
  text: { default: plain, on: fancy, rollout: { percentage: 100 } }
  number: { default: 1, on: 2.5, rollout: { percentage: 100 } }
  later: { rollout: { percentage: 0, schedule: [{ at: "2027-01-15T09:00:00Z", percentage: 100 }] } }
`;

describe.each(ENGINES)('%s', (name, engine) => {
  const open = (): Promise<Local> => local({ ...engine, document: DOCUMENT });

  test('the engine that was asked for decides', async () => {
    const { features } = await open();
    expect(features.engine).toBe(name);
    expect(features.snapshot).toMatchObject({ revision: 7n, flags: expect.arrayContaining(['all', 'colour']) });
  });

  test('a feature is on or off', async () => {
    const { features, errors } = await open();
    expect(features.isEnabled('all', 'alice')).toBe(true);
    expect(features.isEnabled('off', 'alice')).toBe(false);
    expect(features.isEnabled('old_users', 'alice', { age_days: 45 })).toBe(true);
    expect(features.isEnabled('old_users', 'alice', { age_days: 3 })).toBe(false);
    expect(features.isEnabled('old_users', 'alice')).toBe(false);
    expect(features.isEnabled('staff_only', 'sam')).toBe(true);
    expect(features.isEnabled('staff_only', 'alice', { cohorts: ['staff'] })).toBe(true);
    expect(features.isEnabled('staff_only', 'alice')).toBe(false);
    expect(features.isEnabled('nothing', 'alice')).toBe(false);
    expect(errors).toEqual([]);
  });

  test('someone without an id is outside of a percentage, and inside all', async () => {
    const { features } = await open();
    for (const nobody of [undefined, null]) {
      expect(features.isEnabled('half', nobody)).toBe(false);
      expect(features.isEnabled('all', nobody)).toBe(true);
    }
  });

  test('half of the users have what half are to have', async () => {
    const { features } = await open();
    const on = Array.from({ length: 2000 }, (_, user) => features.isEnabled('half', `user-${user}`));
    expect(on.filter(Boolean).length).toBeGreaterThan(900);
    expect(on.filter(Boolean).length).toBeLessThan(1100);
    expect(on).toEqual(Array.from({ length: 2000 }, (_, user) => features.isEnabled('half', `user-${user}`)));
  });

  test('a schedule begins when its time has come', async () => {
    const { features, clock } = await open();
    const start = Date.parse('2027-01-15T09:00:00Z');
    expect(start).toBeGreaterThan(NOW);
    const alice = features.for({ targetingKey: 'alice' });
    expect([features.isEnabled('later', 'alice'), alice.isEnabled('later')]).toEqual([false, false]);
    await clock.pass(start - NOW);
    expect([features.isEnabled('later', 'alice'), alice.isEnabled('later')]).toEqual([true, true]);
  });

  test('a variant is served, and stays the same', async () => {
    const { features } = await open();
    const served = new Set(Array.from({ length: 50 }, (_, user) => features.variant('colour', `user-${user}`)));
    expect([...served].sort()).toEqual(['blue', 'red']);
    expect(features.variant('colour', 'alice')).toBe(features.for({ targetingKey: 'alice' }).variant('colour'));
    expect(features.variant('all', 'alice')).toBeUndefined();
    expect(features.variant('nothing', 'alice')).toBeUndefined();
  });

  test('a value is of the type of the fallback, or is the fallback', async () => {
    const { features, errors } = await open();
    expect(features.value('all', false, 'alice')).toBe(true);
    expect(features.value('text', 'none', 'alice')).toBe('fancy');
    expect(features.value('number', 0, 'alice')).toBe(2.5);
    expect(features.value('limits', { shelves: 0 }, 'alice')).toEqual({ shelves: 9, names: ['a', 'b'], none: null });

    expect(features.value('text', 7, 'alice')).toBe(7);
    expect(features.value('number', 'seven', 'alice')).toBe('seven');
    expect(features.value('number', false, 'alice')).toBe(false);
    expect(features.value('all', 'yes', 'alice')).toBe('yes');
    expect(features.value('limits', [1], 'alice')).toEqual([1]);
    expect(features.value('limits', null, 'alice')).toBeNull();
    expect(features.value('text', null, 'alice')).toBeNull();
    expect(features.value('text', { a: 1 }, 'alice')).toEqual({ a: 1 });
    expect(features.value('nothing', 'fallback', 'alice')).toBe('fallback');
    expect(errors).toEqual([]);
  });

  test('a value that is served off is the default of the flag', async () => {
    const { features } = await open();
    features.cohorts.override('alice', 'number', false);
    expect(features.value('number', 0, 'alice')).toBe(1);
  });

  test('an object that is served cannot be changed', async () => {
    const { features } = await open();
    const limits = features.value('limits', { shelves: 0 }, 'alice') as { shelves: number; names: string[] };
    expect(() => {
      limits.shelves = 100;
    }).toThrow(TypeError);
    expect(() => limits.names.push('c')).toThrow(TypeError);
  });

  test('a decision says why', async () => {
    const { features } = await open();
    const of = (flag: string, user = 'alice') => features.decision(flag, user);
    expect(of('all')).toMatchObject({ enabled: true, value: true, reason: 'TARGETING_MATCH', errorCode: undefined });
    expect(of('off')).toMatchObject({ enabled: false, value: false, reason: 'DISABLED' });
    expect(of('old_users')).toMatchObject({ enabled: false, reason: 'DEFAULT', arm: 'outside' });
    expect(of('colour')).toMatchObject({ enabled: true, reason: 'SPLIT', arm: 'treatment' });
    expect(of('nothing')).toMatchObject({ enabled: false, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' });
    expect(of('nothing').value).toBeUndefined();
  });

  test('every flag is decided at once, as it is alone', async () => {
    const { features } = await open();
    const all = features.decideAll('sam', { age_days: 31 });
    expect(Object.keys(all).sort()).toEqual([...(features.snapshot?.flags ?? [])].sort());
    for (const [flag, decision] of Object.entries(all)) {
      expect(decision, flag).toEqual(features.decision(flag, 'sam', { age_days: 31 }));
    }
  });

  test('a flag may have any name', async () => {
    const { features } = await local({
      ...engine,
      document: '{"flags": {"__proto__": ON, "constructor": ON, "ä b": ON}}'.replaceAll('ON', ON),
    });
    expect(Object.keys(features.decideAll('alice')).sort()).toEqual(['__proto__', 'constructor', 'ä b']);
    for (const flag of ['__proto__', 'constructor', 'ä b']) expect(features.isEnabled(flag, 'alice'), flag).toBe(true);
    expect(features.isEnabled('toString', 'alice')).toBe(false);
  });

  test('an explanation has the decision, what was in use, and the checks', async () => {
    const { features, errors } = await open();
    const explained = features.explain('old_users', 'alice', { age_days: 3 });
    expect(explained).toMatchObject({
      flag: 'old_users',
      enabled: false,
      reason: 'DEFAULT',
      revision: 7n,
      trip: 'clear',
    });
    expect(explained.snapshot).toBe(features.snapshot?.digest);
    expect(explained.text).toMatch(/age_days/);
    expect(explained.tree).toBeTypeOf('object');
    features.breaker.hold('old_users');
    expect(features.explain('old_users', 'alice')).toMatchObject({ trip: 'off', reason: 'BREAKER_OPEN' });
    expect(errors).toEqual([]);
  });

  test('a flag that is not there is explained as such', async () => {
    const { features, errors } = await open();
    expect(features.explain('nothing', 'alice')).toMatchObject({ flag: 'nothing', errorCode: 'FLAG_NOT_FOUND' });
    expect(errors).toEqual([]);
  });

  test('before there are flags, fallbacks are served', async () => {
    const down = () => Promise.reject(new TypeError('no network'));
    const { features, errors } = await local({ ...engine, url: 'http://flags.invalid', fetch: down, stream: false });
    expect(features.remote.state).toBe('offline');
    const alice = features.for({ targetingKey: 'alice' });
    for (const asked of [features, alice]) {
      expect(asked.isEnabled('all')).toBe(false);
      expect(asked.variant('colour')).toBeUndefined();
      expect(asked.value('text', 'fallback')).toBe('fallback');
      expect(asked.decision('all')).toMatchObject({ enabled: false, errorCode: 'PROVIDER_NOT_READY' });
      expect(asked.explain('all')).toMatchObject({ enabled: false, snapshot: undefined, text: undefined });
      expect(asked.decideAll()).toEqual({});
    }
    expect(features.snapshot).toBeUndefined();
    expect(features.cohorts.assignUser('alice')).toEqual([]);
    expect(
      alice.run(
        'all',
        () => 'new',
        () => 'old',
      ),
    ).toBe('old');
    expect(features.metrics.summary('all')).toBeUndefined();
    expect(features.metrics.add('baskets')).toBe(false);
    expect(() => features.breaker.hold('all')).toThrow('no flags are in use yet');
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['FETCH_FAILED']));
  });

  test('a context that was made before there were flags decides with them later', async () => {
    let answer = () => Promise.reject(new TypeError('no network'));
    const get = () => answer();
    const { features, clock } = await local({
      ...engine,
      url: 'http://flags.invalid',
      fetch: get as typeof fetch,
      stream: false,
    });
    const alice = features.for({ targetingKey: 'alice' });
    expect(alice.isEnabled('all')).toBe(false);
    const headers = { 'content-type': 'application/vnd.flcm.snapshot' };
    answer = () => Promise.resolve(new Response(compiled(DOCUMENT) as BodyInit, { headers })) as never;
    await clock.until(() => alice.isEnabled('all'));
    expect(features.remote.state).toBe('fresh');
  });

  test('what was in use decides on after it was closed', async () => {
    const { features, clock } = await open();
    const alice = features.for({ targetingKey: 'alice' });
    await features.close();
    expect([features.isEnabled('all', 'alice'), alice.isEnabled('all')]).toEqual([true, true]);
    expect(clock.waiting).toBe(0);
  });
});
