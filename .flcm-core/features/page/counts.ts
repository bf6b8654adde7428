import type { InUse } from './in-use.ts';

/** The most rows that wait, those of a batch on its way apart. */
const MOST_ROWS = 1000;

/** What was counted by one snapshot: how often, by flag and by what was counted of it. The oldest are the first. */
export interface Counted {
  readonly digest: string;
  readonly rows: Map<string, Map<Row, number>>;
}

/** What was decided; or how a call went, as JSON: what was decided, generation, whether it failed, milliseconds. */
export type Row = number | string;

/** Counts decisions and outcomes. */
export interface Counts {
  /** By snapshot. The oldest is the first. */
  readonly counted: Counted[];
  /** How many rows there are. */
  size: number;
  /** Called when there are too many, and the oldest is dropped. */
  dropped: () => void;
  count(flag: string, row: Row): void;
}

export function countsOf(inUse: InUse): Counts {
  const counts: Counts = {
    counted: [],
    size: 0,
    dropped: () => {},
    count: (flag, row) => {
      const digest = inUse.snapshot?.digest ?? '';
      let last = counts.counted.at(-1);
      if (last?.digest !== digest) {
        last = { digest, rows: new Map() };
        counts.counted.push(last);
      }
      const rows = last.rows.get(flag) ?? new Map<Row, number>();
      last.rows.set(flag, rows);
      const times = rows.get(row) ?? 0;
      rows.set(row, times + 1);
      if (times === 0 && ++counts.size > MOST_ROWS) drop(counts);
    },
  };
  return counts;
}

/** Drops the oldest row, and what it was the last of. */
function drop(counts: Counts): void {
  for (const { rows } of counts.counted) {
    for (const [flag, of] of rows) {
      for (const row of of.keys()) {
        of.delete(row);
        if (of.size === 0) rows.delete(flag);
        if (rows.size === 0) counts.counted.shift();
        counts.size--;
        counts.dropped();
        return;
      }
    }
  }
}
