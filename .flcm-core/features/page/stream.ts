import { Deadline } from '../clock.ts';
import { FeatureError } from '../errors.ts';
import { causedBy, featureError } from '../events.ts';
import { isFleetFlag } from '../overrides.ts';
import { statusError, timed } from '../remote-config/request.ts';
import { backOff } from '../schedule.ts';
import type { FleetState } from '../types.ts';
import type { Settings } from './settings.ts';

/** Waits and bounds are those of `remote-config/stream.ts`, which explains them. */
const SOON = 10_000;
const ANSWERED = 60_000;
const FIRST_WAIT = 120_000;
const LONGEST_WAIT = 300_000;
const LARGEST_EVENT = 1 << 20;

/** The fleet's trips, numbered since the server's start. */
interface Trips {
  readonly epoch: number;
  readonly sequence: number;
  readonly flags: FleetState;
}

/** Receives the events of a stream. */
export interface PageListener {
  /** There is a snapshot of this digest; `isNew` when it has come while this page listened. */
  snapshot(digest: string, isNew: boolean): void;
  trips(flags: FleetState): void;
}

/** Events of a server: as they happen, over one connection, or those of now. */
export class PageStream {
  readonly #settings: Settings;
  readonly #url: string;
  readonly #listener: PageListener;
  readonly #silence: Deadline;
  readonly #retry: Deadline;
  #connection: AbortController | undefined;
  #failures = 0;
  #askedUntil = 0;
  #isGreeted = false;
  #last: Pick<Trips, 'epoch' | 'sequence'> | undefined;

  constructor(settings: Settings, listener: PageListener) {
    const { clock, url, streamSilenceMs: ms } = settings;
    this.#settings = settings;
    this.#url = `${url}flags/stream`;
    this.#listener = listener;
    const silent = () => new FeatureError('STREAM_FAILED', `silent for ${ms} ms`);
    this.#silence = new Deadline(clock, () => this.#connection?.abort(silent()));
    this.#retry = new Deadline(clock, () => this.open());
    settings.closing.addEventListener('abort', () => this.#close());
  }

  /** Connects, if there is no connection. */
  open(): void {
    if (this.#connection) return;
    const connection = new AbortController();
    this.#connection = connection;
    this.#silence.set(this.#settings.streamSilenceMs);
    this.#read(this.#url, connection.signal)
      .then(() => Promise.reject(new Error('the server ended it')))
      .catch((error) => this.#ended(connection, connection.signal.reason ?? error));
  }

  /** The server answers again: a stream that waits need not wait for long, unless it was asked to. */
  retrySoon(): void {
    if (this.#connection) return;
    const { clock } = this.#settings;
    this.#retry.noLaterThan(Math.max(0, this.#askedUntil - clock.elapsed()) + clock.random() * ANSWERED);
  }

  /** Reads the events of now. A failure is reported. */
  async readOnce(): Promise<void> {
    const { clock, fetchTimeoutMs: timeoutMs, closing } = this.#settings;
    try {
      await timed({ clock, timeoutMs, closing }, (signal) => this.#read(`${this.#url}?once=true`, signal));
    } catch (error) {
      if (!closing.aborted) this.#report(error);
    }
    this.#silence.clear();
  }

  #close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.abort();
    this.#silence.clear();
    this.#retry.clear();
  }

  async #read(url: string, signal: AbortSignal): Promise<void> {
    const { headers, fetch, clock, stream, streamSilenceMs } = this.#settings;
    const response = await fetch(url, {
      headers: { ...headers, accept: 'text/event-stream' },
      signal,
      cache: 'no-store',
    });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (response.status !== 200 || !isStream) {
      await response.body?.cancel();
      throw response.status === 200
        ? new FeatureError('WRONG_TYPE', `${url} is no stream of events`)
        : statusError(response, url, clock.now());
    }
    if (stream) this.#last = undefined;
    this.#isGreeted = false;
    const feed = parser((event, data) => this.#receive(event, data));
    const decoder = new TextDecoder();
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (let part = await reader.read(); !part.done && !signal.aborted; part = await reader.read()) {
      this.#failures = 0;
      this.#silence.set(streamSilenceMs);
      feed(decoder.decode(part.value, { stream: true }));
    }
  }

  #ended(connection: AbortController, reason: unknown): void {
    if (this.#connection !== connection) return;
    this.#close();
    // What was given up on this side is open on the other.
    connection.abort();
    const { clock } = this.#settings;
    const failures = this.#failures++;
    const asked = (reason as Partial<FeatureError>).retryAfterMs ?? 0;
    this.#askedUntil = clock.elapsed() + asked;
    const chance = clock.random();
    this.#retry.set(asked + (failures ? backOff(failures, FIRST_WAIT, LONGEST_WAIT, chance) : chance * SOON));
    this.#report(reason);
  }

  #report(cause: unknown): void {
    this.#settings.events.error(causedBy(cause, 'STREAM_FAILED', this.#url));
  }

  #receive(event: string, data: string): void {
    try {
      if (event === 'snapshot') {
        const { digest } = JSON.parse(data);
        if (typeof digest !== 'string') throw new Error('it names no digest');
        this.#listener.snapshot(digest, this.#isGreeted);
        this.#isGreeted = true;
      }
      if (event === 'trips') this.#trips(JSON.parse(data));
    } catch (error) {
      const code = event === 'trips' ? 'INVALID_TRIPS' : 'STREAM_FAILED';
      this.#settings.events.error(featureError(code, `${this.#url}: \`${event}\` cannot be read`, error));
    }
  }

  /** Trips are taken as a whole or not at all, and not twice. */
  #trips({ epoch, sequence, flags }: Trips): void {
    if (!isCount(epoch) || !isCount(sequence) || flags?.constructor !== Object) throw new Error('it is incomplete');
    const wrong = Object.keys(flags).find((key) => !isFleetFlag(flags[key]));
    if (wrong !== undefined) throw new Error(`the state of \`${wrong}\` cannot be read`);
    const last = this.#last;
    const after = last && (epoch - last.epoch || sequence - last.sequence);
    // A page that keeps no connection may be answered by another server each time.
    if (after === 0 || (this.#settings.stream && (after ?? 1) < 0)) return;
    this.#last = { epoch, sequence };
    this.#listener.trips(flags);
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** Reads server-sent events from pieces of text. */
export function parser(receive: (event: string, data: string) => void): (text: string) => void {
  let rest = '';
  let event = '';
  let data: string[] = [];
  const line = (text: string) => {
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(text) ?? [];
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
    if (text !== '') return;
    if (data.length > 0) receive(event, data.join('\n'));
    event = '';
    data = [];
  };
  return (text) => {
    // A carriage return at the end may be the first half of a line's end.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    lines.forEach(line);
    if (rest.length + data.join().length > LARGEST_EVENT) throw new Error('an event is too large');
  };
}
