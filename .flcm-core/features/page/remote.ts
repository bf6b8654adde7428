import type { PageSnapshot } from '@flcm/flags-web';
import { FeatureError } from '../errors.ts';
import { featureError } from '../events.ts';
import { statusError } from '../remote-config/request.ts';
import { Revisions } from '../remote-config/revisions.ts';
import { backOff, nextPoll, phaseOf } from '../schedule.ts';
import type { RemoteState } from '../types.ts';
import type { InUse } from './in-use.ts';
import { type Life, requestsTo, timerOf } from './life.ts';
import { parts, streamOf } from './stream.ts';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 300_000;

const SNAPSHOT_TYPE = 'application/vnd.flcm.snapshot';

/** The largest body that is taken in. */
const MOST_BYTES = 1 << 25;

/** Where flags come from. */
export interface PageRemote {
  /** How well what is in use is known to be the server's. */
  readonly state: RemoteState;
  /** Milliseconds since the server has confirmed what is in use; `undefined` if it never did. */
  readonly ageMs: number | undefined;
  /** Until the request that is under way has ended. */
  readonly settled: Promise<void>;
  /** Asks the server now. One request is under way at a time; whoever asks meanwhile waits for one more. */
  sync(): Promise<void>;
}

/** What `createFeatures` begins. */
export interface Opening extends PageRemote {
  /** Puts in use what is at hand, and asks. */
  open(): Promise<void>;
}

/** Follows a server, by the rules of `remote-config.ts`, which explains them. */
export function remoteOf(life: Life, inUse: InUse): Opening {
  const { clock, emit, fail, instance, pollIntervalMs, staleAfterMs, streamSpreadMs } = life;
  const name = `${life.url}flags`;
  const ask = requestsTo(life, 'flags', life.fetchTimeoutMs, 'no whole answer within');
  const revisions = new Revisions();
  let syncing: Promise<void> | undefined;
  let again = false;
  let missed: [digest: string, isNew: boolean] | undefined;
  let etag: string | undefined;
  let failures = 0;
  let hasRefetched = false;
  let confirmed: number | undefined;
  let state: RemoteState = 'initializing';
  let notBefore = 0;

  const ageMs = (): number | undefined => (confirmed === undefined ? undefined : clock.elapsed() - confirmed);

  const updateState = (): void => {
    const from = state;
    const age = ageMs();
    if (inUse.snapshot) state = age !== undefined && age < staleAfterMs ? 'fresh' : 'stale';
    else state = failures ? 'offline' : 'initializing';
    if (state === from) return;
    const event = { from, to: state, ageMs: age };
    emit('state', event);
    if (state === 'stale') emit('stale', event);
  };

  const judge = (next: bigint, used: bigint) => revisions.answered(next, used, clock.elapsed());

  /** Reads what the server gives: nothing when that is in use. */
  const read = async (response: Response): Promise<Uint8Array | undefined> => {
    const { headers, status } = response;
    if (status === 304 && etag) return undefined;
    if (status === 304) throw new FeatureError('NOT_MODIFIED', `${name} answered 304 to a request for everything`);
    if (status !== 200) throw statusError(response, name, clock.now());
    const body: BlobPart[] = [];
    let length = 0;
    await parts(response, (part) => {
      body.push(part as BlobPart);
      length += part.length;
      if (length > MOST_BYTES) throw new FeatureError('TOO_LARGE', `the body has more than ${MOST_BYTES} bytes`);
    });
    if (!length) throw new FeatureError('EMPTY', 'nothing is in the body');
    if (headers.get('content-type')?.startsWith('text/')) {
      throw new FeatureError('WRONG_TYPE', `${name} gave a text, and no flags: check \`url\``);
    }
    etag = headers.get('etag') ?? undefined;
    return new Uint8Array(await new Blob(body).arrayBuffer());
  };

  /** Takes what the server gives; answers whether it is something else. */
  const take = async (): Promise<boolean> => {
    const revision = inUse.snapshot?.revision;
    const headers = {
      accept: `${SNAPSHOT_TYPE}, */*;q=0.1`,
      ...(etag && { 'if-none-match': etag }),
      ...(revision && { 'flcm-revision': `${revision}` }),
    };
    // The engine is loaded meanwhile; what is wrong with it is reported when it is needed.
    inUse.open().catch(() => {});
    const bytes = await ask({ headers }, read);
    if (life.isClosed) throw new Error();
    return bytes !== undefined && inUse.use(bytes, judge);
  };

  const confirm = (changed: boolean): void => {
    // A listener may close everything meanwhile.
    if (life.isClosed) return;
    failures = 0;
    hasRefetched = false;
    confirmed = clock.elapsed();
    stale.set(staleAfterMs);
    if (life.stream) stream.retrySoon();
    updateState();
    const { digest, revision } = inUse.snapshot as PageSnapshot;
    emit('sync', { digest, revision, changed });
    const by = { wall: clock.now(), random: clock.random() };
    if (pollIntervalMs) poll.set(nextPoll(pollIntervalMs, phaseOf(instance), by));
  };

  const failed = (cause: unknown): void => {
    // Should anything fail, the next request asks for everything.
    etag = undefined;
    if (life.isClosed) return;
    const error = featureError('FETCH_FAILED', name, cause);
    failures++;
    updateState();
    fail(error);
    const first = inUse.snapshot ? Math.max(FIRST_WAIT, 2 * pollIntervalMs) : FIRST_WAIT;
    const isMisunderstood = error.code === 'NOT_MODIFIED' && !hasRefetched;
    hasRefetched ||= isMisunderstood;
    const wait = isMisunderstood ? 0 : backOff(failures, first, LONGEST_WAIT, clock.random());
    poll.set((error.retryAfterMs ?? 0) + wait);
  };

  const syncAll = async (): Promise<void> => {
    do {
      again = false;
      try {
        confirm(await take());
        if (!life.stream) await stream.readOnce();
      } catch (error) {
        failed(error);
      }
    } while (again && !failures && !life.isClosed);
    syncing = undefined;
    if (missed && !failures) announce(...missed);
    missed = undefined;
  };

  const sync = (): Promise<void> => {
    if (life.isClosed) return Promise.resolve();
    again = true;
    poll.set(Number.POSITIVE_INFINITY);
    syncing ??= syncAll();
    return syncing;
  };

  /** What is announced is fetched at a moment that chance gives, and not twice within the spread. */
  const announce = (digest: string, isNew: boolean): void => {
    if (life.isClosed || digest === inUse.snapshot?.digest) return;
    if (syncing) {
      missed = [digest, isNew];
      return;
    }
    const now = clock.elapsed();
    const spread = Math.max(streamSpreadMs, isNew ? 0 : pollIntervalMs);
    if (poll.at <= now + spread) return;
    const wait = Math.max(clock.random() * spread, notBefore - now);
    notBefore = now + wait + streamSpreadMs;
    poll.set(wait);
  };

  const poll = timerOf(life, sync);
  /** Timers may ring early: by a little, or by weeks where they take no longer delays. */
  const stale = timerOf(life, () => {
    updateState();
    if (state === 'fresh') stale.set(Math.max(1, staleAfterMs - (ageMs() ?? 0)));
  });
  const stream = streamOf(life, { snapshot: announce, trips: inUse.setFleet });

  return {
    get state() {
      return state;
    },
    get ageMs() {
      return ageMs();
    },
    get settled() {
      return syncing ?? Promise.resolve();
    },
    sync,
    open: async () => {
      void sync();
      if (life.stream) stream.open();
      if (!life.snapshot) return;
      await inUse.use(life.snapshot, judge).catch((error) => {
        if (error.code !== 'OLDER_REVISION') fail(error);
      });
      updateState();
    },
  };
}
