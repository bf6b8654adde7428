import type { FeatureError } from '../../errors.ts';
import { retryAfter, statusText } from '../../remote-config/status.ts';
import { backOff, numberOf } from '../../schedule.ts';
import type { Counts } from '../counts.ts';
import type { Life } from '../life.ts';
import { totalsOf } from './totals.ts';

/** The media type of counts. */
const COUNTS_TYPE = 'application/vnd.flcm.counts+json';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 300_000;

/** Browsers send no more for a page that goes away. */
const LARGEST_LAST = 60_000;

/** Statuses that will be the same for the same counts. */
const REFUSED: readonly number[] = [400, 404, 405, 413, 415, 422];

/** The server has lost count. */
const GAP = 409;

/** Sends what was counted; one batch is on its way until it is acknowledged. Answers what sends it at once. */
export function sendingOf(life: Life, counts: Counts): () => Promise<void> {
  const totals = totalsOf(counts, () =>
    fail(new FeatureError('SINK_REFUSED', 'too many counts wait: the oldest are dropped')),
  );
  const { causedBy, clock, emit, ends, fail, FeatureError, flushIntervalMs, metrics } = life;
  const ask = life.requests('metrics', life.fetchTimeoutMs);
  const newEpoch = () => numberOf(clock.random());
  /** What is on its way, but for its numbers: it is sent unchanged. */
  let batch: string | undefined;
  let taken = 0;
  let flushing: Promise<void> | undefined;
  let epoch = newEpoch();
  let sequence = 1;
  let failures = 0;

  /** Sends a batch until it is acknowledged, or refused for good. */
  const send = async (): Promise<void> => {
    if (!batch) {
      batch = totals.take();
      taken = clock.elapsed();
    }
    const age = Math.round(clock.elapsed() - taken);
    const body = `{"instance":${life.instance},"epoch":${epoch},"sequence":${sequence},"age":${age},${batch}}`;
    const headers = { 'content-type': COUNTS_TYPE };
    // Browsers send it whatever becomes of the page.
    const keepalive = body.length < LARGEST_LAST;
    // A redirect makes another request of it, whose answer is no acknowledgement.
    const init: RequestInit = { method: 'POST', headers, body, keepalive, redirect: 'error' };
    const response = await ask(init, (response) => response);
    const { ok, status } = response;
    const text = statusText(response, `${life.url}metrics`);
    if (status === GAP) {
      // The server does not know what came before: this page begins anew.
      epoch = newEpoch();
      sequence = 1;
    }
    if (!ok && !REFUSED.includes(status)) {
      throw new FeatureError('HTTP_STATUS', text, { retryAfterMs: retryAfter(response, clock.now()) });
    }
    batch = undefined;
    if (ok) emit('flush', { bytes: body.length, sequence });
    else fail(new FeatureError('SINK_REFUSED', text));
    sequence++;
  };

  const flushAll = async (): Promise<void> => {
    let wait = flushIntervalMs;
    try {
      while (batch || totals.size) await send();
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

  const timer = life.timer(flush);
  if (metrics) {
    timer.set(flushIntervalMs);
    const { document } = globalThis;
    // The page may never come back, and no other event announces that.
    const hidden = () => document.visibilityState === 'hidden' && flush();
    document?.addEventListener('visibilitychange', hidden);
    ends.add(() => document?.removeEventListener('visibilitychange', hidden));
  }
  return flush;
}
