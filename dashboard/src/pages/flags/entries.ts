/** All flags with their states, in the order in which they are shown. Something changes each second, but little. */

import { computed } from '@preact/signals';
import { CHIPS, isA, parseFilter } from '../../data/filter.ts';
import { blocker, type FlagRow, severity, stateOf } from '../../data/rows.ts';
import { liveFlags, minute, rows, unasked } from '../../data/store.ts';
import { COLUMNS, type Shown } from './columns.tsx';

function entryOf(row: FlagRow, at: number): Shown {
  const live = liveFlags.peek().get(row.key);
  const waitsFor = row.needs.length > 0 ? blocker(row, liveFlags.peek()) : undefined;
  return { row, live, waitsFor, state: stateOf(row, live, at, unasked.peek().has(row.key), waitsFor) };
}

/** Everything else than what hosts say. */
const quiet = computed(() => ({ rows: rows.value, minute: minute.value, unasked: unasked.value }));

let last: { quiet: unknown; entries: readonly Shown[] } = { quiet: undefined, entries: [] };

/** A row is made anew only if what is known of it, or of what it needs, has changed. */
function update(old: Shown, at: number): Shown {
  const { row } = old;
  if (old.live === liveFlags.peek().get(row.key) && row.needs.length === 0) return old;
  return entryOf(row, at);
}

export const entries = computed<readonly Shown[]>(() => {
  const all = quiet.value;
  // Read here, so that this runs when it changes.
  liveFlags.value;
  const made =
    last.quiet === all
      ? last.entries.map((entry) => update(entry, all.minute))
      : all.rows.map((row) => entryOf(row, all.minute));
  last = { quiet: all, entries: made };
  return made;
});

/** How many steps of evidence are distinguished. */
const STEPS = 100;

/** Worst first; among those of one state, the one with the most evidence. */
function rank({ state, live }: Shown): number {
  const evidence = Math.round(STEPS * Math.min(1, live?.evidence ?? 0));
  return severity(state) * (STEPS + 1) + STEPS - evidence;
}

/** By rank, then as in the document. There are few ranks, so a list for each is faster than sorting. */
export const byWorst = computed<readonly Shown[]>(() => {
  const ranks: Shown[][] = [];
  for (const entry of entries.value) {
    const at = rank(entry);
    const same = ranks[at];
    if (same) same.push(entry);
    else ranks[at] = [entry];
  }
  return ranks.flat();
});

/** How many flags each of the filters with a button has. */
export const counts = computed(() => {
  const all = entries.value;
  return new Map(CHIPS.map((name) => [name, all.reduce((sum, entry) => sum + (isA(name, entry) ? 1 : 0), 0)]));
});

function compare(a: number | string, b: number | string): number {
  return typeof a === 'string' || typeof b === 'string' ? String(a).localeCompare(String(b)) : a - b;
}

/** `sort` is the name of a column, with `-` before it for the other direction; empty is by need. */
export function shown(filter: string, sort: string): readonly Shown[] {
  const { test } = parseFilter(filter);
  const at = minute.value;
  const found = filter.trim() === '' ? byWorst.value : byWorst.value.filter((entry) => test(entry, at));
  const key = COLUMNS.find(({ name }) => name === sort.replace('-', ''))?.sort;
  if (!key) return found;
  const direction = sort.startsWith('-') ? -1 : 1;
  return [...found].sort((a, b) => direction * compare(key(a), key(b)));
}
