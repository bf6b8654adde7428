import { Deadline, steady } from '../clock.ts';
import { FeatureError } from '../errors.ts';
import { featureError } from '../events.ts';
import { bodyOf, statusError, timed } from '../remote-config/request.ts';
import { follows, Revisions } from '../remote-config/revisions.ts';
import { backOff, nextPoll, phaseOf } from '../schedule.ts';
import type { RemoteState } from '../types.ts';
import type { PageInUse } from './in-use.ts';
import type { Settings } from './settings.ts';
import { PageStream } from './stream.ts';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 300_000;

/** The largest body that is taken in. */
const MOST_BYTES = 1 << 25;

const SNAPSHOT_TYPE = 'application/vnd.flcm.snapshot';

/** Follows a server, by the rules of `remote-config.ts`, which explains them. */
export class PageRemote {
  readonly #settings: Settings;
  readonly #inUse: PageInUse;
  readonly #stream: PageStream;
  readonly #poll: Deadline;
  readonly #stale: Deadline;
  readonly #announced: Deadline;
  readonly #revisions = new Revisions();
  readonly #time: () => number;
  #notBefore = 0;
  #syncing: Promise<void> | undefined;
  #again = false;
  #missed: [digest: string, isNew: boolean] | undefined;
  #etag: string | undefined;
  #failures = 0;
  #hasRefetched = false;
  #confirmed: number | undefined;
  #state: RemoteState = 'initializing';

  /** @internal */
  constructor(settings: Settings, inUse: PageInUse) {
    const { clock, closing, streamSpreadMs } = settings;
    this.#settings = settings;
    this.#inUse = inUse;
    this.#time = steady(clock);
    this.#stream = new PageStream(settings, {
      snapshot: (digest, isNew) => this.#announce(digest, isNew),
      trips: (flags) => inUse.setFleet(flags),
    });
    this.#poll = new Deadline(clock, () => void this.sync());
    this.#stale = new Deadline(clock, () => this.#age());
    this.#announced = new Deadline(clock, () => {
      this.#notBefore = clock.elapsed() + streamSpreadMs;
      void this.sync();
    });
    const deadlines = [this.#poll, this.#stale, this.#announced];
    closing.addEventListener('abort', () => {
      for (const deadline of deadlines) deadline.clear();
    });
  }

  /** How well what is in use is known to be the server's. */
  get state(): RemoteState {
    return this.#state;
  }

  /** Milliseconds since the server has confirmed what is in use; `undefined` if it never did. */
  get ageMs(): number | undefined {
    return this.#confirmed === undefined ? undefined : this.#settings.clock.elapsed() - this.#confirmed;
  }

  /** Until the request that is under way has ended. */
  get settled(): Promise<void> {
    return this.#syncing ?? Promise.resolve();
  }

  /** Puts in use what is at hand, then asks. @internal */
  async open(): Promise<void> {
    const { snapshot, events, stream } = this.#settings;
    void this.sync();
    if (stream) this.#stream.open();
    if (snapshot === undefined) return;
    await this.#inUse.use(snapshot, follows).catch((error) => {
      if (error.code !== 'OLDER_REVISION') events.error(error);
    });
    this.#updateState();
  }

  /** Asks the server now. One request is under way at a time; whoever asks meanwhile waits for one more. */
  sync(): Promise<void> {
    if (this.#settings.closing.aborted) return Promise.resolve();
    if (this.#syncing) {
      this.#again = true;
      return this.#syncing;
    }
    this.#poll.clear();
    this.#announced.clear();
    this.#syncing = this.#syncAll().finally(() => {
      this.#syncing = undefined;
      if (this.#missed && this.#failures === 0) this.#announce(...this.#missed);
      this.#missed = undefined;
    });
    return this.#syncing;
  }

  async #syncAll(): Promise<void> {
    do {
      this.#again = false;
      await this.#syncOnce();
    } while (this.#again && this.#failures === 0 && !this.#settings.closing.aborted);
  }

  async #syncOnce(): Promise<void> {
    const { stream, url } = this.#settings;
    try {
      this.#confirm(await this.#take());
      this.#failures = 0;
      this.#hasRefetched = false;
      this.#schedule(this.#nextPoll());
      if (!stream) await this.#stream.readOnce();
    } catch (error) {
      this.#fail(featureError('FETCH_FAILED', `${url}flags`, error));
    }
  }

  /** Takes what the server gives; answers whether it is something else. */
  async #take(): Promise<boolean> {
    const { clock, closing, fetchTimeoutMs: timeoutMs } = this.#settings;
    const asked = this.#etag;
    // Should anything fail, the next request asks for everything.
    this.#etag = undefined;
    // The engine is loaded meanwhile; what is wrong with it is reported when it is needed.
    this.#inUse.open().catch(() => {});
    const [bytes, etag] = await timed({ clock, timeoutMs, closing }, (signal) => this.#ask(asked, signal));
    if (closing.aborted) throw new FeatureError('CLOSED', 'the flags were closed');
    const judge = (next: bigint, inUse: bigint) => this.#revisions.answered(next, inUse, this.#time());
    const changed = bytes !== undefined && (await this.#inUse.use(bytes, judge));
    this.#etag = etag;
    return changed;
  }

  async #ask(etag: string | undefined, signal: AbortSignal): Promise<[Uint8Array | undefined, string | undefined]> {
    const { clock, fetch, headers, url: base } = this.#settings;
    const url = `${base}flags`;
    const revision = this.#inUse.snapshot?.revision;
    const given = {
      ...headers,
      accept: `${SNAPSHOT_TYPE}, */*;q=0.1`,
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(revision && { 'flcm-revision': `${revision}` }),
    };
    const response = await fetch(url, { headers: given, signal, cache: 'no-store' });
    if (response.status === 304) {
      if (etag !== undefined) return [undefined, etag];
      throw new FeatureError('NOT_MODIFIED', `${url} answered 304, although it was not asked for changes`);
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw statusError(response, url, clock.now());
    }
    const body = await bodyOf(response, MOST_BYTES);
    if (body.length === 0) throw new FeatureError('EMPTY', 'nothing is in the body');
    if (response.headers.get('content-type')?.startsWith('text/')) {
      throw new FeatureError('WRONG_TYPE', `${url} gave a text, and no flags: check \`url\``);
    }
    return [body, response.headers.get('etag') ?? undefined];
  }

  #confirm(changed: boolean): void {
    const { clock, closing, events, staleAfterMs, stream } = this.#settings;
    if (closing.aborted) return;
    this.#confirmed = clock.elapsed();
    const { snapshot } = this.#inUse;
    this.#stale.set(staleAfterMs);
    if (stream) this.#stream.retrySoon();
    this.#updateState();
    if (snapshot) events.emit('sync', { digest: snapshot.digest, revision: snapshot.revision, changed });
  }

  #fail(error: FeatureError): void {
    const { clock, closing, events, pollIntervalMs } = this.#settings;
    if (closing.aborted) return;
    this.#failures++;
    this.#updateState();
    events.error(error);
    const first = this.#inUse.snapshot ? Math.max(FIRST_WAIT, 2 * pollIntervalMs) : FIRST_WAIT;
    const isMisunderstood = error.code === 'NOT_MODIFIED' && !this.#hasRefetched;
    if (isMisunderstood) this.#hasRefetched = true;
    const wait = isMisunderstood ? 0 : backOff(this.#failures, first, LONGEST_WAIT, clock.random());
    this.#schedule((error.retryAfterMs ?? 0) + wait);
  }

  #schedule(ms: number): void {
    const { closing, pollIntervalMs } = this.#settings;
    if (!closing.aborted && (pollIntervalMs > 0 || this.#failures > 0)) this.#poll.set(ms);
  }

  #nextPoll(): number {
    const { clock, instance, pollIntervalMs } = this.#settings;
    if (pollIntervalMs === 0) return 0;
    return nextPoll(pollIntervalMs, phaseOf(instance), { wall: clock.now(), random: clock.random() });
  }

  #age(): void {
    this.#updateState();
    if (this.#state === 'fresh') this.#stale.set(Math.max(1, this.#settings.staleAfterMs - (this.ageMs ?? 0)));
  }

  #updateState(): void {
    const { ageMs } = this;
    const { events, staleAfterMs } = this.#settings;
    const from = this.#state;
    if (this.#inUse.snapshot === undefined) this.#state = this.#failures > 0 ? 'offline' : 'initializing';
    else this.#state = ageMs !== undefined && ageMs < staleAfterMs ? 'fresh' : 'stale';
    if (this.#state === from) return;
    const event = { from, to: this.#state, ageMs };
    events.emit('state', event);
    if (this.#state === 'stale') events.emit('stale', event);
  }

  #announce(digest: string, isNew: boolean): void {
    const { clock, closing, pollIntervalMs, streamSpreadMs } = this.#settings;
    if (closing.aborted || digest === this.#inUse.snapshot?.digest) return;
    const spread = Math.max(streamSpreadMs, isNew ? 0 : pollIntervalMs);
    if (this.#syncing) this.#missed = [digest, isNew];
    else if (!this.#announced.isDueWithin(spread)) {
      this.#announced.set(Math.max(clock.random() * spread, this.#notBefore - clock.elapsed()));
    }
  }
}
