/**
 * What a page needs once it has decided, or where it could not: when the server is asked again, its stream, sending of
 * counts, and what is reported of an answer that is refused.
 *
 * It is a file of its own, which is loaded after the first answer. It imports nothing that is loaded before: bundlers
 * would make a third file of what both have in common. `Life` brings that along.
 */

import type { PageSnapshot } from '@flcm/flags-web';
import type { FeatureError } from '../errors.ts';
import type { RevisionCode } from '../remote-config/follows.ts';
import { Revisions, revisionText } from '../remote-config/revisions.ts';
import { numberOf } from '../schedule.ts';
import type { Counts } from './counts.ts';
import type { InUse } from './in-use.ts';
import { fleetOf } from './later/fleet.ts';
import { pollsOf } from './later/polls.ts';
import { sendingOf } from './later/sending.ts';
import { streamOf } from './later/stream.ts';
import type { Life } from './life.ts';
import type { Remote } from './remote.ts';

/** The parts that are there already. */
export interface Begun {
  readonly life: Life;
  readonly inUse: InUse;
  readonly remote: Remote;
  readonly counts: Counts;
}

/** What is called by those. */
export interface Later {
  /** The server has confirmed what is in use. */
  confirmed(): Promise<void> | undefined;
  /** It was asked in vain. */
  failed(error: FeatureError): void;
  /** Whether a revision that may not follow is used all the same, and what is reported then. @throws FeatureError */
  judge(code: RevisionCode, next: bigint, inUse: bigint): FeatureError;
  /** Loads what the engine has refused, where another one takes it. @throws FeatureError */
  reload(bytes: Uint8Array, cause: unknown): Promise<PageSnapshot>;
  /** Something was too large for the small engine: the full one takes its place. */
  enlarge(): Promise<void>;
  /** Sends what was counted. */
  flush(): Promise<void>;
}

export function laterOf({ life, inUse, remote, counts }: Begun): Later {
  const { causedBy, clock, FeatureError } = life;
  if (life.instance < 0) life.instance = numberOf(clock.random());
  const polls = pollsOf(life, inUse, remote);
  const stream = streamOf(life, { snapshot: polls.announce, trips: fleetOf(life, inUse) });
  const revisions = new Revisions();
  let isLarge = false;

  const load = async (bytes: Uint8Array): Promise<PageSnapshot> => {
    if (!isLarge) {
      isLarge = true;
      const large = import('./later/large.ts').then(({ loadLarge }) => loadLarge());
      inUse.engine = () => large;
    }
    return (await inUse.engine()).load(bytes);
  };

  if (life.stream) stream.open();
  return {
    confirmed: () => {
      revisions.answered(undefined, 0);
      polls.confirmed();
      if (!life.stream) return stream.readOnce();
      stream.retrySoon();
      return undefined;
    },
    failed: polls.failed,
    judge: (code, next, used) => {
      const judged = revisions.answered(code, clock.elapsed()) ?? code;
      const error = new FeatureError(judged, revisionText(judged, next, used));
      if (judged !== 'REVISION_RESET') throw error;
      return error;
    },
    reload: async (bytes, cause) => {
      if (!bytes.length) throw new FeatureError('EMPTY', 'nothing is in the body');
      if (remote.mediaType?.startsWith('text/')) {
        throw new FeatureError('WRONG_TYPE', `${life.url}flags gave a text, and no flags: check \`url\``);
      }
      const { code } = cause as FeatureError;
      if (isLarge || code !== 'TOO_LARGE') throw causedBy(cause, 'INVALID_SNAPSHOT', 'what was given is not used');
      return load(bytes);
    },
    enlarge: async () => {
      if (!isLarge) inUse.put(await load(inUse.source), inUse.source);
    },
    flush: sendingOf(life, counts),
  };
}
