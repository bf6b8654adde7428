/** Where somebody else has changed the same meanwhile: both are shown, and one is chosen. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Clash } from '../../draft/merge.ts';
import { choose, conflicts } from '../../draft/rebase.ts';
import type { Conflict } from '../../draft/store.ts';
import { Link } from '../../ui/link.tsx';
import { en } from '../../words/en.ts';
import { valueWords } from './what.tsx';

const words = en.review;
const SHOWN = 12;

function Lines({ title, lines }: { title: string; lines: readonly string[] }): JSX.Element {
  return (
    <div class="inset">
      <span class="muted">{title}</span>
      <pre class="mono">{lines.length === 0 ? words.noLines : lines.slice(0, SHOWN).join('\n')}</pre>
      {lines.length > SHOWN && <span class="muted">{en.flags.more(lines.length - SHOWN)}</span>}
    </div>
  );
}

function Both({ clash }: { clash: Clash }): JSX.Element {
  return (
    <div class="halves">
      <Lines title={words.theirLines} lines={clash.theirs} />
      <Lines title={words.myLines} lines={clash.mine} />
    </div>
  );
}

/** What was changed by both, in a few words. */
function about({ path, clash }: Conflict): string {
  return clash ? words.conflictLines(clash.line + 1) : words.conflictText(path.join('.'));
}

function One({ conflict }: { conflict: Conflict }): JSX.Element {
  const [isGone, setGone] = useState(false);
  const { path, clash, theirs, mine } = conflict;
  const key = String(path.at(-1) ?? '');
  return (
    <section aria-label={about(conflict)}>
      <div class="row">
        <span>{about(conflict)}</span>
        {!clash && (
          <span class="mono">
            {words.theirs(valueWords(key, theirs))} · {words.mine(valueWords(key, mine))}
          </span>
        )}
        <span class="end row tight">
          <button type="button" class="btn" onClick={() => setGone(!choose(conflict, false))}>
            {words.takeTheirs}
          </button>
          <button type="button" class="btn" onClick={() => choose(conflict, true)}>
            {words.takeMine}
          </button>
        </span>
      </div>
      {clash && <Both clash={clash} />}
      {isGone && (
        <p class="notice" role="alert">
          {words.linesGone} <Link href="/text">{en.nav.text}</Link>
        </p>
      )}
    </section>
  );
}

export function Conflicts(): JSX.Element | null {
  if (conflicts.value.length === 0) return null;
  return (
    <section class="panel banner" aria-label={words.conflict}>
      <h2>{words.conflict}</h2>
      {conflicts.value.map((conflict) => (
        <One key={`${conflict.path.join()} ${conflict.clash?.line}`} conflict={conflict} />
      ))}
    </section>
  );
}
