/** The difference of two texts by lines, for people to look at. Nothing is decided by it. */

import { changesOf } from './changes.ts';

export interface Line {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
  /** From 1; of the new text, for removed lines of the old one. */
  readonly number: number;
}

/** All lines of both; what is removed stands before what takes its place. */
export function compareLines(older: string, newer: string): Line[] {
  const [a, b] = [older.split('\n'), newer.split('\n')];
  const lines: Line[] = [];
  const add = (kind: Line['kind'], texts: readonly string[], from: number) =>
    texts.forEach((text, at) => {
      lines.push({ kind, text, number: from + at + 1 });
    });
  let [old, fresh] = [0, 0];
  for (const { start, end, freshStart, freshEnd } of changesOf(a, b)) {
    add('same', a.slice(old, start), fresh);
    add('removed', a.slice(start, end), start);
    add('added', b.slice(freshStart, freshEnd), freshStart);
    [old, fresh] = [end, freshEnd];
  }
  add('same', a.slice(old), fresh);
  return lines;
}

const CONTEXT = 3;

/** Only what differs, with a few lines around it, in groups. */
export function hunks(lines: readonly Line[], context: number = CONTEXT): Line[][] {
  const near = new Uint8Array(lines.length);
  lines.forEach(({ kind }, at) => {
    if (kind !== 'same') near.fill(1, Math.max(0, at - context), at + context + 1);
  });
  const groups: Line[][] = [];
  lines.forEach((line, at) => {
    if (!near[at]) return;
    if (!near[at - 1]) groups.push([]);
    groups.at(-1)?.push(line);
  });
  return groups;
}

const SIGNS = { same: ' ', added: '+', removed: '-' } as const;

/** Stands behind a last line that has no end, which is then another line than one that has. */
const NO_END = '\0';
const endless = (text: string): string => (text.endsWith('\n') ? text.slice(0, -1) : text + NO_END);
const written = (text: string): string => text.replace(NO_END, '\n\\ No newline at end of file');

/** A patch that `git apply` takes. */
export function patch(name: string, older: string, newer: string): string {
  let [old, fresh] = [0, 0];
  const numbered = compareLines(endless(older), endless(newer)).map((line) => {
    if (line.kind !== 'added') old += 1;
    if (line.kind !== 'removed') fresh += 1;
    return { ...line, old, fresh };
  });
  const groups = hunks(numbered) as (typeof numbered)[];
  const bodies = groups.map((group) => {
    const count = (other: Line['kind']) => group.filter(({ kind }) => kind !== other).length;
    const [first] = group;
    const start = (at: number, has: boolean) => (has ? at : at + 1);
    const header = `@@ -${start(first?.old ?? 1, first?.kind !== 'added')},${count('added')} +${start(first?.fresh ?? 1, first?.kind !== 'removed')},${count('removed')} @@`;
    return [header, ...group.map(({ kind, text }) => SIGNS[kind] + written(text))].join('\n');
  });
  return `--- a/${name}\n+++ b/${name}\n${bodies.join('\n')}\n`;
}
