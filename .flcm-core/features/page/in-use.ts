import type { FleetState, PageEngine, PageSnapshot } from '@flcm/flags-web';
import { loadPage } from '../engine/page.ts';
import { FeatureError } from '../errors.ts';
import { causedBy, messageOf } from '../events.ts';
import { type RevisionCode, revisionError } from '../remote-config/revisions.ts';
import type { Life } from './life.ts';

/** The trips whose bits need no number. */
const TRIPS = ['clear', 'probing', 'off'];

/** The snapshot in use, of the small engine or, where that has no room, of the full one. */
export interface InUse {
  snapshot: PageSnapshot | undefined;
  /** Another number whenever contexts must be bound again. */
  version: number;
  /** The fleet's state of each flag. */
  fleet: FleetState;
  /** Begins to load the engine, which is of use to all that comes. */
  open(): Promise<PageEngine>;
  /**
   * Puts a snapshot in use; answers whether it is another one.
   *
   * @throws FeatureError What was in use stays.
   */
  use(bytes: Uint8Array, judge: (next: bigint, inUse: bigint) => RevisionCode | undefined): Promise<boolean>;
  /** Takes the state of the fleet, whole. */
  setFleet(fleet: FleetState): void;
  /** Something was too large for the small engine: the full one takes its place. */
  enlarge(): Promise<void>;
}

export function inUseOf({ engine: given, emit, fail }: Life): InUse {
  let engine: Promise<PageEngine> | undefined;
  let isLarge = false;
  let bytes: Uint8Array;

  const trapped = (cause: unknown) => fail(causedBy(cause, 'ENGINE_FAILED', 'the engine was replaced'));
  const loadLarge = async () => (await import('./large.ts')).loadLarge();

  const setTrip = (key: string): void => {
    const { trip = 'clear' } = inUse.fleet[key] ?? {};
    const at = TRIPS.indexOf(trip);
    inUse.snapshot?.setTrip(key, at < 0 ? 3 | (Number(trip.slice(7)) << 2) : at);
  };

  const put = (next: PageSnapshot): void => {
    inUse.snapshot = next;
    inUse.version++;
    Object.keys(inUse.fleet).forEach(setTrip);
  };

  const load = async (of: Uint8Array): Promise<PageSnapshot> => {
    const loaded = await inUse.open();
    try {
      return loaded.load(of);
    } catch (cause) {
      if (isLarge || (cause as FeatureError).code !== 'TOO_LARGE') {
        throw new FeatureError('INVALID_SNAPSHOT', messageOf(cause), { cause });
      }
    }
    await inUse.enlarge();
    return load(of);
  };

  const inUse: InUse = {
    snapshot: undefined,
    version: 0,
    fleet: {},
    open: () => {
      engine ??= (isLarge ? loadLarge() : given ? Promise.resolve(given) : loadPage(trapped)).catch((cause) => {
        engine = undefined;
        throw causedBy(cause, 'ENGINE_FAILED', 'fallbacks are served');
      });
      return engine;
    },
    use: async (next, judge) => {
      const loaded = await load(next);
      const { snapshot: before } = inUse;
      const revision = before?.revision ?? 0n;
      const code = judge(loaded.revision, revision);
      const error = code && revisionError(code, loaded.revision, revision);
      if (error && code !== 'REVISION_RESET') throw error;
      const { digest: to } = loaded;
      const from = before?.digest;
      if (to === from) return false;
      bytes = next;
      put(loaded);
      if (error) fail(error);
      emit('change', { flags: [], removed: [], from, to, revision: loaded.revision });
      return true;
    },
    setFleet: (fleet) => {
      const keys = Object.keys({ ...inUse.fleet, ...fleet });
      inUse.fleet = fleet;
      keys.forEach(setTrip);
      const trips = Object.entries(fleet).flatMap(([key, { trip }]) => (trip === 'clear' ? [] : [[key, trip]]));
      emit('fleet', { trips: Object.freeze(Object.fromEntries(trips)) });
    },
    enlarge: async () => {
      if (isLarge) return;
      isLarge = true;
      engine = undefined;
      if (inUse.snapshot) put(await load(bytes));
    },
  };
  return inUse;
}
