/**
 * Puts a text that somebody has edited onto a newer one, by lines, in three ways. Lines that only one of them changed
 * are taken from that one; where both did, or one right beside the other, a person chooses.
 */

import { type Change, changesOf } from '../ui/changes.ts';

/** Lines that both have changed. Its text has mine, until somebody chooses. */
export interface Clash {
  /** Where mine begin in the merged text, from 0. */
  readonly line: number;
  /** The line before them, by which they are found again after others have moved; none at the beginning. */
  readonly before?: string;
  readonly mine: readonly string[];
  readonly theirs: readonly string[];
}

export interface Merged {
  readonly text: string;
  readonly clashes: readonly Clash[];
}

type Side = 'mine' | 'theirs';

interface Sided {
  readonly side: Side;
  readonly change: Change;
}

/** Changes that touch, in groups. */
function groups(changes: readonly Sided[]): Sided[][] {
  const found: Sided[][] = [];
  let end = -1;
  for (const one of changes) {
    const group = found.at(-1);
    if (group && one.change.start <= end) group.push(one);
    else found.push([one]);
    end = group && one.change.start <= end ? Math.max(end, one.change.end) : one.change.end;
  }
  return found;
}

/** What one side has instead of lines of the base. */
function linesOf(group: readonly Sided[], side: Side, base: readonly string[], fresh: readonly string[]): string[] {
  const [start, end] = extent(group);
  const own = group.filter((one) => one.side === side).map(({ change }) => change);
  const lines: string[] = [];
  let at = start;
  for (const change of own) {
    lines.push(...base.slice(at, change.start), ...fresh.slice(change.freshStart, change.freshEnd));
    at = change.end;
  }
  return [...lines, ...base.slice(at, end)];
}

function extent(group: readonly Sided[]): readonly [number, number] {
  const starts = group.map(({ change }) => change.start);
  return [Math.min(...starts), Math.max(...group.map(({ change }) => change.end))];
}

const same = (a: readonly string[], b: readonly string[]): boolean => a.join('\n') === b.join('\n');

export function merge(base: string, mine: string, theirs: string): Merged {
  const [lines, own, others] = [base, mine, theirs].map((text) => text.split('\n')) as [string[], string[], string[]];
  const sided = (fresh: readonly string[], side: Side) => changesOf(lines, fresh).map((change) => ({ side, change }));
  const changes = [...sided(own, 'mine'), ...sided(others, 'theirs')].sort((a, b) => a.change.start - b.change.start);
  const merged: string[] = [];
  const clashes: Clash[] = [];
  let at = 0;
  for (const group of groups(changes)) {
    const [start, end] = extent(group);
    for (let line = at; line < start; line += 1) merged.push(lines[line] ?? '');
    at = end;
    const isOf = (side: Side) => group.every((one) => one.side === side);
    const [my, their] = [linesOf(group, 'mine', lines, own), linesOf(group, 'theirs', lines, others)];
    if (!isOf('mine') && !isOf('theirs') && !same(my, their)) {
      const before = merged.at(-1);
      clashes.push({ line: merged.length, mine: my, theirs: their, ...(before === undefined ? {} : { before }) });
    }
    for (const line of isOf('theirs') ? their : my) merged.push(line);
  }
  for (let line = at; line < lines.length; line += 1) merged.push(lines[line] ?? '');
  return { text: merged.join('\n'), clashes };
}

/** Puts theirs where mine are, wherever that is now; `undefined` if mine are not there any more. */
export function takeTheirs(text: string, { line, before, mine, theirs }: Clash): string | undefined {
  const lines = text.split('\n');
  const isAt = (at: number) => lines[at - 1] === before && same(lines.slice(at, at + mine.length), mine);
  const places = lines.map((_, at) => at).filter(isAt);
  if (isAt(lines.length)) places.push(lines.length);
  const [place] = places.sort((a, b) => Math.abs(a - line) - Math.abs(b - line));
  if (place === undefined) return undefined;
  return [...lines.slice(0, place), ...theirs, ...lines.slice(place + mine.length)].join('\n');
}
