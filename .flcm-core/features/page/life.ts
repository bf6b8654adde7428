import { FeatureError } from '../errors.ts';
import { causedBy, featureError } from '../events.ts';
import type { PageEvents } from './events.ts';
import type { Later } from './later.ts';
import type { Settings } from './settings.ts';

/** Calls back once, when it is due. */
export interface Timer {
  /** When it is due; infinite when it is not set. */
  at: number;
  /** Due in so many milliseconds, and not before. Infinity calls it off. */
  set(ms: number): void;
}

/** Makes one request, and reads its answer. */
export type Ask = <T>(init: RequestInit, read: (response: Response, alive: () => void) => T | Promise<T>) => Promise<T>;

/** What all parts of a page's features share, and that all of it ends together. */
export interface Life extends Settings, PageEvents {
  isClosed: boolean;
  /** Called when all ends. */
  readonly ends: Set<() => void>;
  /** A timer that is called off when all ends. */
  timer(ring: () => void): Timer;
  /**
   * Requests to a path below the server's URL, one at a time. Each ends in time, whatever the other side does: so long
   * after it has begun, or after it was last called alive.
   */
  requests(path: string, ms: number, late?: string): Ask;
  /** Waits for something that does not fail, but no longer than so long. */
  within(ms: number, awaited: Promise<void>): Promise<void>;
  /** What is loaded when something was decided, or could not be. */
  later(): Promise<Later>;
  // Given to what is loaded later, for which nothing is loaded twice.
  readonly FeatureError: typeof FeatureError;
  readonly causedBy: typeof causedBy;
}

export function lifeOf(settings: Settings, events: PageEvents, load: () => Promise<Later>): Life {
  const { clock, fetch, headers, url } = settings;
  const ends = new Set<() => void>();
  let loading: Promise<Later> | undefined;

  const timer: Life['timer'] = (ring) => {
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
  };

  const life: Life = {
    ...settings,
    ...events,
    isClosed: false,
    ends,
    timer,
    requests: (path, ms, late = 'no answer within') => {
      let request: AbortController;
      const alarm = timer(() => request.abort(new FeatureError('TIMEOUT', `${late} ${ms} ms`)));
      ends.add(() => request?.abort());
      return async (init, read) => {
        request = new AbortController();
        const { signal } = request;
        alarm.set(ms);
        try {
          const given = { ...headers, ...init.headers };
          // What the platform's own cache has was never accepted here.
          const response = await fetch(url + path, { cache: 'no-store', ...init, headers: given, signal });
          return await read(response, () => alarm.set(ms));
        } catch (error) {
          throw featureError('FETCH_FAILED', 'no answer', signal.reason ?? error);
        } finally {
          alarm.set(Number.POSITIVE_INFINITY);
          // What was given up on this side is open on the other.
          request.abort();
        }
      };
    },
    within: (ms, awaited) =>
      new Promise((resolve) => {
        const cancel = clock.after(ms, resolve);
        awaited.finally(cancel).then(resolve);
      }),
    later: () => {
      loading ??= load().catch((cause) => {
        loading = undefined;
        throw causedBy(cause, 'ENGINE_FAILED', 'flags are not updated');
      });
      return loading;
    },
    FeatureError,
    causedBy,
  };
  return life;
}
