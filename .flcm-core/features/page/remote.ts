import type { PageSnapshot } from '@flcm/flags-web';
import type { FeatureError } from '../errors.ts';
import type { RemoteState } from '../types.ts';
import type { InUse } from './in-use.ts';
import type { Life, Timer } from './life.ts';

/** When what is loaded later is asked for again, if it could not be loaded. */
const LATER_AGAIN = 60_000;

/** Where flags come from. */
export interface PageRemote {
  /** How well what is in use is known to be the server's. */
  readonly state: RemoteState;
  /** Milliseconds since the server has confirmed what is in use; `undefined` if it never did. */
  readonly ageMs: number | undefined;
  /** Until the request that is under way has ended, and what follows from it was begun. */
  readonly settled: Promise<void>;
  /** Asks the server now. One request is under way at a time; whoever asks meanwhile waits for one more. */
  sync(): Promise<void>;
}

/** What other parts of a page's features see of it. */
export interface Remote extends PageRemote {
  /** The request that is under way. */
  syncing: Promise<void> | undefined;
  /** Called when it has ended. */
  ended: () => void;
  /** The media type of the last body. */
  mediaType: string | null;
  /** How many requests in a row have failed. */
  failures: number;
  /** When the server is asked next. */
  readonly poll: Timer;
  updateState(): void;
}

/** Asks a server, by the rules of `remote-config.ts`, which explains them. When it is asked again is loaded later. */
export function remoteOf(life: Life, inUse: InUse): Remote {
  const { clock, emit, fail, later, staleAfterMs } = life;
  const ask = life.requests('flags', life.fetchTimeoutMs);
  let again = false;
  let state: RemoteState = 'initializing';
  let confirmed: number | undefined;
  /** The ETag of what is in use; none while the server is to give everything anew. */
  let etag: string | null = null;

  /** Reads what the server gives: nothing when that is in use. What it refuses is judged later. */
  const read = async (response: Response): Promise<Uint8Array | undefined> => {
    if (response.status === 304 && etag) return undefined;
    if (response.status !== 200) throw response;
    const body = await response.arrayBuffer();
    etag = response.headers.get('etag');
    remote.mediaType = response.headers.get('content-type');
    return new Uint8Array(body);
  };

  /** Takes what the server gives; answers whether it is something else. */
  const take = async (): Promise<boolean> => {
    const revision = inUse.snapshot?.revision;
    // The engine is loaded meanwhile.
    inUse.engine().catch(() => {});
    const bytes = await ask(
      {
        headers: {
          accept: 'application/vnd.flcm.snapshot, */*;q=0.1',
          ...(etag && { 'if-none-match': etag }),
          ...(revision && { 'flcm-revision': `${revision}` }),
        },
      },
      read,
    );
    return !life.isClosed && bytes !== undefined && inUse.use(bytes);
  };

  const confirm = (changed: boolean): void => {
    confirmed = clock.elapsed();
    remote.failures = 0;
    remote.updateState();
    const { digest, revision } = inUse.snapshot as PageSnapshot;
    emit('sync', { digest, revision, changed });
  };

  const syncOnce = async (): Promise<void> => {
    again = false;
    try {
      const changed = await take();
      if (life.isClosed) return;
      confirm(changed);
    } catch (error) {
      // Should anything fail, the next request asks for everything.
      etag = null;
      if (life.isClosed) return;
      remote.failures++;
      remote.updateState();
      return (await later()).failed(error as FeatureError);
    }
    return (await later()).confirmed();
  };

  const syncAll = async (): Promise<void> => {
    do {
      await syncOnce().catch((error) => {
        fail(error);
        remote.poll.set(LATER_AGAIN);
      });
    } while (again && !remote.failures && !life.isClosed);
    remote.syncing = undefined;
    remote.ended();
  };

  const remote: Remote = {
    syncing: undefined,
    mediaType: null,
    failures: 0,
    ended: () => {},
    poll: life.timer(() => remote.sync()),
    updateState: () => {
      const from = state;
      const { ageMs } = remote;
      if (inUse.snapshot) state = ageMs !== undefined && ageMs < staleAfterMs ? 'fresh' : 'stale';
      else state = remote.failures ? 'offline' : from;
      if (state === from) return;
      const event = { from, to: state, ageMs };
      emit('state', event);
      if (state === 'stale') emit('stale', event);
    },
    get state() {
      return state;
    },
    get ageMs() {
      return confirmed === undefined ? undefined : clock.elapsed() - confirmed;
    },
    get settled() {
      return remote.syncing ?? Promise.resolve();
    },
    sync: () => {
      if (life.isClosed) return Promise.resolve();
      again = true;
      remote.poll.set(Number.POSITIVE_INFINITY);
      remote.syncing ??= syncAll();
      return remote.syncing;
    },
  };
  return remote;
}
