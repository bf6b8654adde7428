import type { FleetState } from '@flcm/flags-web';
import { type Clock, Deadline } from '../clock.ts';
import { FeatureError } from '../errors.ts';
import { causedBy, type Events, featureError } from '../events.ts';
import { isFleetFlag } from '../overrides.ts';
import { eventStream } from './event-stream.ts';
import { statusError, timed } from './request.ts';
import { ANSWERED, waitToConnect } from './stream-waits.ts';

/** Receives the events of a stream. */
export interface StreamListener {
  /** There is a snapshot of this digest; `isNew` when it has come while this host listened. */
  snapshot(digest: string, isNew: boolean): void;
  trips(flags: FleetState): void;
}

/** What a stream is connected with. */
export interface StreamOptions {
  readonly fetch: typeof fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly silenceMs: number;
  /** For reading the events of now. */
  readonly timeoutMs: number;
}

/** The fleet's trips, numbered since the server's start: an event that comes late, or twice, is ignored. */
interface Trips {
  readonly epoch: number;
  readonly sequence: number;
  readonly flags: FleetState;
}

/** Before all events of a server. */
const BEFORE_ALL = { epoch: -1, sequence: -1 };

/**
 * Events of a server: as they happen, over one connection or none and with one attempt at a time, or those of now.
 */
export class Stream {
  readonly #url: string;
  readonly #options: StreamOptions;
  readonly #listener: StreamListener;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #silence: Deadline;
  readonly #retry: Deadline;
  #connection: AbortController | undefined;
  #failures = 0;
  /** Until then the server wants to be left alone. */
  #askedUntil = 0;
  /** The first event of a connection is the snapshot that was there already. */
  #isGreeted = false;
  #cursor: Pick<Trips, 'epoch' | 'sequence'> = BEFORE_ALL;
  /** Whether the events of now are read, and no connection is kept. */
  #isPolled = false;

  constructor(url: string, options: StreamOptions, listener: StreamListener, clock: Clock, events: Events) {
    this.#url = url;
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    this.#events = events;
    this.#silence = new Deadline(clock, () => this.#connection?.abort(silent(options.silenceMs)));
    this.#retry = new Deadline(clock, () => this.open());
  }

  /** Connects, if there is no connection. */
  open(): void {
    if (this.#connection) return;
    const connection = new AbortController();
    this.#connection = connection;
    this.#silence.set(this.#options.silenceMs);
    this.#read(this.#url, connection.signal)
      .then(() => this.#ended(connection, new Error('the server ended it')))
      .catch((error) => this.#ended(connection, connection.signal.reason ?? error));
  }

  /** The server answers again: a stream that waits need not wait for long, unless it was asked to. */
  retrySoon(): void {
    if (this.#connection !== undefined) return;
    const asked = Math.max(0, this.#askedUntil - this.#clock.elapsed());
    this.#retry.noLaterThan(asked + this.#clock.random() * ANSWERED);
  }

  /** Reads the events of now, for a host that keeps no connection. A failure is reported. */
  async readOnce(closing: AbortSignal): Promise<void> {
    const url = `${this.#url}?once=true`;
    this.#isPolled = true;
    try {
      await timed({ clock: this.#clock, timeoutMs: this.#options.timeoutMs, closing }, (signal) =>
        this.#read(url, signal),
      );
    } catch (error) {
      if (!closing.aborted) this.#report(error);
    } finally {
      this.#silence.clear();
    }
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.abort();
    this.#silence.clear();
    this.#retry.clear();
  }

  async #read(url: string, signal: AbortSignal): Promise<void> {
    const headers = { ...this.#options.headers, accept: 'text/event-stream' };
    const response = await this.#options.fetch(url, { headers, signal, cache: 'no-store' });
    if (response.status !== 200 || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
      await response.body?.cancel();
      throw response.status === 200
        ? new FeatureError('WRONG_TYPE', `${url} is no stream of events`)
        : statusError(response, url, this.#clock.now());
    }
    const feed = eventStream((event, data) => this.#receive(event, data));
    // Another server may answer now, which counts anew, and sends everything first.
    if (!this.#isPolled) this.#cursor = BEFORE_ALL;
    this.#isGreeted = false;
    const decoder = new TextDecoder();
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (let part = await reader.read(); !part.done && !signal.aborted; part = await reader.read()) {
      // Whatever comes shows that it lives; it was connected well once something came.
      this.#failures = 0;
      this.#silence.set(this.#options.silenceMs);
      feed(decoder.decode(part.value, { stream: true }));
    }
  }

  #ended(connection: AbortController, reason: unknown): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    // What was given up on this side is open on the other.
    connection.abort();
    this.#silence.clear();
    const wait = waitToConnect(this.#failures, this.#clock.random());
    this.#failures++;
    const asked = reason instanceof FeatureError ? (reason.retryAfterMs ?? 0) : 0;
    this.#askedUntil = this.#clock.elapsed() + asked;
    this.#retry.set(asked + wait);
    this.#report(reason);
  }

  #report(cause: unknown): void {
    this.#events.error(causedBy(cause, 'STREAM_FAILED', this.#url));
  }

  #receive(event: string, data: string): void {
    try {
      if (event === 'snapshot') {
        this.#listener.snapshot(digestOf(JSON.parse(data)), this.#isGreeted);
        this.#isGreeted = true;
      }
      if (event === 'trips') this.#trips(tripsOf(JSON.parse(data)));
    } catch (error) {
      const code = event === 'trips' ? 'INVALID_TRIPS' : 'STREAM_FAILED';
      this.#events.error(featureError(code, `${this.#url}: \`${event}\` cannot be read`, error));
    }
  }

  #trips({ epoch, sequence, flags }: Trips): void {
    const { epoch: known, sequence: last } = this.#cursor;
    const isOlder = !this.#isPolled && (epoch < known || (epoch === known && sequence < last));
    if (isOlder || (epoch === known && sequence === last)) return;
    this.#cursor = { epoch, sequence };
    this.#listener.trips(flags);
  }
}

function silent(ms: number): FeatureError {
  return new FeatureError('STREAM_FAILED', `silent for ${ms} ms`);
}

function digestOf(event: { digest: unknown }): string {
  if (typeof event.digest === 'string') return event.digest;
  throw new Error('it names no digest');
}

/** Checked as a whole, so that it is applied as a whole or not at all. */
function tripsOf(trips: Trips): Trips {
  if (!isNumber(trips.epoch) || !isNumber(trips.sequence)) throw new Error('it has no number');
  if (!isRecord(trips.flags)) throw new Error('it names no flags');
  for (const [key, flag] of Object.entries(trips.flags)) {
    if (!isFleetFlag(flag)) throw new Error(`the state of \`${key}\` cannot be read`);
  }
  return trips;
}

const isNumber = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
