import { FeatureError } from '../errors.ts';
import { featureError } from '../events.ts';
import type { PageEvents } from './events.ts';
import type { Settings } from './settings.ts';

/** Calls back once, when it is due. */
export interface Timer {
  /** When it is due; infinite when it is not set. */
  at: number;
  /** Due in so many milliseconds, and not before. Infinity calls it off. */
  set(ms: number): void;
}

/** What all parts of a page's features share: settings, events, and that all of it ends together. */
export interface Life extends Settings, PageEvents {
  /** What ends with the features. */
  readonly ends: Set<() => void>;
  isClosed: boolean;
}

/** A timer that is called off when the features are closed. */
export function timerOf(life: Life, ring: () => void): Timer {
  const { clock, ends } = life;
  let cancel = () => {};
  const timer: Timer = {
    at: Number.POSITIVE_INFINITY,
    set: (ms) => {
      cancel();
      timer.at = clock.elapsed() + ms;
      if (ms === Number.POSITIVE_INFINITY || life.isClosed) return;
      cancel = clock.after(ms, () => {
        timer.at = Number.POSITIVE_INFINITY;
        ring();
      });
    },
  };
  ends.add(() => timer.set(Number.POSITIVE_INFINITY));
  return timer;
}

/** Waits for something, but no longer than so long. */
export async function within(life: Life, ms: number, awaited: Promise<unknown>): Promise<void> {
  let cancel = () => {};
  const late = new Promise<void>((resolve) => {
    cancel = life.clock.after(ms, resolve);
  });
  await Promise.race([awaited, late]);
  cancel();
}

/** Makes one request, and reads its answer. */
export type Ask = <T>(init: RequestInit, read: (response: Response, alive: () => void) => Promise<T>) => Promise<T>;

/**
 * Requests to a path below the server's URL, one at a time. Each ends in time, whatever the other side does: so long
 * after it has begun, or after it was last called alive.
 */
export function requestsTo(life: Life, path: string, ms: number, late: string): Ask {
  const { ends, fetch, headers, url } = life;
  let request = new AbortController();
  const alarm = timerOf(life, () => request.abort(new FeatureError('TIMEOUT', `${late} ${ms} ms`)));
  ends.add(() => request.abort(new FeatureError('CLOSED', 'the flags were closed')));
  return async (init, read) => {
    request = new AbortController();
    const { signal } = request;
    alarm.set(ms);
    try {
      const given = { ...headers, ...init.headers };
      const response = await fetch(url + path, { cache: 'no-store', signal, ...init, headers: given });
      return await read(response, () => alarm.set(ms));
    } catch (error) {
      throw featureError('FETCH_FAILED', 'no answer', signal.reason ?? error);
    } finally {
      alarm.set(Number.POSITIVE_INFINITY);
      // What was given up on this side is open on the other.
      request.abort();
    }
  };
}
