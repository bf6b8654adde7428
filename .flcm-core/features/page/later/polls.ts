import type { FeatureError } from '../../errors.ts';
import { retryAfter, statusText } from '../../remote-config/status.ts';
import { backOff, nextPoll, phaseOf } from '../../schedule.ts';
import type { InUse } from '../in-use.ts';
import type { Life } from '../life.ts';
import type { Remote } from '../remote.ts';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 300_000;

/** What helps where the engine cannot be loaded. */
const HELP = "; a policy must allow 'wasm-unsafe-eval', and `flags-page.wasm` be served";

/** When a server is asked again. */
export interface Polls {
  confirmed(): void;
  failed(error: FeatureError): void;
  /** There is a snapshot of this digest; `isNew` when it has come while this page listened. */
  announce(digest: string, isNew: boolean): void;
}

/** By the rules of `remote-config.ts`, which explains them. */
export function pollsOf(life: Life, inUse: InUse, remote: Remote): Polls {
  const { clock, fail, FeatureError, pollIntervalMs, staleAfterMs, streamSpreadMs } = life;
  const { poll } = remote;
  const name = `${life.url}flags`;
  let missed: [digest: string, isNew: boolean] | undefined;
  let hasRefetched = false;
  let reported: string | undefined;
  let notBefore = 0;

  /** Timers may ring early: by a little, or by weeks where they take no longer delays. */
  const stale = life.timer(() => {
    remote.updateState();
    if (remote.state === 'fresh') stale.set(Math.max(1, staleAfterMs - (remote.ageMs ?? 0)));
  });

  /** What is reported: an answer with a status is thrown as it is. */
  const named = (error: FeatureError): FeatureError => {
    const { code, message } = error;
    if (code === 'ENGINE_FAILED') return new FeatureError(code, message + HELP, error);
    const { cause } = error as { cause?: Response };
    if (!cause?.status) return error;
    if (cause.status === 304)
      return new FeatureError('NOT_MODIFIED', `${name} answered 304 to a request for everything`);
    return new FeatureError('HTTP_STATUS', statusText(cause, name), { retryAfterMs: retryAfter(cause, clock.now()) });
  };

  /** What is announced is fetched at a moment that chance gives, and not twice within the spread. */
  const announce = (digest: string, isNew: boolean): void => {
    if (digest === inUse.snapshot?.digest) return;
    if (remote.syncing) {
      // What is under way may bring it.
      missed = [digest, isNew];
      return;
    }
    const now = clock.elapsed();
    const spread = Math.max(streamSpreadMs, isNew ? 0 : pollIntervalMs);
    if (poll.at <= now + spread) return;
    const wait = Math.max(clock.random() * spread, notBefore - now);
    notBefore = now + wait + streamSpreadMs;
    poll.set(wait);
  };

  remote.ended = () => {
    if (missed && !remote.failures) announce(...missed);
    missed = undefined;
  };

  return {
    announce,
    confirmed: () => {
      hasRefetched = false;
      stale.set(staleAfterMs);
      const by = { wall: clock.now(), random: clock.random() };
      if (pollIntervalMs) poll.set(nextPoll(pollIntervalMs, phaseOf(life.instance), by));
    },
    failed: (cause) => {
      const error = named(cause);
      // It is tried again with each poll; that it cannot be loaded is reported once.
      if (error.code !== 'ENGINE_FAILED' || reported !== error.code) fail(error);
      reported = error.code;
      const first = inUse.snapshot ? Math.max(FIRST_WAIT, 2 * pollIntervalMs) : FIRST_WAIT;
      const isMisunderstood = error.code === 'NOT_MODIFIED' && !hasRefetched;
      hasRefetched ||= isMisunderstood;
      const wait = isMisunderstood ? 0 : backOff(remote.failures, first, LONGEST_WAIT, clock.random());
      poll.set((error.retryAfterMs ?? 0) + wait);
    },
  };
}
