/**
 * Puts the draft on top of what others have published meanwhile. An edit conflicts only where its own value was
 * changed, and a text where the same lines were; then both are shown, and a person chooses.
 */

import { computed, effect, signal } from '@preact/signals';
import { getText } from '../data/http.ts';
import { base, type Text } from './document.ts';
import { type Merged, merge, takeTheirs } from './merge.ts';
import { isPathEdit, outlines, ownerOf, type PathEdit, valueAt } from './outlines.ts';
import { type Conflict, type Draft, draft, type Edit, placeOf, samePath, type Value } from './store.ts';

/** What a person has to choose; empty when there is nothing. It is kept with the draft: no reload forgets it. */
export const conflicts = computed<readonly Conflict[]>(() => {
  const { edits = [], conflicts: found = [] } = draft.value ?? {};
  // An edit that was taken back has no conflict.
  return found.filter(({ path, clash }) => clash || edits.some((edit) => samePath(placeOf(edit), path)));
});
/** The revision onto which the draft was put by itself. */
export const movedTo = signal<number | undefined>(undefined);
export const rebaseFailure = signal<Error | undefined>(undefined);

const differs = (a: Value | undefined, b: Value | undefined): boolean => JSON.stringify(a) !== JSON.stringify(b);

async function conflictsOf(edits: readonly PathEdit[], older: string, newer: string): Promise<Conflict[]> {
  const [old, fresh] = await Promise.all([outlines(older, edits), outlines(newer, edits)]);
  return edits.flatMap((edit): readonly Conflict[] => {
    const [theirs, before] = [fresh, old].map((one) => valueAt(one.get(ownerOf(edit)), placeOf(edit)));
    const mine = edit.op === 'remove' ? undefined : edit.value;
    return differs(before, theirs) && differs(theirs, mine) ? [{ path: placeOf(edit), theirs, mine }] : [];
  });
}

/** The edits with the merged text in the place of mine; without it, if it is what they have. */
function withText(edits: readonly Edit[], merged: Merged | undefined, onto: Text): readonly Edit[] {
  if (!merged) return edits;
  const isSame = merged.text === onto.text;
  return edits.flatMap((edit): readonly Edit[] => {
    if (edit.op !== 'text') return [edit];
    return isSame ? [] : [{ op: 'text', value: merged.text }];
  });
}

const isOf = (conflict: Conflict) => (other: Conflict) =>
  !conflict.clash && !other.clash && samePath(conflict.path, other.path);

function move(from: Draft, onto: Text, merged: Merged | undefined, found: readonly Conflict[]): void {
  const edits = withText(from.edits, merged, onto);
  const clashes = merged?.clashes.map((clash) => ({ path: [], clash })) ?? [];
  // What was not chosen yet is still to be chosen.
  const earlier = from.conflicts?.filter((old) => !found.some(isOf(old))) ?? [];
  movedTo.value = onto.revision;
  const all = [...earlier, ...found, ...clashes];
  draft.value =
    edits.length === 0 ? undefined : { revision: onto.revision, digest: onto.digest, edits, conflicts: all };
}

async function rebase(from: Draft, onto: Text): Promise<void> {
  try {
    const before = await getText(`/revisions/${from.revision}`);
    const whole = from.edits.find((edit) => edit.op === 'text');
    const merged = whole?.op === 'text' ? merge(before, whole.value, onto.text) : undefined;
    const found = await conflictsOf(from.edits.filter(isPathEdit), before, onto.text);
    if (draft.value === from && base.value === onto) move(from, onto, merged, found);
    rebaseFailure.value = undefined;
  } catch (error) {
    rebaseFailure.value = error as Error;
  }
}

/** Puts the draft on the revision in use, if it is not there yet. */
export function catchUp(): void {
  const from = draft.value;
  const onto = base.value;
  // The draft may be newer than the text that this tab has.
  if (from && onto && from.digest !== onto.digest && from.revision <= onto.revision) void rebase(from, onto);
  else rebaseFailure.value = undefined;
}

effect(catchUp);

/** The edits with theirs in the place of mine; `undefined` where mine are not there any more. */
function withTheirs(edits: readonly Edit[], { path, clash }: Conflict): readonly Edit[] | undefined {
  if (!clash) return edits.filter((edit) => edit.op === 'text' || !samePath(placeOf(edit), path));
  const whole = edits.find((edit) => edit.op === 'text');
  const value = whole?.op === 'text' ? takeTheirs(whole.value, clash) : undefined;
  return value === undefined ? undefined : edits.map((edit) => (edit.op === 'text' ? { ...edit, value } : edit));
}

/** Chooses for one conflict; answers whether that was possible. */
export function choose(conflict: Conflict, mine: boolean): boolean {
  const now = draft.value;
  if (!now) return true;
  const edits = mine ? now.edits : withTheirs(now.edits, conflict);
  if (!edits) return false;
  const rest = now.conflicts?.filter((other) => other !== conflict) ?? [];
  draft.value = edits.length === 0 ? undefined : { ...now, edits, conflicts: rest };
  return true;
}
