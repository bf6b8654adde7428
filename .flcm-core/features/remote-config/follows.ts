/** What is to be reported of a revision: it is refused, or is in use although it is lower. */
export type RevisionCode = 'OLDER_REVISION' | 'REVISION_JUMP' | 'REVISION_RESET';

/** How far a revision may be above the one in use; above 0 where none is. */
const LARGEST_JUMP = 2n ** 32n;

/** Whether a snapshot may follow the one in use, wherever it comes from; 0 stands for none. Answers why it may not. */
export function follows(next: bigint, inUse: bigint): RevisionCode | undefined {
  if (next < inUse) return 'OLDER_REVISION';
  return next - inUse > LARGEST_JUMP ? 'REVISION_JUMP' : undefined;
}
