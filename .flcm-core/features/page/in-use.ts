import type { Decision, Engine, FleetState, PageEngine, PageSnapshot, Snapshot } from '@flcm/flags-web';
import { loadFull, loadPage } from '../engine/page.ts';
import { FeatureError } from '../errors.ts';
import { causedBy, messageOf } from '../events.ts';
import { type RevisionCode, revisionError } from '../remote-config/revisions.ts';
import type { Settings } from './settings.ts';

/** A user of either engine. */
export interface AnyContext {
  decide(flag: number, now: number): number;
  decision(key: string, now: number): Decision;
}

/** The trips whose bits need no number. */
const TRIPS = ['clear', 'probing', 'off'];

/** The snapshot in use, of the small engine or, where that has no room, of the full one. */
export class PageInUse {
  snapshot: PageSnapshot | Snapshot | undefined;
  bytes: Uint8Array = new Uint8Array();
  /** Another number whenever contexts must be bound again. */
  version = 0;
  fleet: FleetState = {};
  readonly #settings: Settings;
  #engine: Promise<PageEngine | Engine> | undefined;
  #isFull = false;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Begins to load the engine, which is of use to all that comes. */
  open(): Promise<PageEngine | Engine> {
    const { engine, events } = this.#settings;
    const trapped = (cause: unknown) => events.error(causedBy(cause, 'ENGINE_FAILED', 'the engine was replaced'));
    this.#engine ??= (this.#isFull ? loadFull() : engine ? Promise.resolve(engine) : loadPage(trapped)).catch(
      (cause) => {
        this.#engine = undefined;
        throw causedBy(cause, 'ENGINE_FAILED', 'nothing decides, so fallbacks are served');
      },
    );
    return this.#engine;
  }

  /**
   * Puts a snapshot in use; answers whether it is another one.
   *
   * @throws FeatureError What was in use stays.
   */
  async use(bytes: Uint8Array, judge: (next: bigint, inUse: bigint) => RevisionCode | undefined): Promise<boolean> {
    const next = await this.#load(bytes);
    const { snapshot: before } = this;
    const inUse = before?.revision ?? 0n;
    const code = judge(next.revision, inUse);
    const error = code && revisionError(code, next.revision, inUse);
    if (error && code !== 'REVISION_RESET') throw error;
    if (next.digest === before?.digest) return false;
    const from = before?.digest;
    this.#put(next, bytes);
    const { events } = this.#settings;
    if (error) events.error(error);
    events.emit('change', { flags: [], removed: [], from, to: next.digest, revision: next.revision });
    return true;
  }

  /** Takes the state of the fleet, whole. */
  setFleet(fleet: FleetState): void {
    const keys = new Set([...Object.keys(this.fleet), ...Object.keys(fleet)]);
    this.fleet = fleet;
    for (const key of keys) this.#apply(key);
    const trips = Object.entries(fleet).flatMap(([key, { trip }]) => (trip === 'clear' ? [] : [[key, trip]]));
    this.#settings.events.emit('fleet', { trips: Object.freeze(Object.fromEntries(trips)) });
  }

  /** Something was too large for the small engine. */
  async enlarge(): Promise<void> {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#engine = undefined;
    if (this.snapshot) this.#put(await this.#load(this.bytes), this.bytes);
  }

  #put(next: PageSnapshot | Snapshot, bytes: Uint8Array): void {
    const { snapshot: before } = this;
    this.snapshot = next;
    if (before && 'free' in before) before.free();
    this.bytes = bytes;
    this.version++;
    for (const key of Object.keys(this.fleet)) this.#apply(key);
  }

  async #load(bytes: Uint8Array): Promise<PageSnapshot | Snapshot> {
    const engine = await this.open();
    try {
      return engine.load(bytes);
    } catch (cause) {
      if ((cause as FeatureError).code !== 'TOO_LARGE' || this.#isFull) {
        throw new FeatureError('INVALID_SNAPSHOT', messageOf(cause), { cause });
      }
    }
    await this.enlarge();
    return this.#load(bytes);
  }

  #apply(key: string): void {
    const { snapshot } = this;
    const { trip = 'clear' } = this.fleet[key] ?? {};
    if (snapshot === undefined) return;
    if ('breakers' in snapshot) {
      const flag = snapshot.flag(key);
      if (flag >= 0) snapshot.setTrip(flag, trip);
      return;
    }
    const at = TRIPS.indexOf(trip);
    snapshot.setTrip(key, at < 0 ? 3 | (Number(trip.slice(7)) << 2) : at);
  }
}
