import { describe, expect, test } from 'vitest';
import { ENGINES, type Local, local } from '../../kit/local.ts';

const DOCUMENT = `
cohorts:
  staff: { users: [sam], except: [eve] }
  elders: { when: [{ attribute: age_days, operator: ">=", value: 30 }] }
flags:
  staff_only: { rollout: { cohorts: { staff: true } } }
  beta: { rollout: { cohorts: { testers: true } } }
  either: { conditions: [{ any: [{ cohort: elders }, { cohort: testers }] }], rollout: { percentage: 100 } }
`;

describe.each(ENGINES)('%s', (_, engine) => {
  const open = (): Promise<Local> => local({ ...engine, document: DOCUMENT });

  test('users are put in, and taken out', async () => {
    const { features } = await open();
    const { cohorts } = features;
    cohorts.add('testers', 'alice', 'bob', 'carol');
    const on = () => ['alice', 'bob', 'carol'].filter((user) => features.isEnabled('beta', user));
    expect(on()).toEqual(['alice', 'bob', 'carol']);
    cohorts.remove('testers', 'bob');
    expect(on()).toEqual(['alice', 'carol']);
    cohorts.remove('testers');
    expect(on()).toEqual([]);
    cohorts.remove('testers', 'alice');
    cohorts.remove('nothing');
    expect(cohorts.isIdle).toBe(true);
  });

  test('a set feeds a cohort, as it is when it is asked', async () => {
    const { features } = await open();
    const testers = new Set(['alice']);
    const stop = features.cohorts.feed('testers', testers);
    expect([features.isEnabled('beta', 'alice'), features.isEnabled('beta', 'bob')]).toEqual([true, false]);
    testers.add('bob').delete('alice');
    expect([features.isEnabled('beta', 'alice'), features.isEnabled('beta', 'bob')]).toEqual([false, true]);
    stop();
    expect(features.isEnabled('beta', 'bob')).toBe(false);
    expect(features.cohorts.isIdle).toBe(true);
  });

  test('a function feeds a cohort, and is told the attributes', async () => {
    const { features } = await open();
    features.cohorts.feed('testers', (user, { plan }) => user === 'alice' && plan === 'pro');
    expect(features.isEnabled('beta', 'alice', { plan: 'pro' })).toBe(true);
    expect(features.isEnabled('beta', 'alice')).toBe(false);
    expect(features.isEnabled('beta', 'bob', { plan: 'pro' })).toBe(false);
    expect(features.for({ targetingKey: 'alice', plan: 'pro' }).isEnabled('beta')).toBe(true);
  });

  test('a function that throws puts nobody in, and is reported', async () => {
    const { features, errors } = await open();
    features.cohorts.feed('testers', () => {
      throw new Error('no database');
    });
    expect(features.isEnabled('beta', 'alice')).toBe(false);
    expect(features.isEnabled('staff_only', 'sam')).toBe(true);
    expect(errors[0]).toMatchObject({ code: 'LISTENER_FAILED', message: expect.stringContaining('`testers`') });
    expect(errors[0]?.message).toMatch(/no database/);
  });

  test('what feeds a cohort and is neither set nor function is reported', async () => {
    const { features, errors } = await open();
    features.cohorts.feed('testers', ['alice'] as unknown as ReadonlySet<string>);
    expect(features.isEnabled('beta', 'alice')).toBe(false);
    expect(errors[0]?.code).toBe('LISTENER_FAILED');
  });

  test('a later source takes the place of an earlier one, which stops nothing any more', async () => {
    const { features } = await open();
    const stopFirst = features.cohorts.feed('testers', new Set(['alice']));
    features.cohorts.feed('testers', new Set(['bob']));
    stopFirst();
    expect([features.isEnabled('beta', 'alice'), features.isEnabled('beta', 'bob')]).toEqual([false, true]);
  });

  test('cohorts of the application count in conditions', async () => {
    const { features } = await open();
    expect(features.isEnabled('either', 'alice')).toBe(false);
    features.cohorts.add('elders', 'alice');
    expect(features.isEnabled('either', 'alice')).toBe(true);
    features.cohorts.remove('elders');
    features.cohorts.add('testers', 'alice');
    expect(features.isEnabled('either', 'alice')).toBe(true);
  });

  test('cohorts that are given with a question are added to those that are known', async () => {
    const { features } = await open();
    features.cohorts.add('testers', 'alice');
    expect(features.isEnabled('staff_only', 'alice', { cohorts: ['staff'] })).toBe(true);
    expect(features.isEnabled('beta', 'alice', { cohorts: ['staff'] })).toBe(true);
  });

  test('a user is assigned the cohorts of the document and those of the application, each once', async () => {
    const { features } = await open();
    const { cohorts } = features;
    expect(cohorts.assignUser('sam').sort()).toEqual(['staff']);
    expect(cohorts.assignUser('sam', { age_days: 30 }).sort()).toEqual(['elders', 'staff']);
    cohorts.add('staff', 'sam', 'alice');
    cohorts.add('vip', 'sam');
    cohorts.feed('testers', () => true);
    expect(cohorts.assignUser('sam', { cohorts: ['vip', 'given'] }).sort()).toEqual([
      'given',
      'staff',
      'testers',
      'vip',
    ]);
    expect(cohorts.assignUser('alice').sort()).toEqual(['staff', 'testers']);
  });

  test('whom the document excepts is not assigned, whoever names them', async () => {
    const { features } = await open();
    features.cohorts.add('staff', 'eve', 'alice');
    features.cohorts.add('vip', 'eve');
    expect(features.isEnabled('staff_only', 'eve')).toBe(false);
    expect(features.cohorts.assignUser('eve')).toEqual(['vip']);
    expect(features.cohorts.assignUser('alice')).toEqual(['staff']);
  });
});
