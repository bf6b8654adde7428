import type { Snapshot } from '@flcm/flags-web';
import { type Clock, sleep } from './clock.ts';
import { FeatureError } from './errors.ts';
import type { Events } from './events.ts';
import { follows, type RevisionCode } from './remote-config/follows.ts';
import { revisionText } from './remote-config/revisions.ts';
import type { ChangeEvent, Engine } from './types.ts';

/** How many flags are compared at a time: a fraction of a millisecond. */
const COMPARED = 256;

/** What follows the flags in use: takes over whatever it had on the snapshot before. */
export interface Follower {
  /** Answers what is to be done once the next snapshot is in use: listeners may decide, or hold a flag. */
  follow(next: Snapshot, before: Snapshot | undefined): (() => void) | undefined;
}

/** The snapshot in use. A better one replaces it whole, or nothing happens at all. */
export class InUse {
  snapshot: Snapshot | undefined;
  /** Its bytes. */
  bytes: Uint8Array = new Uint8Array();
  /** Another number whenever contexts must be bound again. */
  version = 0;
  /** What is decided by: nothing while the signature has expired of a host that is strict. */
  deciding: Snapshot | undefined;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #followers: Follower[] = [];
  #compared: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();

  constructor(engine: Engine, clock: Clock, events: Events) {
    this.#engine = engine;
    this.#clock = clock;
    this.#events = events;
  }

  /** The first to be added follows first. */
  follows(follower: Follower): void {
    this.#followers.push(follower);
  }

  /**
   * Puts a snapshot in use; answers whether it is another one.
   *
   * @param judge Whether its revision may follow the one in use.
   * @throws FeatureError `INVALID_SNAPSHOT`, `OLDER_REVISION` or `REVISION_JUMP`; what was in use stays.
   */
  use(bytes: Uint8Array, judge: (next: bigint, inUse: bigint) => RevisionCode | undefined = follows): boolean {
    const before = this.snapshot;
    const next = this.#load(bytes);
    const [revision, inUse] = [next.revision, before?.revision ?? 0n];
    const code = judge(revision, inUse);
    const error = code && new FeatureError(code, revisionText(code, revision, inUse));
    if (error && code !== 'REVISION_RESET') {
      next.free();
      throw error;
    }
    if (next.digest === before?.digest) {
      next.free();
      return false;
    }
    const then = this.#followers.map((follower) => follower.follow(next, before));
    this.snapshot = next;
    this.deciding = next;
    this.bytes = bytes;
    this.version++;
    for (const call of then) call?.();
    if (error) this.#events.error(error);
    this.#emitChange(next, before);
    return true;
  }

  /** Compares nothing any more; what is in use goes on deciding. */
  close(): void {
    this.#closing.abort();
  }

  #load(bytes: Uint8Array): Snapshot {
    try {
      return this.#engine.load(bytes);
    } catch (cause) {
      throw new FeatureError('INVALID_SNAPSHOT', (cause as Error).message, { cause });
    }
  }

  /** Emits what has changed, one update after the other, and frees the snapshot before. */
  #emitChange(next: Snapshot, before: Snapshot | undefined): void {
    const { digest: to, revision } = next;
    // In turn even if nobody listens: the update before may still be compared with what is let go here.
    this.#compared = this.#compared.then(async () => {
      const change = this.#events.has('change') ? await this.#compare(next, before) : undefined;
      const from = before?.digest;
      before?.free();
      if (change && !this.#closing.signal.aborted) this.#events.emit('change', { ...change, from, to, revision });
    });
  }

  /** `undefined` when the flags were closed meanwhile. */
  async #compare(
    next: Snapshot,
    before: Snapshot | undefined,
  ): Promise<Pick<ChangeEvent, 'flags' | 'removed'> | undefined> {
    const flags: string[] = [];
    const removed: string[] = [];
    const keep = (keys: string[], key: string | undefined) => key !== undefined && keys.push(key);
    for (let first = 0; first < Math.max(next.flagCount, before?.flagCount ?? 0); first += COMPARED) {
      if (first > 0) await sleep(this.#clock, 0, this.#closing.signal);
      if (this.#closing.signal.aborted) return undefined;
      const part = Array.from({ length: COMPARED }, (_, at) => first + at);
      const changed = before ? next.changedSince(before, first, COMPARED) : part;
      for (const flag of changed) keep(flags, next.flagKey(flag));
      for (const key of part.map((flag) => before?.flagKey(flag))) {
        if (key !== undefined && next.flag(key) < 0) removed.push(key);
      }
    }
    return { flags, removed };
  }
}
