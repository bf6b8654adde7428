import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../kit/clock.ts';
import { ENGINES, local, updatable } from '../../kit/local.ts';

const document = (revision: number, plan: string): string => `
revision: ${revision}
flags:
  paid: { conditions: [{ attribute: plan, operator: "==", value: ${plan} }] }
  tagged: { conditions: [{ attribute: tags, operator: contains, value: ${plan} }] }
`;

describe.each(ENGINES)('%s', (_, engine) => {
  test('attributes are captured: what happens to the object later is not seen', async () => {
    const { features, update } = await updatable(document(1, 'pro'), engine);
    const attributes = { targetingKey: 'alice', plan: 'pro', tags: ['pro'] };
    const alice = features.for(attributes);
    attributes.plan = 'free';
    attributes.tags.length = 0;
    expect([alice.isEnabled('paid'), alice.isEnabled('tagged')]).toEqual([true, true]);
    await update(document(2, 'pro').replace('revision', '# again\nrevision'));
    expect([alice.isEnabled('paid'), alice.isEnabled('tagged')]).toEqual([true, true]);
  });

  test('updates are followed', async () => {
    const { features, update } = await updatable(document(1, 'pro'), engine);
    const alice = features.for({ targetingKey: 'alice', plan: 'pro' });
    expect(alice.isEnabled('paid')).toBe(true);
    await update(document(2, 'team'));
    expect(alice.isEnabled('paid')).toBe(false);
    await update(document(3, 'pro'));
    expect(alice.isEnabled('paid')).toBe(true);
  });

  test('an attribute that is read only after an update was captured as well', async () => {
    const { features, update } = await updatable('flags: { paid: { rollout: { percentage: 100 } } }', engine);
    const alice = features.for({ targetingKey: 'alice', plan: 'free' });
    expect(alice.isEnabled('paid')).toBe(true);
    await update(document(2, 'pro'));
    expect(alice.isEnabled('paid')).toBe(false);
  });

  test('changes of cohorts and overrides are followed', async () => {
    const { features } = await local({
      ...engine,
      document: 'flags: { beta: { rollout: { cohorts: { testers: true } } } }',
    });
    const alice = features.for({ targetingKey: 'alice' });
    expect(alice.isEnabled('beta')).toBe(false);
    features.cohorts.add('testers', 'alice');
    expect(alice.isEnabled('beta')).toBe(true);
    features.cohorts.override('alice', 'beta', false);
    expect(alice.isEnabled('beta')).toBe(false);
    features.cohorts.clearOverride('alice');
    expect(alice.isEnabled('beta')).toBe(true);
    features.cohorts.remove('testers', 'alice');
    expect(alice.isEnabled('beta')).toBe(false);
  });

  test('a hold is in force with the next decision, although answers are remembered', async () => {
    const { features } = await local({ ...engine, document: 'flags: { a: { rollout: { percentage: 100 } } }' });
    const alice = features.for({ targetingKey: 'alice' });
    expect([alice.isEnabled('a'), alice.isEnabled('a')]).toEqual([true, true]);
    features.breaker.hold('a');
    expect(alice.isEnabled('a')).toBe(false);
    features.breaker.release('a');
    expect(alice.isEnabled('a')).toBe(true);
  });

  test('more users than the engine keeps are decided all the same', async () => {
    const { features } = await local({ ...engine, document: 'flags: { half: { rollout: { percentage: 50 } } }' });
    const users = Array.from({ length: 200 }, (_, user) => features.for({ targetingKey: `user-${user}` }));
    const first = users.map((user) => user.isEnabled('half'));
    expect(users.map((user) => user.isEnabled('half'))).toEqual(first);
    expect(first).toEqual(users.map(({ targetingKey }) => features.isEnabled('half', targetingKey)));
    expect(features.metrics.summary('half')).toMatchObject({ decisions: 600 });
  });

  test('someone without an id has no override and no cohort', async () => {
    const { features } = await local({ ...engine, document: 'flags: { a: { rollout: { cohorts: { c: true } } } }' });
    features.cohorts.feed('c', () => true);
    features.cohorts.override('', 'a', true);
    expect(features.isEnabled('a')).toBe(false);
    expect(features.isEnabled('a', null)).toBe(false);
    expect(features.isEnabled('a', '')).toBe(true);
  });

  test('listeners are called until they are taken away, and one that throws harms nobody', async () => {
    const clock = new ManualClock();
    const { features, errors } = await local({
      ...engine,
      clock,
      document: 'flags: { a: { error_threshold: { rate: 0.1 } } }',
    });
    const heard: string[] = [];
    const listener = () => heard.push('one');
    const unsubscribe = features.on('breaker', listener);
    features.on('breaker', listener);
    features.on('breaker', () => {
      throw new Error('mine');
    });
    features.on('breaker', async () => {
      throw new Error('mine, later');
    });
    features.on('breaker', () => heard.push('two'));
    features.breaker.hold('a');
    expect(heard).toEqual(['one', 'one', 'two']);
    await clock.pass(0);
    expect(errors.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'LISTENER_FAILED a listener of `breaker` threw: mine',
      'LISTENER_FAILED a listener of `breaker` threw: mine, later',
    ]);
    unsubscribe();
    unsubscribe();
    features.breaker.release('a');
    expect(heard).toEqual(['one', 'one', 'two', 'one', 'two']);
  });
});
