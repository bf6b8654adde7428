import * as host from '#host';
import { FeatureError } from '../errors.ts';
import { type Bounds, statusError, timed } from '../remote-config/request.ts';
import type { CustomMetrics, FlagSummary } from '../types.ts';

/** What was counted since the batch before. */
export interface Batch {
  /** For a server that adds batches up: the engine's own form, with its name inside. */
  readonly bytes: Uint8Array;
  /** The host. */
  readonly instance: number;
  /** Its start: another number after each restart. */
  readonly epoch: number;
  /** Counts the batches of this host since then. */
  readonly sequence: number;
  /** Digest of the snapshot that was in use. */
  readonly snapshot: string;
  /** Its revision. */
  readonly revision: bigint;
  /** By flag key, of the flags that were counted. */
  flags(): ReadonlyMap<string, FlagSummary>;
  /** What was counted under names of the application's own. */
  custom(): CustomMetrics;
}

/** Takes batches. */
export interface Sink {
  /**
   * Takes a batch for good once the promise resolves; after an error the same batch comes again, unchanged but for its
   * age. One batch is under way at a time.
   */
  send(batch: Batch, closing: AbortSignal): Promise<void>;
  /** Takes a batch without an answer, because the page goes away; false when it cannot. */
  sendLast?(batch: Batch): boolean;
}

/** The media type of batches. */
export const BATCH_TYPE = 'application/vnd.flcm.batch';

/** Statuses that will be the same for the same batch. */
const REFUSED: readonly number[] = [400, 404, 405, 413, 415, 422];

/** Browsers send no more for a page that goes away; what is left of 64 KiB is for what else is under way. */
const LARGEST_LAST = 60_000;

/** The server has lost count: the batch is to be named anew. */
const GAP = 409;

/** Posts batches to a server, which adds each up once. */
export class HttpSink implements Sink {
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #bounds: Omit<Bounds, 'closing'>;

  /** @param url The number of the revision in use is put behind it. */
  constructor(
    url: string,
    doFetch: typeof fetch,
    headers: Readonly<Record<string, string>>,
    bounds: Omit<Bounds, 'closing'>,
  ) {
    this.#url = url;
    this.#fetch = doFetch;
    this.#headers = { ...headers, 'content-type': BATCH_TYPE };
    this.#bounds = bounds;
  }

  async send({ bytes, revision }: Batch, closing: AbortSignal): Promise<void> {
    const url = this.#url + revision;
    await timed({ ...this.#bounds, closing }, async (signal) => {
      const body = bytes as BufferSource;
      // A redirect makes another request of it, whose answer is no acknowledgement of the batch.
      const request: RequestInit = { method: 'POST', headers: this.#headers, body, signal, redirect: 'manual' };
      const response = await this.#fetch(url, request);
      await response.body?.cancel();
      if (isRedirect(response)) throw redirected(url, response);
      if (response.ok) return;
      if (response.status === GAP) throw new LostCount();
      const error = statusError(response, url, this.#bounds.clock.now());
      if (REFUSED.includes(response.status)) throw new FeatureError('SINK_REFUSED', error.message);
      throw error;
    });
  }

  sendLast({ bytes, revision }: Batch): boolean {
    if (bytes.length > LARGEST_LAST) return false;
    const url = this.#url + revision;
    const body = new Blob([bytes as BufferSource], { type: BATCH_TYPE });
    // A beacon carries no headers of ours.
    if (Object.keys(this.#headers).length === 1 && host.beacon(url, body)) return true;
    const request = { method: 'POST', headers: this.#headers, body, keepalive: true };
    this.#fetch(url, request).catch(() => {});
    return true;
  }
}

/**
 * A browser shows a redirect that is not followed as an opaque answer, without status or headers. A `fetch` of the
 * application's own may follow it all the same.
 */
function isRedirect({ type, status, redirected }: Response): boolean {
  return redirected || type === 'opaqueredirect' || (status >= 300 && status < 400);
}

function redirected(url: string, { headers }: Response): FeatureError {
  const target = headers.get('location') ?? 'another address';
  return new FeatureError('SINK_FAILED', `${url} redirects to ${target}: give that address`);
}

/** The server does not know what came before: it counts this host anew. */
export class LostCount extends FeatureError {
  constructor() {
    super('SINK_FAILED', 'the server has lost count of this host, which begins anew');
  }
}

/** Calls a function with each batch. */
export function functionSink(take: (batch: Batch) => unknown): Sink {
  return {
    async send(batch) {
      await take(batch);
    },
  };
}
