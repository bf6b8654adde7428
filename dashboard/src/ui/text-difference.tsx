/** The difference of two texts, line by line. */

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { en } from '../words/en.ts';
import { compareLines, hunks, type Line } from './lines.ts';

const SIGNS = { same: ' ', added: '+', removed: '−' } as const;

function TextLine({ line }: { line: Line }): JSX.Element {
  return (
    <div class={`line ${line.kind}`}>
      <span>{SIGNS[line.kind]}</span>
      <span class="muted">{line.number}</span>
      <span class="text">{line.text}</span>
    </div>
  );
}

export function TextDifference({ older, newer }: { older: string; newer: string }): JSX.Element {
  const groups = useMemo(() => hunks(compareLines(older, newer)), [older, newer]);
  return (
    <div class="text-difference mono" role="region" aria-label={en.review.changes} tabIndex={0}>
      {groups.map((group, at) => (
        <div key={`${group[0]?.number} ${group[0]?.kind}`} class={at > 0 ? 'gap' : ''}>
          {group.map((line) => (
            <TextLine key={`${line.kind} ${line.number}`} line={line} />
          ))}
        </div>
      ))}
    </div>
  );
}
