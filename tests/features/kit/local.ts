import { createFeatures, type FeatureError, type FeatureFlagManager, type FeaturesOptions } from '@flcm/features';
import * as wasm from '@flcm/flags-node/wasm';
import { onTestFinished } from 'vitest';
import { ManualClock } from './clock.ts';

/** Both engines, for `describe.each`: what holds for one holds for the other. */
export const ENGINES: readonly [name: string, options: Pick<FeaturesOptions, 'engine' | 'compiler'>][] = [
  ['native', {}],
  ['wasm', { engine: wasm.engine, compiler: wasm.compiler }],
];

/** Flags of a test, its clock, and everything that went wrong. */
export interface Local {
  readonly features: FeatureFlagManager;
  readonly clock: ManualClock;
  readonly errors: FeatureError[];
}

/** Flags that are closed when the test is over, which must leave no timer behind. */
export async function local(options: FeaturesOptions & { readonly clock?: ManualClock }): Promise<Local> {
  const { clock = new ManualClock() } = options;
  const errors: FeatureError[] = [];
  const features = await createFeatures({ ...options, clock }, { error: (error) => errors.push(error) });
  onTestFinished(async () => {
    await features.close();
  });
  return { features, clock, errors };
}

/** The codes of errors. */
export const codes = (errors: readonly FeatureError[]): string[] => errors.map(({ code }) => code);

/** Numbers from 0 to below 1 that look like chance, and are the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
