import type { PageEngine, PageSnapshot } from '@flcm/flags-web';
import { loadPage } from '../engine/page.ts';
import { causedBy } from '../events.ts';
import { follows } from '../remote-config/follows.ts';
import type { FleetState } from '../types.ts';
import type { Life } from './life.ts';

/** The snapshot in use, of the small engine or, where that has no room, of the full one. */
export interface InUse {
  snapshot: PageSnapshot | undefined;
  /** The bytes that it was made of. */
  source: Uint8Array;
  /** Another number whenever contexts must be bound again. */
  version: number;
  /** The fleet's state of each flag. */
  fleet: FleetState;
  /** Begins to load the engine, which is of use to all that comes. */
  engine(): Promise<PageEngine>;
  /**
   * Puts a snapshot in use; answers whether it is another one.
   *
   * @throws FeatureError What was in use stays.
   */
  use(bytes: Uint8Array): Promise<boolean>;
  /** Puts what was loaded in use. */
  put(next: PageSnapshot, bytes: Uint8Array): void;
  /** Sets the trips of the fleet on the snapshot: there are none before a stream was read. */
  setTrips(): void;
}

export function inUseOf({ engine: given, emit, fail, later }: Life): InUse {
  let loading: Promise<PageEngine> | undefined;

  const inUse: InUse = {
    snapshot: undefined,
    source: new Uint8Array(),
    version: 0,
    fleet: {},
    setTrips: () => {},
    engine: () => {
      const trapped = (cause: unknown) => fail(causedBy(cause, 'ENGINE_FAILED', 'the engine was replaced'));
      loading ??= (given ? Promise.resolve(given) : loadPage(trapped)).catch((cause) => {
        loading = undefined;
        throw causedBy(cause, 'ENGINE_FAILED', 'fallbacks are served');
      });
      return loading;
    },
    use: async (bytes) => {
      const engine = await inUse.engine();
      let next: PageSnapshot;
      try {
        next = engine.load(bytes);
      } catch (cause) {
        next = await (await later()).reload(bytes, cause);
      }
      const from = inUse.snapshot?.digest;
      const revision = inUse.snapshot?.revision ?? 0n;
      const code = follows(next.revision, revision);
      const reset = code && (await later()).judge(code, next.revision, revision);
      if (next.digest === from) return false;
      inUse.put(next, bytes);
      if (reset) fail(reset);
      emit('change', { flags: [], removed: [], from, to: next.digest, revision: next.revision });
      return true;
    },
    put: (next, bytes) => {
      inUse.snapshot = next;
      inUse.source = bytes;
      inUse.version++;
      inUse.setTrips();
    },
  };
  return inUse;
}
