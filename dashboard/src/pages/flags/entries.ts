/** All flags with their states, in the order in which they are shown. */

import { computed } from '@preact/signals';
import { CHIPS, parseFilter } from '../../data/filter.ts';
import { blocker, severity, stateOf } from '../../data/rows.ts';
import { liveFlags, now, rowOf, rows, unasked } from '../../data/store.ts';
import { COLUMNS, type Shown } from './columns.tsx';

const MINUTE = 60_000;
/** States change with time slowly; ten thousand rows need not be looked at each second for that. */
const minute = computed(() => Math.floor(now.value / MINUTE) * MINUTE);

export const entries = computed<readonly Shown[]>(() => {
  const live = liveFlags.value;
  const byKey = rowOf.value;
  return rows.value.map((row) => {
    const own = live.get(row.key);
    const waitsFor = row.needs.length > 0 ? blocker(row, byKey, live) : undefined;
    return { row, live: own, waitsFor, state: stateOf(row, own, minute.value, unasked.value.has(row.key), waitsFor) };
  });
});

/** Worst first; among those of one state, evidence, then as in the document. */
const byNeed = (a: Shown, b: Shown): number =>
  severity(a.state) - severity(b.state) || (b.live?.evidence ?? 0) - (a.live?.evidence ?? 0) || a.row.at - b.row.at;

export const byWorst = computed(() => [...entries.value].sort(byNeed));

/** How many flags each of the filters with a button has. */
export const counts = computed(() => {
  const tests = CHIPS.map((name) => [name, parseFilter(`is:${name}`).test] as const);
  const at = minute.value;
  return new Map(tests.map(([name, test]) => [name, entries.value.filter((entry) => test(entry, at)).length]));
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
