/** The document of the revision in use, and the one that the draft makes of it. */

import { computed, effect, signal } from '@preact/signals';
import { getText } from '../data/http.ts';
import { overview } from '../data/store.ts';
import { engine } from '../engine/client.ts';
import type { Declined, EditAnswer } from '../engine.ts';
import { type Draft, draft, type Edit } from './store.ts';

export interface Text {
  readonly revision: number;
  readonly digest: string;
  readonly text: string;
}

/** The text of the revision in use; fetched only once something asks for it. */
export const base = signal<Text | undefined>(undefined);
export const baseFailure = signal<Error | undefined>(undefined);

const wanted = signal(false);
const inUse = computed(() => (overview.value ? `${overview.value.revision} ${overview.value.digest}` : ''));

export function wantBase(): void {
  wanted.value = true;
}

async function load(revision: number, digest: string): Promise<void> {
  try {
    const text = await getText(`/revisions/${revision}`);
    if (overview.value?.revision === revision) base.value = { revision, digest, text };
    baseFailure.value = undefined;
  } catch (error) {
    baseFailure.value = error as Error;
  }
}

effect(() => {
  if (!wanted.value || inUse.value === '') return;
  const [revision = '', digest = ''] = inUse.value.split(' ');
  void load(Number(revision), digest);
});

/** What the other edits are made on: the text of the text editor, if the draft has one. */
export const ground = computed<string | undefined>(() => {
  const whole = draft.value?.edits.find(({ op }) => op === 'text');
  return whole?.op === 'text' ? whole.value : base.value?.text;
});

/** What the edits make of a text. */
export async function apply(text: string, edits: readonly Edit[]): Promise<EditAnswer> {
  const whole = edits.find((edit) => edit.op === 'text');
  const onto = whole?.op === 'text' ? whole.value : text;
  const rest = edits.filter(({ op }) => op !== 'text');
  return rest.length === 0 ? { text: onto, changed: [] } : engine().edit(onto, rest);
}

export interface Drafted {
  readonly base: Text;
  /** What it was made of. */
  readonly edits: readonly Edit[];
  readonly text: string | undefined;
  /** Why an edit cannot be made. */
  readonly declined: string | undefined;
}

/** The draft's text on the newest revision. Behind by the time that the engine takes. */
export const drafted = signal<Drafted | undefined>(undefined);

/** Why it cannot be made, and what to do. */
export const sentence = ({ message, help }: Declined): string => `${message}; ${help}`;

/** The draft that a text is of: only if the text has all of it, and both are on the same revision. */
export function draftOf(text: string): Draft | undefined {
  const [made, now] = [drafted.value, draft.value];
  return now && made?.text === text && made.edits === now.edits && made.base.digest === now.digest ? now : undefined;
}

let turn = 0;

effect(() => {
  const onto = base.value;
  const edits = draft.value?.edits ?? [];
  turn += 1;
  const mine = turn;
  if (!onto) return;
  if (edits.length === 0) {
    drafted.value = { base: onto, edits, text: onto.text, declined: undefined };
    return;
  }
  apply(onto.text, edits).then(
    (edited) => {
      if (mine !== turn) return;
      drafted.value =
        'text' in edited
          ? { base: onto, edits, text: edited.text, declined: undefined }
          : { base: onto, edits, text: undefined, declined: sentence(edited.declined) };
    },
    (error: Error) => {
      if (mine === turn) drafted.value = { base: onto, edits, text: undefined, declined: error.message };
    },
  );
});
