import { createFeatures } from '@flcm/features';
import { expect, test } from 'vitest';
import { ManualClock } from '../kit/clock.ts';

test('decides', async () => {
  const clock = new ManualClock();
  const features = await createFeatures({
    clock,
    document:
      'flags: { a: { rollout: { percentage: 100 } }, b: { variants: [{ name: red, weight: 1, value: { x: 1 } }] } }',
  });
  expect(features.isEnabled('a', 'alice')).toBe(true);
  const alice = features.for({ targetingKey: 'alice' });
  expect(alice.variant('b')).toBe('red');
  expect(alice.value('b', { x: 0 })).toEqual({ x: 1 });
  expect(alice.explain('a').text).toContain('a');
  features.cohorts.override('alice', 'a', false);
  expect(features.isEnabled('a', 'alice')).toBe(false);
  expect(alice.isEnabled('a')).toBe(false);
  expect(features.isEnabled('nothing', 'alice')).toBe(false);
  expect(
    await alice.run(
      'b',
      async () => 1,
      async () => 2,
    ),
  ).toBe(1);
  expect(
    alice.run(
      'b',
      () => {
        throw new Error('x');
      },
      () => 2,
    ),
  ).toBe(2);
  expect(features.metrics.summary('b')).toMatchObject({ decisions: 4, total: 2, errors: 1 });
  await features.close();
  expect(clock.waiting).toBe(0);
});
