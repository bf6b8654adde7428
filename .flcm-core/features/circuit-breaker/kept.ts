import type { TripState } from '@flcm/flags-web';
import { type Events, featureError } from '../events.ts';
import type { Store } from '../host/store.ts';

const NAME = 'breakers';

/** What is written: everything by flag key. */
interface Written {
  readonly version: 1;
  readonly breakers: Readonly<Record<string, string>>;
  readonly held: readonly string[];
  readonly fleet: Readonly<Record<string, string>>;
}

const NOTHING: Written = { version: 1, breakers: {}, held: [], fleet: {} };

/**
 * Breakers, holds and the fleet's trips across a restart. Hosts that share a store add to it: a host writes only what has happened to it,
 * over what is there.
 */
export class BreakerStore {
  /** Those of flags to which something happened, as the engine saves them. */
  readonly breakers: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  /** Flags that a person holds. */
  readonly held: Set<string> = new Set<string>();
  /** What the fleet said last. */
  fleet: ReadonlyMap<string, TripState> = new Map();
  /** Until then everything is written. */
  written: Promise<void> = Promise.resolve();
  readonly #store: Store | undefined;
  readonly #events: Events;
  /** What has happened here since it was written last. */
  readonly #unwritten = { breakers: new Map<string, Uint8Array>(), held: new Map<string, boolean>() };
  /** Whether the fleet was heard here: before, another host knows better. */
  #heard = false;
  #waiting = false;

  constructor(store: Store | undefined, events: Events) {
    this.#store = store;
    this.#events = events;
  }

  async open(): Promise<void> {
    try {
      const written = await this.#read();
      for (const [flag, text] of Object.entries(written.breakers)) this.breakers.set(flag, fromBase64(text));
      for (const flag of written.held) this.held.add(flag);
      this.fleet = new Map(Object.entries(written.fleet) as [string, TripState][]);
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'breakers that were kept cannot be read', error));
    }
  }

  keep(flag: string, bytes: Uint8Array): void {
    this.#unwritten.breakers.set(flag, bytes);
    this.#write();
  }

  keepHeld(flag: string, held: boolean): void {
    if (held === this.held.has(flag)) return;
    if (held) this.held.add(flag);
    else this.held.delete(flag);
    this.#unwritten.held.set(flag, held);
    this.#write();
  }

  keepFleet(fleet: ReadonlyMap<string, TripState>): void {
    this.fleet = fleet;
    this.#heard = true;
    this.#write();
  }

  async #read(): Promise<Written> {
    const bytes = await this.#store?.get(NAME);
    if (bytes === undefined) return NOTHING;
    const written: Written = JSON.parse(new TextDecoder().decode(bytes));
    if (written.version !== 1) throw new Error(`version ${written.version} is not known`);
    const { breakers, held, fleet } = written;
    if (![breakers, held, fleet].every((part) => part instanceof Object)) throw new Error('a part of it is missing');
    if (!Array.isArray(held)) throw new Error('what is held is no list');
    return written;
  }

  /** One writing at a time; what happens meanwhile is written with the next. */
  #write(): void {
    if (this.#store === undefined || this.#waiting) return;
    this.#waiting = true;
    this.written = this.written.then(async () => {
      this.#waiting = false;
      try {
        await this.#writeNow(this.#store as Store);
      } catch (error) {
        this.#events.error(featureError('CACHE_FAILED', 'breakers cannot be kept', error));
      }
    });
  }

  async #writeNow(store: Store): Promise<void> {
    const there = await this.#read().catch(() => NOTHING);
    const mine = { breakers: new Map(this.#unwritten.breakers), held: new Map(this.#unwritten.held) };
    const saved = [...mine.breakers].map(([flag, bytes]) => [flag, toBase64(bytes)]);
    const held = new Set(there.held);
    for (const [flag, holds] of mine.held) holds ? held.add(flag) : held.delete(flag);
    const written: Written = {
      version: 1,
      breakers: { ...there.breakers, ...Object.fromEntries(saved) },
      held: [...held],
      fleet: this.#heard ? Object.fromEntries(this.fleet) : there.fleet,
    };
    await store.set(NAME, new TextEncoder().encode(JSON.stringify(written)));
    // What is there is not ours to say any more: another host may go on with it.
    forget(this.#unwritten.breakers, mine.breakers);
    forget(this.#unwritten.held, mine.held);
  }
}

/** Takes out of a map what is still as it was. */
function forget<V>(map: Map<string, V>, was: ReadonlyMap<string, V>): void {
  for (const [key, value] of was) if (map.get(key) === value) map.delete(key);
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
