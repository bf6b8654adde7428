import type { Snapshot } from '@flcm/flags-web';
import * as host from '#host';
import { type Clock, Deadline, sleep } from './clock.ts';
import { FeatureError } from './errors.ts';
import { causedBy, type Events, featureError } from './events.ts';
import type { Store } from './host/store.ts';
import type { Follower, InUse } from './in-use.ts';
import { type Batch, LostCount, type Sink } from './metrics-collector/sinks.ts';
import { backOff, numberOf } from './schedule.ts';
import type { CustomMetrics, Engine, FlagSummary } from './types.ts';

/** Where counts go, and when. */
export interface MetricsOptions {
  readonly sinks: readonly Sink[];
  readonly flushIntervalMs: number;
  readonly instance: number;
  readonly store: Store | undefined;
}

/** A batch on its way, and where it has not arrived yet. */
interface Sending {
  readonly batch: Batch;
  readonly left: Set<Sink>;
  /** When it was drained, by the clock that never goes back; `undefined` when that was before a restart. */
  readonly since: number | undefined;
}

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 300_000;

/** Batches that survive a restart are stored under their name: epoch and sequence. */
const NAME = /^batch-(\d+)-(\d+)$/;

/**
 * Milliseconds after which counts are no evidence. A batch stored over a restart gets this age, because its own is
 * unknown.
 */
const OLD = 120_001;

/** How long closing waits for the last batch. */
const LAST_WAIT = 2000;

/**
 * Counts, and sends what was counted. The engine counts in fixed memory; one batch is on its way while the next one
 * accumulates there, and it is sent unchanged until it was acknowledged, so nothing is lost or counted twice.
 */
export class MetricsCollector implements Follower {
  readonly #engine: Engine;
  readonly #inUse: InUse;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #options: MetricsOptions;
  readonly #deadline: Deadline;
  readonly #closing = new AbortController();
  readonly #unhide: () => void;
  #sending: Sending | undefined;
  /** Batches of a process that ended before they were acknowledged. */
  #left: Name[] = [];
  #flushing: Promise<void> | undefined;
  #epoch: number;
  #sequence = 0;
  #failures = 0;

  /** @internal */
  constructor(
    { engine, inUse, clock, events }: { engine: Engine; inUse: InUse; clock: Clock; events: Events },
    options: MetricsOptions,
  ) {
    this.#engine = engine;
    this.#inUse = inUse;
    this.#clock = clock;
    this.#events = events;
    this.#options = options;
    this.#epoch = this.#newEpoch();
    this.#deadline = new Deadline(clock, () => void this.flush());
    this.#unhide = host.onHidden(() => this.#sendLast());
  }

  /** Looks for batches that were never acknowledged, and begins to send. @internal */
  async open(): Promise<void> {
    if (this.#options.sinks.length === 0) return;
    try {
      const names = (await this.#options.store?.names()) ?? [];
      // Each in its turn: a server takes what comes after a gap for another host's.
      this.#left = names.flatMap(parsed).sort((one, other) => one.sequence - other.sequence);
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'stored counts cannot be read', error));
    }
    this.#deadline.set(this.#options.flushIntervalMs);
  }

  /** Counts, and keeps what is drained for summaries: what is on its way is still part of them. @internal */
  follow(next: Snapshot): undefined {
    next.metrics.start(true);
  }

  /** What was counted of a flag since the program began; `undefined` for a flag of which nothing was. */
  summary(flag: string): FlagSummary | undefined {
    const { snapshot } = this.#inUse;
    const id = snapshot?.flag(flag) ?? -1;
    return id < 0 ? undefined : snapshot?.metrics.summary(id);
  }

  /** What was counted under names of the application's own. */
  custom(): CustomMetrics {
    return this.#inUse.snapshot?.metrics.custom() ?? { dropped: 0, metrics: [] };
  }

  /** Adds to a counter of the application's; false, and counted as dropped, for one name too many. */
  add(name: string, amount = 1): boolean {
    return this.#inUse.snapshot?.metrics.add(name, amount) ?? false;
  }

  /** Adds a value from 0 on to a histogram of the application's. */
  observe(name: string, value: number): boolean {
    return this.#inUse.snapshot?.metrics.observe(name, value) ?? false;
  }

  /** Calls a function and observes how long it takes, in milliseconds. */
  time<T>(name: string, call: () => T): T {
    const start = this.#clock.elapsed();
    const done = () => void this.observe(name, this.#clock.elapsed() - start);
    let answer: T;
    try {
      answer = call();
    } catch (error) {
      done();
      throw error;
    }
    if (answer instanceof Promise) answer.then(done, done);
    else done();
    return answer;
  }

  /** Sends what was counted, now. Never fails: what does not arrive is sent again. */
  flush(): Promise<void> {
    if (this.#options.sinks.length === 0) return Promise.resolve();
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /**
   * Sends soon what was counted, because something has happened that others need to know. A sink that fails is left
   * alone.
   *
   * @internal
   */
  flushWithin(ms: number): void {
    const isIdle = this.#options.sinks.length === 0 || this.#failures > 0;
    if (!isIdle && !this.#closing.signal.aborted) this.#deadline.noLaterThan(ms);
  }

  /** Sends the last counts, for a moment. What does not arrive is stored for the next start. @internal */
  async close(): Promise<void> {
    this.#deadline.clear();
    this.#unhide();
    const last = (this.#flushing ?? Promise.resolve()).then(() => this.flush());
    // A sink may ignore the signal.
    await Promise.race([last, sleep(this.#clock, LAST_WAIT, this.#closing.signal)]);
    this.#closing.abort();
    this.#deadline.clear();
    // What was counted while another batch was on its way is stored behind it.
    if (this.#sending) await this.#drain();
  }

  async #flushAll(): Promise<void> {
    try {
      this.#sending ??= await this.#nextStored();
      while (this.#sending) {
        await this.#send(this.#sending);
        this.#sending = await this.#nextStored();
      }
      // Once: under load there is always more.
      this.#sending = await this.#drain();
      if (this.#sending) await this.#send(this.#sending);
      this.#sending = undefined;
      this.#failures = 0;
      this.#schedule(this.#options.flushIntervalMs);
    } catch (error) {
      this.#failures++;
      const asked = error instanceof FeatureError ? (error.retryAfterMs ?? 0) : 0;
      this.#schedule(asked + backOff(this.#failures + 1, FIRST_WAIT, LONGEST_WAIT, this.#clock.random()));
      if (this.#closing.signal.aborted) return;
      this.#events.error(causedBy(error, 'SINK_FAILED', 'counts are sent again'));
    }
  }

  #schedule(ms: number): void {
    if (!this.#closing.signal.aborted) this.#deadline.set(ms);
  }

  /** Takes what was counted as the next batch. */
  async #drain(): Promise<Sending | undefined> {
    const { snapshot } = this.#inUse;
    if (snapshot === undefined) return undefined;
    const name = { instance: this.#options.instance, epoch: this.#epoch, sequence: this.#sequence + 1 };
    const bytes = snapshot.metrics.drain(name);
    if (bytes === undefined) return undefined;
    this.#sequence++;
    const sending = this.#sendingOf(name, bytes, this.#clock.elapsed());
    await this.#keep(sending.batch);
    return sending;
  }

  async #send(sending: Sending): Promise<void> {
    const { left, since } = sending;
    const batch = this.#aged(sending.batch, since === undefined ? OLD : this.#clock.elapsed() - since);
    const failures: unknown[] = [];
    // One that fails keeps the batch from no other.
    for (const sink of [...left]) {
      try {
        await sink.send(batch, this.#closing.signal);
        left.delete(sink);
      } catch (error) {
        if (error instanceof LostCount) await this.#rename(sending);
        if (!(error instanceof FeatureError) || error.code !== 'SINK_REFUSED') {
          failures.push(error);
          continue;
        }
        left.delete(sink);
        this.#events.error(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    await this.#forget(batch);
    this.#events.emit('flush', { bytes: batch.bytes.length, sequence: batch.sequence });
  }

  /** Evidence is weighed by when it was counted. */
  #aged(batch: Batch, ms: number): Batch {
    const { snapshot } = this.#inUse;
    if (snapshot === undefined || ms < 1) return batch;
    return { ...batch, bytes: snapshot.metrics.aged(batch.bytes, Math.min(Math.floor(ms), 0xffffffff)) };
  }

  /** Gives the batch on its way the name of a host that has just begun. */
  async #rename({ batch, left, since }: Sending): Promise<void> {
    const { snapshot } = this.#inUse;
    if (snapshot === undefined) return;
    this.#epoch = this.#newEpoch();
    this.#sequence = 1;
    const name = { instance: this.#options.instance, epoch: this.#epoch, sequence: 1 };
    const renamed = this.#sendingOf(name, snapshot.metrics.renamed(batch.bytes, name), since);
    this.#sending = { ...renamed, left };
    await this.#keep(renamed.batch);
    await this.#forget(batch);
  }

  #sendingOf({ epoch, sequence }: Name, bytes: Uint8Array, since: number | undefined): Sending {
    const { instance, sinks } = this.#options;
    const digest = this.#inUse.snapshot?.digest ?? '';
    return { batch: this.#opened({ bytes, instance, epoch, sequence, snapshot: digest }), left: new Set(sinks), since };
  }

  /** A batch that an earlier process has stored. Its name is inside, so it counts once whoever sends it. */
  async #nextStored(): Promise<Sending | undefined> {
    if (this.#inUse.snapshot === undefined) return undefined;
    const name = this.#left.shift();
    if (name === undefined) return undefined;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#options.store?.get(written(name));
      if (bytes) {
        // Sinks would fail for ever at what is no batch.
        this.#inUse.snapshot?.metrics.aged(bytes, OLD);
        return this.#sendingOf(name, bytes, undefined);
      }
    } catch (cause) {
      this.#events.error(causedBy(cause, 'CACHE_FAILED', 'stored counts cannot be read'));
      // Damaged ones would be no better at the next start.
      if (bytes) await this.#forget(name);
    }
    return undefined;
  }

  async #keep(batch: Batch): Promise<void> {
    try {
      await this.#options.store?.set(written(batch), batch.bytes);
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'counts that are sent cannot be stored', error));
    }
  }

  async #forget(batch: Name): Promise<void> {
    try {
      await this.#options.store?.delete(written(batch));
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'counts that have arrived cannot be deleted', error));
    }
  }

  /** The page may be gone in a moment. Begins anew after that: what goes now may arrive before what was under way. */
  #sendLast(): void {
    const { snapshot } = this.#inUse;
    const { sinks, instance } = this.#options;
    if (snapshot === undefined || sinks.length === 0 || this.#closing.signal.aborted) return;
    const [epoch, sequence] = [this.#newEpoch(), 1];
    const bytes = snapshot.metrics.drain({ instance, epoch, sequence });
    if (bytes === undefined) return;
    const batch = this.#opened({ bytes, instance, epoch, sequence, snapshot: snapshot.digest });
    const refused = sinks.filter((sink) => sink.sendLast?.(batch) !== true);
    if (refused.length === 0) return;
    // Stored for the next page.
    this.#left.push({ epoch, sequence });
    void this.#keep(batch);
  }

  #newEpoch(): number {
    return numberOf(this.#clock.random());
  }

  /** A batch that gives its counts to whoever asks for them. */
  #opened(batch: Omit<Batch, 'revision' | 'flags' | 'custom'>): Batch {
    const snapshot = this.#inUse.bytes;
    const revision = this.#inUse.snapshot?.revision ?? 0n;
    let counts: ReturnType<typeof countsOf> | undefined;
    const open = () => {
      counts ??= countsOf(this.#engine.load(snapshot), batch.bytes);
      return counts;
    };
    return { ...batch, revision, flags: () => open().flags, custom: () => open().custom };
  }
}

/** Distinguishes a batch of this host from its others. */
type Name = Pick<Batch, 'epoch' | 'sequence'>;

const written = ({ epoch, sequence }: Name): string => `batch-${epoch}-${sequence}`;

function parsed(name: string): Name[] {
  const [, epoch, sequence] = NAME.exec(name) ?? [];
  return epoch === undefined ? [] : [{ epoch: Number(epoch), sequence: Number(sequence) }];
}

function countsOf(snapshot: Snapshot, batch: Uint8Array): { flags: Map<string, FlagSummary>; custom: CustomMetrics } {
  const { metrics, flagCount } = snapshot;
  metrics.start();
  metrics.merge(batch);
  const flags = new Map<string, FlagSummary>();
  for (let flag = 0; flag < flagCount; flag++) {
    const summary = metrics.summary(flag);
    if (summary) flags.set(snapshot.flagKey(flag) ?? '', summary);
  }
  const custom = metrics.custom();
  snapshot.free();
  return { flags, custom };
}
