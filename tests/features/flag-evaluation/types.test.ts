import { createFeatures, type FeatureContext, type FeatureFlagManager } from '@flcm/features';
import { expect, expectTypeOf, test } from 'vitest';

/** As `flcm types` writes it. */
interface Flags {
  beta: { variant: never; value: boolean };
  colour: { variant: 'red' | 'blue'; value: boolean };
  limits: { variant: 'small' | 'large'; value: { shelves: number } };
  step: { variant: never; value: 1 | 2.5 };
}

const DOCUMENT = `
flags:
  beta: { rollout: { percentage: 100 } }
  colour: { variants: [{ name: red, weight: 1 }, { name: blue, weight: 1 }] }
  limits: { default: { shelves: 1 }, on: { shelves: 1 }, variants: [{ name: small, weight: 1 }, { name: large, weight: 1 }] }
  step: { default: 1, on: 2.5, rollout: { percentage: 100 } }
`;

test('the flags of a document narrow what may be asked, and what is answered', async () => {
  const features = await createFeatures<Flags>({ document: DOCUMENT });
  const alice = features.for({ targetingKey: 'alice' });
  const [one, two] = [() => 1, () => 'two'];
  expectTypeOf(features).toEqualTypeOf<FeatureFlagManager<Flags>>();
  expectTypeOf(alice).toEqualTypeOf<FeatureContext<Flags>>();

  expectTypeOf(features.isEnabled).parameter(0).toEqualTypeOf<'beta' | 'colour' | 'limits' | 'step'>();
  expectTypeOf(features.variant('colour')).toEqualTypeOf<'red' | 'blue' | undefined>();
  expectTypeOf(alice.variant('limits')).toEqualTypeOf<'small' | 'large' | undefined>();
  expectTypeOf(alice.variant('beta')).toEqualTypeOf<undefined>();
  expectTypeOf(features.value('limits', { shelves: 3 })).toEqualTypeOf<{ shelves: number }>();
  expectTypeOf(alice.value('beta', false)).toEqualTypeOf<boolean>();
  expectTypeOf(alice.value('step', 1)).toEqualTypeOf<1 | 2.5>();
  expectTypeOf(alice.decideAll()).toHaveProperty('colour');

  // @ts-expect-error: no flag is called so
  features.isEnabled('gamma');
  // @ts-expect-error: no flag is called so
  alice.run('gamma', one, one);
  // @ts-expect-error: no flag is called so
  alice.record('gamma', { failed: true });
  // @ts-expect-error: no variant is called so
  expect(alice.variant('colour') === 'green').toBe(false);
  // @ts-expect-error: the flag serves objects
  expect(alice.value('limits', 3)).toBe(3);
  // @ts-expect-error: the flag serves objects with shelves
  expect(alice.value('limits', {})).toEqual({ shelves: 1 });
  // @ts-expect-error: the flag serves no 7
  expect(alice.value('step', 7)).toBe(2.5);
  // @ts-expect-error: both ways answer the same
  alice.run('beta', one, two);
  // @ts-expect-error: nothing of that name happens
  features.on('explosion', () => {});
  // @ts-expect-error: an attribute is none of these
  features.isEnabled('beta', 'alice', { since: new Date() });

  expect(
    await alice.run(
      'beta',
      async () => 1,
      async () => 2,
    ),
  ).toBe(1);
  await features.close();
});

test('without flags that are known anything may be asked, and a fallback gives the type', async () => {
  const features = await createFeatures({ document: DOCUMENT });
  expectTypeOf(features.isEnabled).parameter(0).toEqualTypeOf<string>();
  expectTypeOf(features.variant('anything')).toEqualTypeOf<string | undefined>();
  expectTypeOf(features.value('step', 3)).toEqualTypeOf<number>();
  expectTypeOf(features.value('step', 'three')).toEqualTypeOf<string>();
  expectTypeOf(features.value('step', true)).toEqualTypeOf<boolean>();
  expectTypeOf(features.value('limits', { shelves: 3 })).toEqualTypeOf<{ shelves: number }>();
  expectTypeOf(
    features.run(
      'beta',
      features.for({}),
      () => 1,
      () => 2,
    ),
  ).toEqualTypeOf<number>();
  features.on('rollback', ({ flag, evidence }) => {
    expectTypeOf(flag).toEqualTypeOf<string>();
    expectTypeOf(evidence.generation).toEqualTypeOf<number>();
  });
  expect(features.value('step', 3)).toBe(2.5);
  await features.close();
});
