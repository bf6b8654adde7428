import { type Events, featureError } from '../events.ts';
import type { Store } from '../host/store.ts';
import type { FetchResult } from './source.ts';

const NAME = 'snapshot';

/** A snapshot and its ETag, stored as one value: an ETag is never there without its bytes. */
export interface StoredSnapshot extends FetchResult {
  readonly snapshot: Uint8Array;
  /** Since when the source has answered with older revisions alone, in milliseconds since 1970. */
  readonly olderSince?: number | undefined;
}

/**
 * The last good snapshot across a restart. What is stored was accepted by the engine, and is checked again when it is
 * read.
 */
export class SnapshotCache {
  readonly #store: Store;
  readonly #events: Events;
  /** Whose flags they are: those of another source are not ours. */
  readonly #source: string;
  #next: StoredSnapshot | undefined;
  /** Until then everything is written. */
  written: Promise<void> = Promise.resolve();

  constructor(store: Store, source: string, events: Events) {
    this.#store = store;
    this.#source = source;
    this.#events = events;
  }

  async get(): Promise<StoredSnapshot | undefined> {
    try {
      const bytes = await this.#store.get(NAME);
      return bytes && this.#parse(bytes);
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'stored flags cannot be read', error));
      return undefined;
    }
  }

  /** Stores a snapshot, which replaces the one before. */
  set(snapshot: StoredSnapshot): void {
    const waiting = this.#next !== undefined;
    this.#next = snapshot;
    if (!waiting) this.written = this.written.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const { snapshot, ...others } = this.#next as StoredSnapshot;
    this.#next = undefined;
    const head = new TextEncoder().encode(`${JSON.stringify({ version: 1, source: this.#source, ...others })}\n`);
    const bytes = new Uint8Array(head.length + snapshot.length);
    bytes.set(head);
    bytes.set(snapshot, head.length);
    try {
      await this.#store.set(NAME, bytes);
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'the flags in use cannot be stored', error));
    }
  }

  #parse(bytes: Uint8Array): StoredSnapshot | undefined {
    const end = bytes.indexOf(10);
    const { version, source, ...others } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, Math.max(0, end))));
    if (version !== 1) throw new Error(`version ${version} is not known`);
    return source === this.#source ? { snapshot: bytes.slice(end + 1), ...others } : undefined;
  }
}
