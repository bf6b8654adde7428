import { describe, expect, test } from 'vitest';
import { NOW } from '../../kit/clock.ts';
import { codes, ENGINES, type Local, local } from '../../kit/local.ts';

const DOCUMENT = `
flags:
  plain: { rollout: { percentage: 0 } }
  all: { rollout: { percentage: 100 } }
  colour: { variants: [{ name: red, weight: 1 }, { name: blue, weight: 1, value: { hex: "00f" } }], rollout: { percentage: 0 } }
  killed: { enabled: false }
  guarded: { rollout: { percentage: 0 }, error_threshold: { rate: 0.05 } }
  base: { rollout: { percentage: 0 } }
  needs_base: { dependencies: [base], rollout: { percentage: 0 } }
  listed: { rollout: { percentage: 0 }, overrides: { alice: true } }
`;

describe.each(ENGINES)('%s', (_, engine) => {
  const open = (): Promise<Local> => local({ ...engine, document: DOCUMENT });

  test('a feature is made on and off for one user', async () => {
    const { features } = await open();
    features.cohorts.override('alice', 'plain', true);
    features.cohorts.override('alice', 'all', false);
    expect([features.isEnabled('plain', 'alice'), features.isEnabled('all', 'alice')]).toEqual([true, false]);
    expect([features.isEnabled('plain', 'bob'), features.isEnabled('all', 'bob')]).toEqual([false, true]);
    expect(features.decision('plain', 'alice')).toMatchObject({ enabled: true, reason: 'OVERRIDE', arm: 'outside' });
    expect(features.decideAll('alice')).toMatchObject({ plain: { enabled: true }, all: { reason: 'OVERRIDE' } });
  });

  test('a variant is served by its name', async () => {
    const { features } = await open();
    for (const variant of ['red', 'blue', 'red']) {
      features.cohorts.override('alice', 'colour', variant);
      expect(features.variant('colour', 'alice')).toBe(variant);
      expect(features.isEnabled('colour', 'alice')).toBe(true);
    }
    features.cohorts.override('alice', 'colour', 'blue');
    expect(features.value('colour', { hex: '' }, 'alice')).toEqual({ hex: '00f' });
  });

  test('a variant that is not there is reported, and the flag decides itself', async () => {
    const { features, errors } = await open();
    features.cohorts.override('alice', 'colour', 'green');
    expect(features.decision('colour', 'alice')).toMatchObject({ enabled: false, reason: 'DEFAULT' });
    expect(features.isEnabled('colour', 'alice')).toBe(false);
    expect(codes(errors)).toEqual(['INVALID_CONTEXT', 'INVALID_CONTEXT']);
    expect(errors[0]?.message).toMatch(/green/);
  });

  test('a flag that is not there, or comes later, is no error', async () => {
    const { features, errors } = await open();
    features.cohorts.override('alice', 'nothing', true);
    expect(features.decision('nothing', 'alice')).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' });
    expect(errors).toEqual([]);
  });

  test('an override ends in time, for contexts as well', async () => {
    const { features, clock } = await open();
    features.cohorts.override('alice', 'plain', true, { expiresAt: NOW + 1000 });
    const alice = features.for({ targetingKey: 'alice' });
    expect([features.isEnabled('plain', 'alice'), alice.isEnabled('plain')]).toEqual([true, true]);
    await clock.pass(999);
    expect([features.isEnabled('plain', 'alice'), alice.isEnabled('plain')]).toEqual([true, true]);
    await clock.pass(1);
    expect([features.isEnabled('plain', 'alice'), alice.isEnabled('plain')]).toEqual([false, false]);
    expect(alice.decision('plain').reason).toBe('DEFAULT');
  });

  test('overrides are taken back, one or all', async () => {
    const { features } = await open();
    const { cohorts } = features;
    cohorts.override('alice', 'plain', true);
    cohorts.override('alice', 'all', false);
    cohorts.clearOverride('alice', 'plain');
    expect([features.isEnabled('plain', 'alice'), features.isEnabled('all', 'alice')]).toEqual([false, false]);
    cohorts.clearOverride('alice');
    expect(features.isEnabled('all', 'alice')).toBe(true);
    cohorts.clearOverride('alice');
    cohorts.clearOverride('nobody', 'plain');
    expect(cohorts.isIdle).toBe(true);
  });

  test('the application comes before the document, and neither before what turns a flag off', async () => {
    const { features } = await open();
    const reason = (flag: string) => features.decision(flag, 'alice').reason;
    features.cohorts.override('alice', 'listed', false);
    expect(features.isEnabled('listed', 'alice')).toBe(false);

    for (const flag of ['killed', 'guarded', 'needs_base', 'all']) features.cohorts.override('alice', flag, true);
    features.breaker.hold('guarded');
    features.breaker.hold('all');
    expect(['killed', 'guarded', 'needs_base', 'all'].map(reason)).toEqual([
      'DISABLED',
      'BREAKER_OPEN',
      'PREREQUISITE_FAILED',
      'BREAKER_OPEN',
    ]);
    features.breaker.release('guarded');
    expect(features.isEnabled('guarded', 'alice')).toBe(true);
  });

  test('overrides that have expired are forgotten', async () => {
    const { features, clock } = await open();
    const { cohorts } = features;
    for (let user = 0; user < 1000; user++) cohorts.override(`user-${user}`, 'plain', true, { expiresAt: NOW + user });
    await clock.pass(500);
    cohorts.override('alice', 'plain', true, { expiresAt: NOW + 600 });
    const left = () => Array.from({ length: 1000 }, (_, user) => cohorts.overridesOf(`user-${user}`)).filter(Boolean);
    expect(left()).toHaveLength(499);
    await clock.pass(500);
    cohorts.override('bob', 'plain', true);
    expect(left()).toHaveLength(0);
    expect(cohorts.overridesOf('alice')).toBeUndefined();
    cohorts.clearOverride('bob');
    expect(cohorts.isIdle).toBe(true);
  });

  test('many overrides are not slow to make', async () => {
    const { features } = await open();
    for (let user = 0; user < 20_000; user++)
      features.cohorts.override(`user-${user}`, 'plain', true, { expiresAt: NOW + 1e9 });
    // If each looked through all others this would take minutes, and the test would not end in time.
    expect(features.isEnabled('plain', 'user-19999')).toBe(true);
  });
});
