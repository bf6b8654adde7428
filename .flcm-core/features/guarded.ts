import type { CallOutcome } from '@flcm/flags-web';
import type { Deciding } from './context.ts';
import { type Events, featureError, guarded } from './events.ts';

/** How a call is judged. */
export interface RunOptions {
  /** Whether an error is the feature's fault: one of the user's input may not be. @default every error is */
  readonly isFailure?: (error: unknown) => boolean;
}

/** Where outcomes of decisions go. */
export interface Recording<D> extends Pick<Deciding, 'clock'> {
  readonly events: Pick<Events, 'error'>;
  readonly breaker: { recordOutcome(decided: D, call: Pick<CallOutcome, 'failed' | 'durationMs'>): void };
}

/** Calls `enabled` where the flag is on, else `fallback`; records the outcome. */
export function run<T, D extends { readonly enabled: boolean }>(
  deciding: Recording<D>,
  decided: D | undefined,
  enabled: () => T,
  fallback: () => T,
  { isFailure = () => true }: RunOptions = {},
): T {
  if (decided === undefined) return fallback();
  const { clock, breaker, events } = deciding;
  const start = clock.elapsed();
  const record = (failed: boolean) => breaker.recordOutcome(decided, { failed, durationMs: clock.elapsed() - start });
  const failed = (error: unknown): T => {
    let failure = true;
    guarded(
      () => {
        failure = isFailure(error);
      },
      (cause) => events.error(featureError('LISTENER_FAILED', '`isFailure` threw, so it is one', cause)),
    );
    record(failure);
    if (decided.enabled) return fallback();
    throw error;
  };
  const succeeded = (value: unknown): T => {
    record(false);
    return value as T;
  };
  let answer: T;
  try {
    answer = decided.enabled ? enabled() : fallback();
  } catch (error) {
    return failed(error);
  }
  if (isThenable(answer)) return answer.then(succeeded, failed) as T;
  return succeeded(answer);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
