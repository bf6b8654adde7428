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
  const failed = (error: unknown) => {
    let failure = true;
    guarded(
      () => {
        failure = isFailure(error);
      },
      (cause) => events.error(featureError('LISTENER_FAILED', '`isFailure` threw, so it is one', cause)),
    );
    record(failure);
  };
  if (!decided.enabled) return observed(fallback, record, failed);
  const fallen = (error: unknown) => {
    failed(error);
    return fallback();
  };
  return observed(enabled, record, fallen, fallen);
}

/** Calls a function; a failure is recorded at once, and thrown on unless there is another answer. */
function observed<T>(
  call: () => T,
  succeeded: (failed: false) => void,
  failed: (error: unknown) => unknown,
  instead?: (error: unknown) => T,
): T {
  const caught = (error: unknown): T => {
    if (instead) return instead(error);
    failed(error);
    throw error;
  };
  let answer: T;
  try {
    answer = call();
  } catch (error) {
    return caught(error);
  }
  if (!isThenable(answer)) {
    succeeded(false);
    return answer;
  }
  return answer.then((value: unknown) => {
    succeeded(false);
    return value;
  }, caught) as T;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
