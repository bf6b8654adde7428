import type { FeatureError } from '../../errors.ts';
import { isFleetFlag } from '../../overrides.ts';
import { eventStream } from '../../remote-config/event-stream.ts';
import { retryAfter, statusText } from '../../remote-config/status.ts';
import { ANSWERED, waitToConnect } from '../../remote-config/stream-waits.ts';
import type { FleetState } from '../../types.ts';
import type { Life } from '../life.ts';

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

/** Events of a server. */
export interface PageStream {
  /** Connects, if there is no connection. */
  open(): void;
  /** The server answers again: a stream that waits need not wait for long, unless it was asked to. */
  retrySoon(): void;
  /** Reads the events of now, in place of a connection. A failure is reported. */
  readOnce(): Promise<void>;
}

export function streamOf(life: Life, listener: PageListener): PageStream {
  const { causedBy, clock, fail, FeatureError, fetchTimeoutMs, requests, stream, streamSilenceMs, url } = life;
  const name = `${url}flags/stream`;
  const ask = stream
    ? requests('flags/stream', streamSilenceMs, 'silent for')
    : requests('flags/stream?once=true', fetchTimeoutMs);
  const retry = life.timer(() => open());
  let isOpen = false;
  let failures = 0;
  let askedUntil = 0;
  let isGreeted = false;
  let last: Pick<Trips, 'epoch' | 'sequence'> | undefined;

  /** Trips are taken as a whole or not at all, and not twice. */
  const takeTrips = ({ epoch, sequence, flags }: Trips): void => {
    if (!isCount(epoch) || !isCount(sequence) || flags?.constructor !== Object) throw new Error('it is incomplete');
    if (!Object.values(flags).every(isFleetFlag)) throw new Error('a state is unknown');
    const after = last && (epoch - last.epoch || sequence - last.sequence);
    // A page that keeps no connection may be answered by another server each time.
    if (after === 0 || (stream && (after ?? 1) < 0)) return;
    last = { epoch, sequence };
    listener.trips(flags);
  };

  const receive = (event: string, data: string): void => {
    try {
      if (event === 'trips') takeTrips(JSON.parse(data));
      if (event !== 'snapshot') return;
      const { digest } = JSON.parse(data);
      if (typeof digest !== 'string') throw new Error('it names no digest');
      listener.snapshot(digest, isGreeted);
      isGreeted = true;
    } catch (error) {
      const code = event === 'trips' ? 'INVALID_TRIPS' : 'STREAM_FAILED';
      fail(causedBy(error, code, `${name}: \`${event}\` cannot be read`));
    }
  };

  const read = (): Promise<void> =>
    ask({ headers: { accept: 'text/event-stream' } }, async (response, alive) => {
      if (response.status !== 200) {
        const more = { retryAfterMs: retryAfter(response, clock.now()) };
        throw new FeatureError('HTTP_STATUS', statusText(response, name), more);
      }
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        throw new FeatureError('WRONG_TYPE', 'it is no stream of events');
      }
      if (stream) last = undefined;
      isGreeted = false;
      const feed = eventStream(receive);
      const decoder = new TextDecoder();
      const reader = response.body?.getReader();
      for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
        failures = 0;
        if (stream) alive();
        feed(decoder.decode(part.value, { stream: true }));
      }
    });

  const report = (cause: unknown): void => {
    if (!life.isClosed) fail(causedBy(cause, 'STREAM_FAILED', name));
  };

  const ended = (reason: unknown): void => {
    isOpen = false;
    const asked = (reason as FeatureError).retryAfterMs ?? 0;
    askedUntil = clock.elapsed() + asked;
    retry.set(asked + waitToConnect(failures, clock.random()));
    failures++;
    report(reason);
  };

  const open = (): void => {
    if (isOpen || life.isClosed) return;
    isOpen = true;
    read()
      .then(() => Promise.reject(new Error('the server ended it')))
      .catch(ended);
  };

  return {
    open,
    retrySoon: () => {
      const wait = Math.max(0, askedUntil - clock.elapsed()) + clock.random() * ANSWERED;
      if (!isOpen && clock.elapsed() + wait < retry.at) retry.set(wait);
    },
    readOnce: () => read().catch(report),
  };
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
