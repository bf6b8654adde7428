import { FeatureError } from '../errors.ts';

/** What is to be reported of a revision: it is refused, or is in use although it is lower. */
export type RevisionCode = 'OLDER_REVISION' | 'REVISION_JUMP' | 'REVISION_RESET';

/** How far a revision may be above the one in use; above 0 where none is. */
const LARGEST_JUMP = 2n ** 32n;

/** For so long a source must answer with older revisions until one of them is used: a day. */
const OLDER_FOR_MS = 86_400_000;

/** The message of a code: what stands ahead of the revision in use, and behind it. */
const TEXTS: Record<RevisionCode, [is: string, help: string]> = {
  OLDER_REVISION: ['is lower than', 'raise it, or wait for 24 hours'],
  REVISION_JUMP: ['is more than 2^32 above', 'lower it'],
  REVISION_RESET: ['replaces', 'the source has had nothing newer for 24 hours'],
};

/** Whether a snapshot may follow the one in use, wherever it comes from; 0 stands for none. Answers why it may not. */
export function follows(next: bigint, inUse: bigint): RevisionCode | undefined {
  if (next < inUse) return 'OLDER_REVISION';
  return next - inUse > LARGEST_JUMP ? 'REVISION_JUMP' : undefined;
}

/**
 * The answers of a source, by their revisions. The rules are those of the crate `flcm-flags-host`, where they are
 * explained; `tests/vectors/host` holds both to them.
 */
export class Revisions {
  /** Since when the source has answered with older revisions alone, to be stored. */
  olderSince: number | undefined;

  /**
   * The source has answered with a snapshot. `now` is a time that does not jump; a stored time that is still to come
   * counts as now.
   */
  answered(next: bigint, inUse: bigint, now: number): RevisionCode | undefined {
    const code = follows(next, inUse);
    this.olderSince = code === 'OLDER_REVISION' ? Math.min(this.olderSince ?? now, now) : undefined;
    if (now - (this.olderSince ?? now) < OLDER_FOR_MS) return code;
    this.olderSince = undefined;
    return 'REVISION_RESET';
  }
}

export function revisionError(code: RevisionCode, next: bigint, inUse: bigint): FeatureError {
  const [is, help] = TEXTS[code];
  return new FeatureError(code, `revision ${next} ${is} ${inUse} in use: ${help}`);
}
