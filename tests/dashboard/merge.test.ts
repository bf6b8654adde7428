/** The merge of texts by lines: nothing of one side is lost, and where both changed the same, a person is asked. */

import { expect, test } from 'vitest';
import { merge, takeTheirs } from '../../dashboard/src/draft/merge.ts';
import { changesOf } from '../../dashboard/src/ui/changes.ts';

/** Numbers that look random and are the same each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
}

type Next = ReturnType<typeof random>;

const text = (next: Next) => Array.from({ length: next(14) }, () => `line ${next(4)}`);

function edited(lines: readonly string[], next: Next, name: string): string[] {
  const fresh = [...lines];
  for (let edits = next(4); edits > 0; edits -= 1) {
    const removed = next(3);
    fresh.splice(next(fresh.length + 1), removed, ...(next(2) === 0 ? [] : [`${name} ${next(3)}`]));
  }
  return fresh;
}

const join = (lines: readonly string[]) => lines.join('\n');

test('changes make the one text of the other', () => {
  const next = random(7);
  for (let round = 0; round < 5000; round += 1) {
    const a = text(next);
    const b = edited(a, next, 'new');
    const made: string[] = [];
    let at = 0;
    for (const { start, end, freshStart, freshEnd } of changesOf(a, b)) {
      made.push(...a.slice(at, start), ...b.slice(freshStart, freshEnd));
      at = end;
    }
    expect([...made, ...a.slice(at)]).toEqual(b);
  }
});

test('what only one has changed, and what both have changed alike, is taken as it is', () => {
  const next = random(11);
  for (let round = 0; round < 2000; round += 1) {
    const base = text(next);
    const mine = edited(base, next, 'mine');
    expect(merge(join(base), join(mine), join(base))).toEqual({ text: join(mine), clashes: [] });
    expect(merge(join(base), join(base), join(mine))).toEqual({ text: join(mine), clashes: [] });
    expect(merge(join(base), join(mine), join(mine))).toEqual({ text: join(mine), clashes: [] });
  }
});

test('no line that one of them added is lost: it is in the text, or it is asked about', () => {
  const next = random(13);
  let asked = 0;
  for (let round = 0; round < 5000; round += 1) {
    const base = text(next);
    const [mine, theirs] = [edited(base, next, 'mine'), edited(base, next, 'theirs')];
    const merged = merge(join(base), join(mine), join(theirs));
    const lines = merged.text.split('\n');
    const count = (list: readonly string[], name: string) => list.filter((line) => line.startsWith(name)).length;
    expect(count(lines, 'mine')).toBe(count(mine, 'mine'));
    const inClashes = merged.clashes.reduce((sum, clash) => sum + count(clash.theirs, 'theirs'), 0);
    expect(count(lines, 'theirs') + inClashes).toBe(count(theirs, 'theirs'));
    for (const { line, mine: own } of merged.clashes) expect(lines.slice(line, line + own.length)).toEqual(own);
    asked += merged.clashes.length;
  }
  expect(asked).toBeGreaterThan(500);
});

const DOCUMENT = Array.from(
  { length: 10_000 },
  (_, at) => `  flag_${at}:\n    rollout:\n      percentage: ${at % 100}\n`,
).join('\n');

test('ten thousand flags, with lines that occur ten thousand times', () => {
  const mine = DOCUMENT.replace('flag_1:\n', 'flag_1:\n    description: One\n').replace(
    'percentage: 2\n',
    'percentage: 3\n',
  );
  const theirs = DOCUMENT.replace('flag_9000:\n', 'flag_9000:\n    enabled: false\n').replace(
    'percentage: 2\n',
    'percentage: 4\n',
  );
  const { text: merged, clashes } = merge(DOCUMENT, mine, theirs);
  expect(merged).toContain('    description: One\n');
  expect(merged).toContain('    enabled: false\n');
  expect(clashes.map((clash) => [clash.mine, clash.theirs])).toEqual([
    [['      percentage: 3'], ['      percentage: 4']],
  ]);
  const [clash] = clashes;
  expect(clash && takeTheirs(merged, clash)).toContain('flag_2:\n    rollout:\n      percentage: 4\n');
});

test('theirs are put only where mine still are', () => {
  const clash = { line: 1, before: 'a', mine: ['b'], theirs: ['x', 'y'] };
  expect(takeTheirs('a\nb\nc', clash)).toBe('a\nx\ny\nc');
  expect(takeTheirs('new\nnew\na\nb\nc', clash)).toBe('new\nnew\na\nx\ny\nc');
  expect(takeTheirs('a\nB\nc', clash)).toBeUndefined();
  // What I removed stands nowhere: the line before says where it was.
  expect(takeTheirs('a\nc', { line: 1, before: 'a', mine: [], theirs: ['b'] })).toBe('a\nb\nc');
  expect(takeTheirs('a', { line: 1, before: 'a', mine: [], theirs: ['b'] })).toBe('a\nb');
});
