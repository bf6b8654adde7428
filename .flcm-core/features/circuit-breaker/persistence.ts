import type { TripState } from '@flcm/flags-web';
import { type Events, featureError } from '../events.ts';
import type { Store } from '../host/store.ts';
import { isTrip } from '../overrides.ts';

const FILE = 'breakers';
const HEADER = 'flcm-host-state 1';

/** What survives a restart, by flag key. */
export interface PersistedState {
  /** Breakers of flags to which something has happened, as the engine saves them. */
  readonly breakers: Map<string, Uint8Array>;
  /** The fleet's trips that are not clear. */
  readonly fleet: Map<string, TripState>;
  /** Flags that an operator holds. */
  readonly held: Set<string>;
}

/** Changes that are not in the file yet. */
export interface PendingWrites {
  readonly breakers: Map<string, Uint8Array>;
  /** The fleet's trips, once this host has received them: until then what another host has stored stands. */
  fleet?: ReadonlyMap<string, TripState>;
  readonly held: Map<string, boolean>;
}

/**
 * Breakers, holds and the fleet's trips across a restart. Hosts that share a store add to it: a host writes only what
 * has happened to it, over what is there. The rules and the format are those of the crate `flcm-flags-host`;
 * `tests/vectors/host` holds both to them.
 */
export class Persistence {
  /** What was stored before the start. */
  stored: PersistedState = parsePersistedState(undefined);
  /** Until then everything is written. */
  written: Promise<void> = Promise.resolve();
  readonly #store: Store | undefined;
  readonly #events: Events;
  #pending: PendingWrites = { breakers: new Map(), held: new Map() };
  #waiting = false;

  constructor(store: Store | undefined, events: Events) {
    this.#store = store;
    this.#events = events;
  }

  async open(): Promise<void> {
    try {
      this.stored = parsePersistedState(await this.#store?.get(FILE));
    } catch (error) {
      this.#events.error(featureError('CACHE_FAILED', 'stored breakers cannot be read', error));
    }
  }

  /** A breaker has changed. */
  breaker(flag: string, bytes: Uint8Array): void {
    this.#pending.breakers.set(flag, bytes);
    this.#write();
  }

  /** A hold has begun or ended. */
  held(flag: string, held: boolean): void {
    this.#pending.held.set(flag, held);
    this.#write();
  }

  /** The fleet's trips have changed. */
  fleet(trips: ReadonlyMap<string, TripState>): void {
    this.#pending.fleet = trips;
    this.#write();
  }

  /** One write at a time; what happens meanwhile is written with the next. */
  #write(): void {
    if (this.#store === undefined || this.#waiting) return;
    const store = this.#store;
    this.#waiting = true;
    this.written = this.written.then(async () => {
      this.#waiting = false;
      const writing = this.#pending;
      this.#pending = { breakers: new Map(), held: new Map() };
      try {
        await store.set(FILE, withWrites(await store.get(FILE), writing));
      } catch (error) {
        this.#pending = newerOf(writing, this.#pending);
        this.#events.error(featureError('CACHE_FAILED', 'breakers cannot be stored', error));
      }
    });
  }
}

/** Changes, and newer ones, which replace them. */
function newerOf(writing: PendingWrites, pending: PendingWrites): PendingWrites {
  const fleet = pending.fleet ?? writing.fleet;
  return {
    breakers: new Map([...writing.breakers, ...pending.breakers]),
    held: new Map([...writing.held, ...pending.held]),
    ...(fleet && { fleet }),
  };
}

/** The new contents of the file, made of those that are there; a file that cannot be read is replaced. */
export function withWrites(existing: Uint8Array | undefined, writes: PendingWrites): Uint8Array {
  let state: PersistedState;
  try {
    state = parsePersistedState(existing);
  } catch {
    state = parsePersistedState(undefined);
  }
  const breakers = new Map([...state.breakers, ...writes.breakers]);
  for (const [flag, holds] of writes.held) holds ? state.held.add(flag) : state.held.delete(flag);
  let file = `${HEADER}\n`;
  const write = (kind: string, value: string, flag: string) => {
    // No flag can have such a key. A server could damage the file with it.
    if (!/\p{Cc}/u.test(flag)) file += `${kind} ${value}\t${flag}\n`;
  };
  for (const [flag, bytes] of breakers) write('breaker', toHex(bytes), flag);
  for (const [flag, trip] of writes.fleet ?? state.fleet) write('fleet', trip, flag);
  for (const flag of state.held) write('held', '', flag);
  return new TextEncoder().encode(file);
}

/** @throws Error What is wrong with a file. */
export function parsePersistedState(file: Uint8Array | undefined): PersistedState {
  const state: PersistedState = { breakers: new Map(), fleet: new Map(), held: new Set() };
  if (file === undefined) return state;
  const [header, ...lines] = new TextDecoder('utf-8', { fatal: true }).decode(file).split('\n');
  if (header !== HEADER) throw new Error(`it does not begin with \`${HEADER}\``);
  for (const line of lines.filter(Boolean)) {
    const [, kind, value = '', flag = ''] = /^(breaker|fleet|held) ([^\t]*)\t(.*)$/.exec(line) ?? [];
    if (kind === 'breaker' && /^([\da-f]{2})*$/.test(value)) state.breakers.set(flag, fromHex(value));
    else if (kind === 'fleet' && isTrip(value)) state.fleet.set(flag, value);
    else if (kind === 'held') state.held.add(flag);
    else throw new Error('one of its lines cannot be read');
  }
  return state;
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
