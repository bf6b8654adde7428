import * as host from '#host';
import { Deadline } from '../clock.ts';
import { FeatureError } from '../errors.ts';
import { causedBy } from '../events.ts';
import { statusError, timed } from '../remote-config/request.ts';
import { backOff, numberOf } from '../schedule.ts';
import type { PageInUse } from './in-use.ts';
import type { Settings } from './settings.ts';

/** The media type of counts. */
const COUNTS_TYPE = 'application/vnd.flcm.counts+json';

/** The most rows of a batch. */
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
export type DecisionRow = readonly [key: string, outcome: number];

/** How a call went: what was decided, under which generation, whether it failed, and how long it took. */
export type OutcomeRow = readonly [key: string, outcome: number, generation: number, failed: boolean, ms: number];

/** What was counted by one snapshot. */
interface Batch {
  readonly snapshot: string;
  readonly rows: readonly (readonly [row: string, times: number])[];
  /** Once it is on its way: it is sent unchanged. */
  body?: string;
}

/** The most batches that wait. */
const MOST_BATCHES = 4;

/** Counts decisions and outcomes, and sends them; one batch is on its way until it is acknowledged. */
export class PageCounts {
  readonly #settings: Settings;
  readonly #inUse: PageInUse;
  readonly #deadline: Deadline;
  /** By row: how often it was counted. The oldest is the first. */
  readonly #rows = new Map<string, number>();
  /** The snapshot of the rows. */
  #snapshot = '';
  readonly #waiting: Batch[] = [];
  #flushing: Promise<void> | undefined;
  #epoch: number;
  #sequence = 1;
  #failures = 0;

  /** @internal */
  constructor(settings: Settings, inUse: PageInUse) {
    const { clock, closing, flushIntervalMs, metrics } = settings;
    this.#settings = settings;
    this.#inUse = inUse;
    this.#epoch = this.#newEpoch();
    this.#deadline = new Deadline(clock, () => void this.flush());
    if (!metrics) return;
    this.#deadline.set(flushIntervalMs);
    const unhide = host.onHidden(() => this.#sendLast());
    closing.addEventListener('abort', () => {
      unhide();
      this.#deadline.clear();
    });
  }

  /** Counts a decision or an outcome. @internal */
  count(...row: DecisionRow | OutcomeRow): void {
    const digest = this.#inUse.snapshot?.digest ?? '';
    if (!this.#settings.metrics || digest === '') return;
    if (this.#snapshot !== digest) this.#drain();
    this.#snapshot = digest;
    const name = JSON.stringify(row).slice(0, -1);
    this.#rows.set(name, (this.#rows.get(name) ?? 0) + 1);
    if (this.#rows.size <= MOST_ROWS) return;
    const [oldest = ''] = this.#rows.keys();
    this.#rows.delete(oldest);
    this.#dropped();
  }

  /** Sends what was counted. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    const { clock, closing, events, flushIntervalMs, metrics } = this.#settings;
    this.#deadline.clear();
    this.#drain();
    let wait = flushIntervalMs;
    try {
      for (let batch = this.#waiting[0]; batch; batch = this.#waiting[0]) await this.#send(batch);
      this.#failures = 0;
    } catch (cause) {
      const error = causedBy(cause, 'SINK_FAILED', 'counts wait');
      wait =
        ((cause as FeatureError).retryAfterMs ?? 0) +
        backOff(++this.#failures, FIRST_WAIT, LONGEST_WAIT, clock.random());
      if (!closing.aborted) events.error(error);
    }
    if (metrics && !closing.aborted) this.#deadline.set(wait);
  }

  /** Sends a batch until it is acknowledged, or refused for good. */
  async #send(batch: Batch): Promise<void> {
    const { clock, closing, events, fetchTimeoutMs: timeoutMs, fetch, headers, url } = this.#settings;
    batch.body ??= this.#bodyOf(batch);
    const { body } = batch;
    const response = await timed({ clock, timeoutMs, closing }, async (signal) => {
      const given = { ...headers, 'content-type': COUNTS_TYPE };
      // A redirect makes another request of it, whose answer is no acknowledgement.
      const request: RequestInit = { method: 'POST', headers: given, body, signal, redirect: 'error' };
      const response = await fetch(`${url}metrics`, request);
      await response.body?.cancel();
      return response;
    });
    const error = response.ok ? undefined : statusError(response, `${url}metrics`, clock.now());
    if (response.status === GAP) {
      // The server does not know what came before: this page begins anew.
      this.#epoch = this.#newEpoch();
      this.#sequence = 1;
      delete batch.body;
    }
    if (error && !REFUSED.includes(response.status)) throw error;
    this.#waiting.shift();
    if (error) events.error(new FeatureError('SINK_REFUSED', error.message));
    else events.emit('flush', { bytes: body.length, sequence: this.#sequence });
    this.#sequence++;
  }

  /** What was counted becomes a batch. */
  #drain(): void {
    if (this.#rows.size === 0) return;
    this.#waiting.push({ snapshot: this.#snapshot, rows: [...this.#rows] });
    this.#rows.clear();
    if (this.#waiting.length <= MOST_BATCHES) return;
    // The first may be on its way.
    this.#waiting.splice(1, 1);
    this.#dropped();
  }

  #dropped(): void {
    this.#settings.events.error(new FeatureError('SINK_REFUSED', 'too many counts wait: the oldest are dropped'));
  }

  #bodyOf({ snapshot, rows }: Batch, epoch = this.#epoch, sequence = this.#sequence): string {
    const { instance } = this.#settings;
    const all = rows.map(([row, times]) => [...JSON.parse(`${row}]`), times]);
    const decisions = all.filter(({ length }) => length === 3);
    const outcomes = all.filter(({ length }) => length > 3);
    return JSON.stringify({ instance, epoch, sequence, snapshot, user: null, decisions, outcomes });
  }

  /** The page may be gone at once: what is not on its way goes as the first of another epoch. */
  #sendLast(): void {
    const { fetch, headers, url } = this.#settings;
    this.#drain();
    for (const batch of this.#waiting.filter(({ body }) => body === undefined)) {
      const body = this.#bodyOf(batch, this.#newEpoch(), 1);
      if (body.length > LARGEST_LAST) continue;
      this.#waiting.splice(this.#waiting.indexOf(batch), 1);
      const type = { 'content-type': COUNTS_TYPE };
      const to = `${url}metrics`;
      // A beacon carries no headers of ours.
      if (Object.keys(headers).length === 0 && host.beacon(to, new Blob([body], { type: COUNTS_TYPE }))) continue;
      fetch(to, { method: 'POST', headers: { ...headers, ...type }, body, keepalive: true }).catch(() => {});
    }
  }

  #newEpoch(): number {
    return numberOf(this.#settings.clock.random());
  }
}
