/** All flags with their states, in the order in which they are shown. Something changes each second, but little. */

import { computed } from '@preact/signals';
import { CHIPS, parseFilter } from '../../data/filter.ts';
import { blocker, type FlagRow, severity, stateOf } from '../../data/rows.ts';
import { liveFlags, now, rows, unasked } from '../../data/store.ts';
import { COLUMNS, type Shown } from './columns.tsx';

const MINUTE = 60_000;
/** States change with time slowly; ten thousand rows need not be looked at each second for that. */
const minute = computed(() => Math.floor(now.value / MINUTE) * MINUTE);

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

/** Worst first; among those of one state, evidence, then as in the document. */
const byNeed = (a: Shown, b: Shown): number =>
  severity(a.state) - severity(b.state) ||
  Math.round(100 * (b.live?.evidence ?? 0)) - Math.round(100 * (a.live?.evidence ?? 0)) ||
  a.row.at - b.row.at;

function isSorted(list: readonly Shown[]): boolean {
  return list.every((entry, at) => at === 0 || byNeed(list[at - 1] as Shown, entry) <= 0);
}

let order: readonly number[] = [];

/** Most of the time the order is the one of before, and seeing that is faster than sorting. */
export const byWorst = computed<readonly Shown[]>(() => {
  const all = entries.value;
  if (order.length === all.length) {
    const same = order.map((at) => all[at] as Shown);
    if (isSorted(same)) return same;
  }
  const sorted = [...all].sort(byNeed);
  order = sorted.map(({ row }) => row.at);
  return sorted;
});

const TESTS = CHIPS.map((name) => [name, parseFilter(`is:${name}`).test] as const);

/** How many flags each of the filters with a button has. */
export const counts = computed(() => {
  const at = minute.value;
  const found = new Map<string, number>(CHIPS.map((name) => [name, 0]));
  for (const entry of entries.value) {
    for (const [name, test] of TESTS) if (test(entry, at)) found.set(name, (found.get(name) ?? 0) + 1);
  }
  return found;
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
