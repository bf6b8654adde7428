import type { RevisionCode } from './follows.ts';

/** For so long a source must answer with older revisions until one of them is used: a day. */
const OLDER_FOR_MS = 86_400_000;

/** The message of a code: what stands ahead of the revision in use, and behind it. */
const TEXTS: Record<RevisionCode, [is: string, help: string]> = {
  OLDER_REVISION: ['is lower than', 'raise it, or wait for 24 hours'],
  REVISION_JUMP: ['is more than 2^32 above', 'lower it'],
  REVISION_RESET: ['replaces', 'the source has had nothing newer for 24 hours'],
};

/**
 * The answers of a source, by their revisions. The rules are those of the crate `flcm-flags-host`, where they are
 * explained; `tests/vectors/host` holds both to them.
 */
export class Revisions {
  /** Since when the source has answered with older revisions alone, to be stored. */
  olderSince: number | undefined;

  /**
   * The source has answered with a snapshot, of which {@link follows} says this. `now` is a time that does not jump; a
   * stored time that is still to come counts as now.
   */
  answered(code: RevisionCode | undefined, now: number): RevisionCode | undefined {
    this.olderSince = code === 'OLDER_REVISION' ? Math.min(this.olderSince ?? now, now) : undefined;
    if (now - (this.olderSince ?? now) < OLDER_FOR_MS) return code;
    this.olderSince = undefined;
    return 'REVISION_RESET';
  }
}

/** What is reported. */
export function revisionText(code: RevisionCode, next: bigint, inUse: bigint): string {
  const [is, help] = TEXTS[code];
  return `revision ${next} ${is} ${inUse} in use: ${help}`;
}
