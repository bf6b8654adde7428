/** Where somebody else has changed the same value meanwhile: both are shown, and one is chosen. */

import type { JSX } from 'preact';
import { meta } from '../../data/store.ts';
import { type Conflict, choose, conflicts } from '../../draft/rebase.ts';
import { en } from '../../words/en.ts';
import { valueWords } from './what.tsx';

const words = en.review;

function One({ conflict }: { conflict: Conflict }): JSX.Element {
  const path = conflict.path.join('.') || (meta.value?.document.name ?? '');
  const key = String(conflict.path.at(-1) ?? '');
  const isWhole = conflict.path.length === 0;
  return (
    <div class="row">
      <span>{words.conflictText(path)}</span>
      {!isWhole && (
        <span class="mono">
          {words.theirs(valueWords(key, conflict.theirs))} · {words.mine(valueWords(key, conflict.mine))}
        </span>
      )}
      <span class="end row tight">
        <button type="button" class="btn" onClick={() => choose(conflict, false)}>
          {words.takeTheirs}
        </button>
        <button type="button" class="btn" onClick={() => choose(conflict, true)}>
          {words.takeMine}
        </button>
      </span>
    </div>
  );
}

export function Conflicts(): JSX.Element | null {
  if (conflicts.value.length === 0) return null;
  return (
    <section class="panel banner" aria-label={words.conflict}>
      <h2>{words.conflict}</h2>
      {conflicts.value.map((conflict) => (
        <One key={conflict.path.join()} conflict={conflict} />
      ))}
    </section>
  );
}
