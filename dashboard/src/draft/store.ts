/**
 * The draft: a list of edits on a base revision, not a text, so that it can be put on top of what others publish. It is
 * kept in this browser; of users it has the ids in the document that somebody has edited, and nothing else.
 */

import type { DocumentEdit } from '@flcm/flags-web/compile';
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Path, Value } from '../engine.ts';
import type { Clash } from './merge.ts';

export type { Path, Value } from '../engine.ts';

export type Edit =
  | Extract<DocumentEdit, { readonly op: 'insert' | 'remove' | 'set' }>
  /** The text editor's: the whole text, on which the others are made. */
  | { readonly op: 'text'; readonly value: string };

/** Where somebody else has published another value since the draft's base. */
export interface Conflict {
  readonly path: Path;
  readonly theirs?: Value | undefined;
  readonly mine?: Value | undefined;
  /** Lines, where the draft is a text. */
  readonly clash?: Clash;
}

export interface Draft {
  /** The revision and digest that it is based on. */
  readonly revision: number;
  readonly digest: string;
  readonly edits: readonly Edit[];
  /** What a person has to choose before anything is published. */
  readonly conflicts?: readonly Conflict[];
}

const KEY = 'flcm.draft';

function stored(): Draft | undefined {
  try {
    const text = localStorage.getItem(KEY);
    return text ? (JSON.parse(text) as Draft) : undefined;
  } catch {
    return undefined;
  }
}

export const draft: Signal<Draft | undefined> = signal(stored());

effect(() => {
  if (draft.value) localStorage.setItem(KEY, JSON.stringify(draft.value));
  else localStorage.removeItem(KEY);
});

window.addEventListener('storage', ({ key }) => {
  if (key === KEY) draft.value = stored();
});

export const samePath = (a: Path, b: Path): boolean => a.length === b.length && a.every((part, at) => part === b[at]);

/** What an edit is about; an insertion is about the key that it adds. */
export function placeOf(edit: Edit): Path {
  if (edit.op === 'text') return [];
  return edit.op === 'insert' && edit.key !== undefined ? [...edit.path, edit.key] : edit.path;
}

/** Adds edits; a later one of the same place takes the place of the earlier, and a whole text that of all. */
export function change(base: { revision: number; digest: string }, ...edits: readonly Edit[]): void {
  const before = draft.value ?? { ...base, edits: [] };
  const kept = before.edits.filter(
    (old) => !edits.some((edit) => edit.op === 'text' || samePath(placeOf(old), placeOf(edit))),
  );
  draft.value = { ...before, edits: [...kept, ...edits] };
}

/** Takes back the edits of places that begin so. */
export function undo(prefix: Path): void {
  const before = draft.value;
  if (!before) return;
  const edits = before.edits.filter((edit) => !samePath(placeOf(edit).slice(0, prefix.length), prefix));
  draft.value = edits.length === 0 ? undefined : { ...before, edits };
}

export function discard(): void {
  draft.value = undefined;
}

/** The edits of one flag. */
export const editsOf = (key: string): readonly Edit[] =>
  draft.value?.edits.filter((edit) => placeOf(edit)[0] === 'flags' && placeOf(edit)[1] === key) ?? [];

/** The percentage that the draft sets for a flag. */
export function draftedPercentage(key: string): number | undefined {
  const place = ['flags', key, 'rollout', 'percentage'];
  const edit = draft.value?.edits.find((one) => one.op === 'set' && samePath(one.path, place));
  return edit?.op === 'set' ? Number(edit.value) : undefined;
}

/** Flags that the draft names. */
export const draftFlags: ReadonlySignal<readonly string[]> = computed(() => {
  const places = draft.value?.edits.map(placeOf) ?? [];
  return [...new Set(places.flatMap(([part, flag]) => (part === 'flags' && flag !== undefined ? [String(flag)] : [])))];
});
