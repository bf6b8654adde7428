import { createFeatures, type FeatureError, type FeatureFlagManager, type FeaturesOptions } from '@flcm/features';
import * as wasm from '@flcm/flags-node/wasm';
import { onTestFinished } from 'vitest';
import { ManualClock } from './clock.ts';
import { compiled, noEvents } from './server.ts';

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

/** Flags that a test may change. */
export interface Updatable extends Local {
  /** Publishes a document, and waits until it is in use. */
  readonly update: (document: string) => Promise<void>;
}

/** Flags of a source that answers with what it is given, without a socket. */
export async function updatable(
  document: string,
  options: Omit<FeaturesOptions, 'clock'> & { readonly clock?: ManualClock } = {},
): Promise<Updatable> {
  let [snapshot, version] = [compiled(document), 1];
  const get = async (url: unknown): Promise<Response> => {
    const headers = { 'content-type': 'application/vnd.flcm.snapshot', etag: `"${version}"` };
    return noEvents(url) ?? new Response(snapshot as BodyInit, { headers });
  };
  const source = { url: 'http://flags.invalid', fetch: get as typeof fetch, stream: false, metrics: false };
  const world = await local({ ...source, ...options });
  const update = (next: string): Promise<void> => {
    [snapshot, version] = [compiled(next), version + 1];
    return world.features.remote.sync();
  };
  return { ...world, update };
}

/** Calls a feature for so many users, none twice, of whom so many fail; answers the next user. */
export function traffic(
  { features }: Local,
  flag: string,
  { users, failing = 0, from = 0 }: { users: number; failing?: number; from?: number },
): number {
  for (let user = from; user < from + users; user++) {
    const call = (): string => {
      if (user < from + failing) throw new Error('boom');
      return 'new';
    };
    features.for({ targetingKey: `user-${user}` }).run(flag, call, () => 'old');
  }
  return from + users;
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
