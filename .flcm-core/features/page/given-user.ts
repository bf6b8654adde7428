/** A user whose decisions were made elsewhere: by a server that was asked, before the page was there, or by a test. */

import type { CallOutcome } from '@flcm/flags-web';
import type { Clock } from '../clock.ts';
import type { FeatureError } from '../errors.ts';
import { run } from '../guarded.ts';
import { servedOr } from '../served.ts';
import type { AnyFlags, Decision, FallbackOf, FlagKey, FlagShapes, JsonValue, ServedOf, VariantOf } from '../types.ts';
import type { PageUser } from './features.ts';

/** Where decisions come from, and where outcomes go. */
export interface Given {
  readonly clock: Clock;
  /** Reports an error. */
  fail(error: FeatureError): unknown;
  /** What is served, and why: `undecided` for a flag that is not there. */
  decision(flag: string): Decision;
  /** How a call of the feature went. @default not recorded */
  outcome?(flag: string, call: Pick<CallOutcome, 'failed' | 'durationMs'>): void;
}

export function givenUser<F extends FlagShapes<F> = AnyFlags>(
  targetingKey: string | null | undefined,
  { clock, fail, decision, outcome = () => {} }: Given,
): PageUser<F> {
  return {
    targetingKey,
    isEnabled: (flag) => decision(flag).enabled,
    variant: <K extends FlagKey<F>>(flag: K) => decision(flag).variant as VariantOf<F, K> | undefined,
    value: <K extends FlagKey<F>, T extends FallbackOf<F, K>>(flag: K, fallback: T) =>
      servedOr(fallback as JsonValue, decision(flag)) as ServedOf<F, K, T>,
    decision,
    run: (flag, enabled, fallback, options) => {
      const decided = decision(flag);
      const recordOutcome = (_: unknown, call: Pick<CallOutcome, 'failed' | 'durationMs'>) => outcome(flag, call);
      const deciding = { clock, events: { error: fail }, breaker: { recordOutcome } };
      return run(deciding, decided.reason === 'ERROR' ? undefined : decided, enabled, fallback, options);
    },
  };
}
