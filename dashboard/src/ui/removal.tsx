/** A document that lacks flags which may be in use: somebody has to say that this is meant. */

import type { JSX } from 'preact';
import type { Problem } from '../data/http.ts';
import { en } from '../words/en.ts';
import { ErrorNote } from './parts.tsx';

const words = en.review;
const SHOWN = 10;

export const removesFlags = (problem: Problem | undefined): boolean => problem?.code === 'REMOVES_FLAGS';

function names(flags: readonly string[]): string {
  const rest = flags.length - SHOWN;
  return [...flags.slice(0, SHOWN), ...(rest > 0 ? [en.flags.more(rest)] : [])].join(', ');
}

/** What the server answered; where it asks for a tick, that as well. */
export function Refusal({
  problem,
  isAllowed,
  onAllow,
}: {
  problem: Problem | undefined;
  isAllowed: boolean;
  onAllow: (on: boolean) => void;
}): JSX.Element {
  if (!problem || !removesFlags(problem)) return <ErrorNote problem={problem} />;
  return (
    <div class="notice" role="alert">
      <p>{words.keeps(names(problem.flags))}</p>
      <label class="block">
        <input type="checkbox" checked={isAllowed} onChange={(event) => onAllow(event.currentTarget.checked)} />{' '}
        {words.removeAll(names(problem.flags))}
      </label>
    </div>
  );
}
