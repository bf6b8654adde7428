import type { FleetState } from '@flcm/flags-web';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { type Clock, Deadline, steady } from './clock.ts';
import { FeatureError } from './errors.ts';
import { causedBy, type Events, featureError } from './events.ts';
import type { Store } from './host/store.ts';
import type { InUse } from './in-use.ts';
import { SnapshotCache } from './remote-config/cache.ts';
import { follows } from './remote-config/follows.ts';
import { Revisions } from './remote-config/revisions.ts';
import type { FetchResult, Source } from './remote-config/source.ts';
import { Stream, type StreamOptions } from './remote-config/stream.ts';
import type { Trust } from './remote-config/trust.ts';
import { backOff, nextPoll } from './schedule.ts';
import type { RemoteState } from './types.ts';

/** How a source is followed. */
export interface RemoteOptions {
  readonly source: Source | undefined;
  /** Used until the source has answered. */
  readonly bootstrap: Uint8Array | undefined;
  readonly store: Store | undefined;
  /** Where keys are pinned: what checks snapshots. */
  readonly trust: Trust | undefined;
  readonly stream: (StreamOptions & { readonly url: string; readonly spreadMs: number }) | undefined;
  /** Whether the stream stays connected. Otherwise its events are read after each poll. */
  readonly keepsStream: boolean;
  readonly pollIntervalMs: number;
  readonly staleAfterMs: number;
  /** From 0 to below 1: when within the interval this host polls. */
  readonly phase: number;
}

/** While there is nothing in use it is tried again this soon. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 300_000;

/** Judges what is signed, whose order was checked already. */
const inOrder = (): undefined => undefined;

/** Follows a source: polls it, listens to its stream, and keeps the last good flags in use whatever it answers. */
export class RemoteConfig {
  readonly #inUse: InUse;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #options: RemoteOptions;
  readonly #cache: SnapshotCache | undefined;
  readonly #stream: Stream | undefined;
  readonly #closing = new AbortController();
  readonly #poll: Deadline;
  readonly #stale: Deadline;
  readonly #announced: Deadline;
  readonly #revisions = new Revisions();
  /** Never jumps, unlike the time of machines. */
  readonly #time: () => number;
  /** Nothing that is announced is fetched before. */
  #notBefore = 0;
  #unwatch = () => {};
  #syncing: Promise<void> | undefined;
  /** Somebody asked while a request was under way, which may have missed what he knows of. */
  #again = false;
  /** What was announced while a request was under way. */
  #missed: [digest: string, isNew: boolean] | undefined;
  /** The ETag of what is in use; none while the source is to give everything anew. */
  #etag: string | undefined;
  #failures = 0;
  /** An answer was misunderstood since the last one that was not. */
  #hasRefetched = false;
  #confirmed: number | undefined;
  #state: RemoteState = 'initializing';

  /** @internal */
  constructor(parts: { inUse: InUse; breaker: CircuitBreaker; clock: Clock; events: Events }, options: RemoteOptions) {
    const { inUse, breaker, clock, events } = parts;
    this.#inUse = inUse;
    this.#clock = clock;
    this.#time = steady(clock);
    this.#events = events;
    this.#options = options;
    const { store, source, stream, trust } = options;
    this.#cache = store && source && new SnapshotCache(store, source.name, events);
    const listener = {
      snapshot: (digest: string, isNew: boolean) => this.#announce(digest, isNew),
      trips: (flags: FleetState) => breaker.applyFleetState(flags, !!trust),
    };
    this.#stream = stream && new Stream(stream.url, stream, listener, clock, events);
    this.#poll = new Deadline(clock, () => void this.sync());
    this.#stale = new Deadline(clock, () => this.#age());
    this.#announced = new Deadline(clock, () => {
      this.#notBefore = clock.elapsed() + (stream?.spreadMs ?? 0);
      void this.sync();
    });
  }

  /** Puts in use what is at hand, then asks the source. Answers whether anything is in use without it. @internal */
  async open(): Promise<boolean> {
    const { bootstrap, source } = this.#options;
    if (bootstrap) this.#inUse.use(bootstrap);
    await this.#useStored();
    if (source && this.#inUse.snapshot) this.#updateState();
    if (source?.watch) {
      const failed = (error: unknown) => this.#events.error(featureError('FILE_FAILED', source.name, error));
      this.#unwatch = source.watch(() => void this.sync(), failed);
    }
    if (source === undefined) this.#confirm(false);
    else void this.sync();
    if (this.#options.keepsStream) this.#stream?.open();
    return this.#inUse.snapshot !== undefined;
  }

  /** How well what is in use is known to be the source's. */
  get state(): RemoteState {
    return this.#state;
  }

  /** Milliseconds since the source has confirmed what is in use; `undefined` if it never did. */
  get ageMs(): number | undefined {
    return this.#confirmed === undefined ? undefined : this.#clock.elapsed() - this.#confirmed;
  }

  /** Asks the source now. One request is under way at a time; whoever asks meanwhile waits for one more. */
  sync(): Promise<void> {
    const { source } = this.#options;
    if (source === undefined || this.#closing.signal.aborted) return Promise.resolve();
    if (this.#syncing) {
      this.#again = true;
      return this.#syncing;
    }
    this.#poll.clear();
    this.#announced.clear();
    this.#syncing = this.#syncAll(source).finally(() => {
      this.#syncing = undefined;
      if (this.#missed && this.#failures === 0) this.#announce(...this.#missed);
      this.#missed = undefined;
    });
    return this.#syncing;
  }

  /** Until the request that is under way has ended. */
  get settled(): Promise<void> {
    return this.#syncing ?? Promise.resolve();
  }

  /** Asks nothing any more. @internal */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#stream?.close();
    this.#unwatch();
    for (const alarm of [this.#poll, this.#stale, this.#announced]) alarm.clear();
    await this.settled;
    await this.#cache?.written;
  }

  async #syncAll(source: Source): Promise<void> {
    do {
      this.#again = false;
      await this.#syncOnce(source);
    } while (this.#again && this.#failures === 0 && !this.#closing.signal.aborted);
  }

  /**
   * Bytes, ETag and revision are one value: the ETag is saved once the bytes are in use, and cleared when any are not.
   */
  async #syncOnce(source: Source): Promise<void> {
    try {
      this.#confirm(await this.#take(source));
      this.#failures = 0;
      this.#hasRefetched = false;
      this.#schedule(this.#nextPoll());
      if (!this.#options.keepsStream) await this.#stream?.readOnce(this.#closing.signal);
    } catch (error) {
      this.#fail(featureError('FETCH_FAILED', source.name, error));
    }
  }

  /** Takes what the source gives; answers whether it is something else. */
  async #take(source: Source): Promise<boolean> {
    const asked = this.#etag;
    // Should anything fail, the next request asks for everything.
    this.#etag = undefined;
    const given = await source.get(asked, this.#closing.signal, this.#inUse.snapshot?.revision);
    if (this.#closing.signal.aborted) throw new FeatureError('CLOSED', 'the flags were closed');
    const { snapshot, etag, accept } = given;
    const changed = snapshot !== undefined && this.#useAnswer(snapshot, accept);
    this.#etag = etag;
    if (accept?.() || snapshot) this.#cache?.set({ ...given, snapshot: this.#inUse.bytes });
    return changed;
  }

  /** Uses what the source has answered with, if its revision may follow the one in use. */
  #useAnswer(snapshot: Uint8Array, accept: FetchResult['accept']): boolean {
    if (accept) return this.#inUse.use(snapshot, inOrder);
    const since = this.#revisions.olderSince;
    try {
      return this.#inUse.use(snapshot, (next, inUse) => this.#revisions.answered(follows(next, inUse), this.#time()));
    } catch (error) {
      const { olderSince } = this.#revisions;
      // The 24 hours go on after a restart.
      if (olderSince !== since) this.#cache?.set({ snapshot: this.#inUse.bytes, etag: undefined, olderSince });
      throw error;
    }
  }

  #confirm(changed: boolean): void {
    // A listener for a rollback may close everything meanwhile.
    if (this.#closing.signal.aborted) return;
    this.#confirmed = this.#clock.elapsed();
    const { snapshot } = this.#inUse;
    this.#stale.set(this.#options.staleAfterMs);
    if (this.#options.keepsStream) this.#stream?.retrySoon();
    this.#updateState();
    if (snapshot) this.#events.emit('sync', { digest: snapshot.digest, revision: snapshot.revision, changed });
  }

  #fail(error: FeatureError): void {
    if (this.#closing.signal.aborted) return;
    this.#failures++;
    this.#updateState();
    this.#events.error(error);
    this.#schedule((error.retryAfterMs ?? 0) + this.#wait(error));
  }

  #wait(error: FeatureError): number {
    // An answer of this kind is a misunderstanding: what follows asks for everything, and need not wait.
    if (error.code === 'NOT_MODIFIED' && !this.#hasRefetched) {
      this.#hasRefetched = true;
      return 0;
    }
    return backOff(this.#failures, this.#firstWait(), LONGEST_WAIT, this.#clock.random());
  }

  /** Hosts that have flags do not poll sooner: they would triple what a server must bear that has just come back. */
  #firstWait(): number {
    return this.#inUse.snapshot ? Math.max(FIRST_WAIT, 2 * this.#options.pollIntervalMs) : FIRST_WAIT;
  }

  #schedule(ms: number): void {
    if (this.#closing.signal.aborted) return;
    if (this.#options.pollIntervalMs > 0 || this.#failures > 0) this.#poll.set(ms);
  }

  #nextPoll(): number {
    const { pollIntervalMs, phase } = this.#options;
    if (pollIntervalMs === 0) return 0;
    return nextPoll(pollIntervalMs, phase, { wall: this.#clock.now(), random: this.#clock.random() });
  }

  /** The stored flags are used unless something newer is at hand. */
  async #useStored(): Promise<void> {
    const stored = await this.#cache?.get();
    if (stored === undefined) return;
    this.#revisions.olderSince = stored.olderSince;
    try {
      const { trust } = this.#options;
      const { accept } = trust ? await trust.check(stored) : stored;
      this.#inUse.use(stored.snapshot, accept && inOrder);
      accept?.();
      this.#etag = stored.etag;
    } catch (cause) {
      if (cause instanceof FeatureError && cause.code === 'OLDER_REVISION') return;
      this.#events.error(causedBy(cause, 'CACHE_FAILED', 'the stored flags are not used'));
    }
  }

  /** Timers may ring early: by a little, or by weeks where they take no longer delays. */
  #age(): void {
    this.#updateState();
    if (this.#state === 'fresh') this.#stale.set(Math.max(1, this.#options.staleAfterMs - (this.ageMs ?? 0)));
  }

  #updateState(): void {
    const { ageMs } = this;
    const from = this.#state;
    const isExpired = this.#options.trust?.isExpired(() => this.#updateState());
    this.#state = isExpired ? 'stale' : this.#stateAt(ageMs);
    if (this.#state === from) return;
    const event = { from, to: this.#state, ageMs };
    this.#events.emit('state', event);
    if (this.#state === 'stale') this.#events.emit('stale', event);
  }

  #stateAt(ageMs: number | undefined): RemoteState {
    if (this.#inUse.snapshot === undefined) return this.#failures > 0 ? 'offline' : 'initializing';
    return ageMs !== undefined && ageMs < this.#options.staleAfterMs ? 'fresh' : 'stale';
  }

  /**
   * What a stream announces is fetched at a moment that chance gives, so that not all hosts come at once: soon when it
   * is new; as soon as by polling when it has come while the stream was broken, as it may have been for every host.
   * However much is announced, it leads to one fetch in `streamSpreadMs`.
   */
  #announce(digest: string, isNew: boolean): void {
    if (this.#closing.signal.aborted || digest === this.#inUse.snapshot?.digest) return;
    const { stream, pollIntervalMs } = this.#options;
    const spread = Math.max(stream?.spreadMs ?? 0, isNew ? 0 : pollIntervalMs);
    // What is under way may bring it.
    if (this.#syncing) this.#missed = [digest, isNew];
    // Chance is asked once: the earliest of many moments would be the same for all hosts.
    else if (!this.#announced.isDueWithin(spread)) {
      this.#announced.set(Math.max(this.#clock.random() * spread, this.#notBefore - this.#clock.elapsed()));
    }
  }
}
