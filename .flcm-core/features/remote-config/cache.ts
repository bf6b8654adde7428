import { type Events, featureError } from '../events.ts';
import type { Store } from '../host/store.ts';

const NAME = 'snapshot';

/** A snapshot and what is known of it, kept as one value: a mark is never there without the bytes that it speaks of. */
export interface Kept {
  readonly snapshot: Uint8Array;
  readonly etag: string | undefined;
}

/** The last good snapshot across a restart. What is kept was accepted by the engine, and is checked again when it is read. */
export class SnapshotCache {
  readonly #store: Store;
  readonly #events: Events;
  /** Whose flags they are: those of another source are not ours. */
  readonly #source: string;
  #next: Kept | undefined;
  /** Until then everything is written. */
  written: Promise<void> = Promise.resolve();

  constructor(store: Store, source: string, events: Events) {
    this.#store = store;
    this.#source = source;
    this.#events = events;
  }

  async get(): Promise<Kept | undefined> {
    try {
      const bytes = await this.#store.get(NAME);
      return bytes && this.#parse(bytes);
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'flags that were kept cannot be read', error));
      return undefined;
    }
  }

  /** Keeps a snapshot in place of the one before. */
  set(kept: Kept): void {
    const waiting = this.#next !== undefined;
    this.#next = kept;
    if (!waiting) this.written = this.written.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const { snapshot, etag } = this.#next as Kept;
    this.#next = undefined;
    const head = new TextEncoder().encode(`${JSON.stringify({ version: 1, source: this.#source, etag })}\n`);
    const bytes = new Uint8Array(head.length + snapshot.length);
    bytes.set(head);
    bytes.set(snapshot, head.length);
    try {
      await this.#store.set(NAME, bytes);
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'the flags in use cannot be kept', error));
    }
  }

  #parse(bytes: Uint8Array): Kept | undefined {
    const end = bytes.indexOf(10);
    const { version, source, etag } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, Math.max(0, end))));
    if (version !== 1) throw new Error(`version ${version} is not known`);
    return source === this.#source ? { snapshot: bytes.slice(end + 1), etag } : undefined;
  }
}
