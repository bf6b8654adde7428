/** Time and chance. Nothing else reads a clock, sets a timer or draws a number, so that tests may step through time. */

import * as host from '#host';

/** What gives the time. */
export interface Clock {
  /** Milliseconds since 1970. May jump, as the clocks of machines do. */
  now(): number;
  /** Milliseconds since some moment. Never goes back. */
  elapsed(): number;
  /** A number from 0 to below 1. */
  random(): number;
  /** Calls back once, after so many milliseconds; answers how to call it off. */
  after(ms: number, callback: () => void): () => void;
}

/** Timers take no longer delays. */
const LONGEST = 2 ** 31 - 1;

/** The machine's. Its timers do not keep a process of Node alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: host.elapsed,
  random: () => Math.random(),
  after(ms, callback) {
    const timer: unknown = setTimeout(callback, Math.min(Math.max(0, ms), LONGEST));
    (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer as number);
  },
};

/** The time of a clock as it was at first, and has elapsed since: it never jumps, which the time of machines does. */
export function steady(clock: Clock): () => number {
  const start = clock.now() - clock.elapsed();
  return () => start + clock.elapsed();
}

/** Calls back once, when it is due; setting it again puts it off or brings it forward. */
export class Deadline {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #cancel: (() => void) | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  /** Due in so many milliseconds, and not before. */
  set(ms: number): void {
    this.clear();
    this.#at = this.#clock.elapsed() + ms;
    this.#cancel = this.#clock.after(ms, () => {
      this.#cancel = undefined;
      this.#at = Number.POSITIVE_INFINITY;
      this.#callback();
    });
  }

  /** Due in so many milliseconds, or when it is due anyway if that is sooner. */
  noLaterThan(ms: number): void {
    if (this.#clock.elapsed() + ms < this.#at) this.set(ms);
  }

  /** Whether it is due in so many milliseconds, or sooner. */
  isDueWithin(ms: number): boolean {
    return this.#at <= this.#clock.elapsed() + ms;
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }
}

/** Waits; a signal ends the waiting at once. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(signal?.aborted ? 0 : ms, done);
    signal?.addEventListener('abort', done);
  });
}
