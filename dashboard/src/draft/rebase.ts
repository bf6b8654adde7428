/**
 * Puts the draft on top of what others have published meanwhile. An edit conflicts only where its own value was changed;
 * then both are shown, and a person chooses.
 */

import { effect, signal } from '@preact/signals';
import { getText } from '../data/http.ts';
import { base, type Text } from './document.ts';
import { isPathEdit, outlines, ownerOf, type PathEdit, valueAt } from './outlines.ts';
import { type Draft, draft, type Path, placeOf, samePath, type Value } from './store.ts';

export interface Conflict {
  readonly path: Path;
  readonly theirs: Value | undefined;
  readonly mine: Value | undefined;
}

/** What a person has to choose; empty when there is nothing. */
export const conflicts = signal<readonly Conflict[]>([]);
/** The revision onto which the draft was put by itself. */
export const movedTo = signal<number | undefined>(undefined);
export const rebaseFailure = signal<Error | undefined>(undefined);

const differs = (a: Value | undefined, b: Value | undefined): boolean => JSON.stringify(a) !== JSON.stringify(b);

async function conflictsOf(edits: readonly PathEdit[], before: string, after: string): Promise<Conflict[]> {
  const [old, fresh] = await Promise.all([outlines(before, edits), outlines(after, edits)]);
  return edits.flatMap((edit) => {
    const theirs = valueAt(fresh.get(ownerOf(edit)), placeOf(edit));
    const mine = edit.op === 'remove' ? undefined : edit.value;
    const changed = differs(valueAt(old.get(ownerOf(edit)), placeOf(edit)), theirs);
    return changed && differs(theirs, mine) ? [{ path: placeOf(edit), theirs, mine }] : [];
  });
}

function move(from: Draft, onto: Text, found: readonly Conflict[]): void {
  conflicts.value = found;
  movedTo.value = onto.revision;
  draft.value = { ...from, revision: onto.revision, digest: onto.digest };
}

async function rebase(from: Draft, onto: Text): Promise<void> {
  try {
    const before = await getText(`/revisions/${from.revision}`);
    // A whole text takes the place of everything, so whatever others changed is a conflict.
    const whole = from.edits.find((edit) => edit.op === 'text');
    const found = whole
      ? [{ path: [], theirs: undefined, mine: undefined }]
      : await conflictsOf(from.edits.filter(isPathEdit), before, onto.text);
    if (draft.value === from && base.value === onto) move(from, onto, found);
    rebaseFailure.value = undefined;
  } catch (error) {
    rebaseFailure.value = error as Error;
  }
}

effect(() => {
  const from = draft.value;
  const onto = base.value;
  if (!from || !onto || from.digest === onto.digest) return;
  // The draft may be newer than the text that this tab has.
  if (from.revision > onto.revision) return;
  void rebase(from, onto);
});

/** Chooses for one conflict: theirs drops the edit. */
export function choose(conflict: Conflict, mine: boolean): void {
  conflicts.value = conflicts.value.filter((other) => other !== conflict);
  const now = draft.value;
  if (mine || !now) return;
  const edits = now.edits.filter((edit) =>
    edit.op === 'text' ? conflict.path.length > 0 : !samePath(placeOf(edit), conflict.path),
  );
  draft.value = edits.length === 0 ? undefined : { ...now, edits };
}
