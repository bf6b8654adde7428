import { createFeatures, type FeatureError, type FeatureFlagManager } from '@flcm/features';

interface Flags {
  readonly checkout: { readonly variant: 'one_page' | 'wizard'; readonly value: { readonly steps: number } };
  readonly plain: { readonly variant: never; readonly value: boolean };
}

export async function decide(): Promise<number> {
  const features: FeatureFlagManager<Flags> = await createFeatures<Flags>({ url: 'https://flags.example.com' });
  features.on('error', ({ code }: FeatureError) => code === 'TIMEOUT');
  const alice = features.for({ targetingKey: 'alice', age: 45 });
  const variant: 'one_page' | 'wizard' | undefined = alice.variant('checkout');
  // @ts-expect-error: no flag is called so
  alice.isEnabled('checkuot');
  // @ts-expect-error: it serves no such value
  alice.value('checkout', { pages: 3 });
  const { steps }: { readonly steps: number } = alice.value('checkout', { steps: 3 });
  const anything: number = (await createFeatures({ document: 'flags: {}' })).value('limit', 3, 'alice');
  return variant === 'wizard' ? steps : anything;
}
