import { FeatureError } from '../errors.ts';
import { causedBy } from '../events.ts';
import { statusError } from '../remote-config/request.ts';
import { backOff, numberOf } from '../schedule.ts';
import type { InUse } from './in-use.ts';
import { type Life, requestsTo, timerOf } from './life.ts';

/** The media type of counts. */
const COUNTS_TYPE = 'application/vnd.flcm.counts+json';

/** The most rows that wait, those of a batch on its way apart. */
const MOST_ROWS = 1000;

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 300_000;

/** Browsers send no more for a page that goes away. */
const LARGEST_LAST = 60_000;

/** Statuses that will be the same for the same counts. */
const REFUSED: readonly number[] = [400, 404, 405, 413, 415, 422];

/** The server has lost count. */
const GAP = 409;

/** A flag's key, and what was decided. */
export type DecisionRow = [key: string, outcome: number];

/** How a call went: what was decided, under which generation, whether it failed, and how long it took. */
export type OutcomeRow = [key: string, outcome: number, generation: number, failed: boolean, ms: number];

/** What is counted. */
export interface PageCounts {
  /** Sends what was counted. */
  flush(): Promise<void>;
}

/** Counts decisions and outcomes, and sends them; one batch is on its way until it is acknowledged. */
export interface Counting extends PageCounts {
  count(...row: DecisionRow | OutcomeRow): void;
}

export function countsOf(life: Life, inUse: InUse): Counting {
  const { clock, emit, ends, fail, flushIntervalMs, instance, url } = life;
  const ask = requestsTo(life, 'metrics', life.fetchTimeoutMs, 'no whole answer within');
  const newEpoch = () => numberOf(clock.random());
  /** By snapshot and row: how often it was counted. The oldest is the first. */
  const rows = new Map<string, number>();
  /** What is on its way, but for its numbers: it is sent unchanged. */
  let batch: string | undefined;
  let flushing: Promise<void> | undefined;
  let epoch = newEpoch();
  let sequence = 1;
  let failures = 0;
  let hasDropped = false;

  /** The rows of the oldest snapshot become a batch. */
  const drain = (): void => {
    const [oldest = ''] = rows.keys();
    const snapshot = oldest.slice(0, 16);
    const all = [...rows].filter(([row]) => row.startsWith(snapshot));
    const [decisions, outcomes] = [3, 6].map((columns) =>
      all.map(([row, times]) => `${row.slice(16)},${times}]`).filter((row) => JSON.parse(row).length === columns),
    );
    for (const [row] of all) rows.delete(row);
    batch = `"snapshot":"${snapshot}","user":null,"decisions":[${decisions}],"outcomes":[${outcomes}]}`;
  };

  /** Sends a batch until it is acknowledged, or refused for good. */
  const send = async (): Promise<void> => {
    if (!batch) drain();
    const body = `{"instance":${instance},"epoch":${epoch},"sequence":${sequence},${batch}`;
    const headers = { 'content-type': COUNTS_TYPE };
    const keepalive = body.length < LARGEST_LAST;
    // A redirect makes another request of it, whose answer is no acknowledgement.
    const init: RequestInit = { method: 'POST', headers, body, keepalive, redirect: 'error' };
    const response = await ask(init, async (response) => response);
    const error = response.ok ? undefined : statusError(response, `${url}metrics`, clock.now());
    if (response.status === GAP) {
      // The server does not know what came before: this page begins anew.
      epoch = newEpoch();
      sequence = 1;
    }
    if (error && !REFUSED.includes(response.status)) throw error;
    batch = undefined;
    if (error) fail(new FeatureError('SINK_REFUSED', error.message));
    else emit('flush', { bytes: body.length, sequence });
    sequence++;
  };

  const flushAll = async (): Promise<void> => {
    let wait = flushIntervalMs;
    try {
      while (batch || rows.size) await send();
      failures = 0;
    } catch (cause) {
      wait =
        ((cause as FeatureError).retryAfterMs ?? 0) + backOff(++failures, FIRST_WAIT, LONGEST_WAIT, clock.random());
      if (!life.isClosed) fail(causedBy(cause, 'SINK_FAILED', 'counts wait'));
    }
    flushing = undefined;
    timer.set(wait);
  };

  const flush = (): Promise<void> => {
    flushing ??= flushAll();
    return flushing;
  };

  const timer = timerOf(life, flush);
  if (life.metrics) {
    timer.set(flushIntervalMs);
    const { document } = globalThis;
    // The page may never come back, and no other event announces that.
    const hidden = () => document.visibilityState === 'hidden' && flush();
    document?.addEventListener('visibilitychange', hidden);
    ends.add(() => document?.removeEventListener('visibilitychange', hidden));
  }

  return {
    flush,
    count: (...row) => {
      if (!life.metrics || !inUse.snapshot) return;
      const name = inUse.snapshot.digest + JSON.stringify(row).slice(0, -1);
      rows.set(name, (rows.get(name) ?? 0) + 1);
      if (rows.size <= MOST_ROWS) return;
      const [oldest = ''] = rows.keys();
      rows.delete(oldest);
      if (!hasDropped) fail(new FeatureError('SINK_REFUSED', 'too many counts wait: the oldest are dropped'));
      hasDropped = true;
    },
  };
}
