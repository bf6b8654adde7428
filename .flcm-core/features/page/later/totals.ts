import type { Counts, Row } from '../counts.ts';

/** The most rows that wait, those of a batch on its way apart. */
const MOST_ROWS = 1000;

/** The most rows of a batch: the server takes 64 KB at once, and these fit. */
const MOST_TAKEN = 500;

/** How often a row was counted. The oldest are the first. */
type Rows = Map<Row, number>;

/** What was counted by one snapshot, by flag. */
interface Counted {
  readonly digest: string;
  readonly flags: Map<string, Rows>;
}

/** What was counted, and not yet sent. */
export interface Totals {
  /** How many rows there are. */
  readonly size: number;
  /** Takes the oldest rows of one snapshot, as members of JSON. */
  take(): string;
}

/**
 * Adds up what is counted from now on, and what was before.
 *
 * @param dropped Called once, when the oldest row was dropped because there are too many.
 */
export function totalsOf(counts: Counts, dropped: () => void): Totals {
  const all: Counted[] = [];
  let size = 0;
  let hasDropped = false;

  const drop = (): void => {
    const [{ flags }] = all as [Counted];
    const [[flag, rows]] = flags as unknown as [[string, Rows]];
    const [row] = rows.keys() as unknown as [Row];
    rows.delete(row);
    if (!rows.size) flags.delete(flag);
    if (!flags.size) all.shift();
    size--;
    if (!hasDropped) dropped();
    hasDropped = true;
  };

  counts.count = (flag, row, digest) => {
    let last = all.at(-1);
    if (last?.digest !== digest) {
      last = { digest, flags: new Map() };
      all.push(last);
    }
    const rows: Rows = last.flags.get(flag) ?? new Map();
    const times = rows.get(row) ?? 0;
    last.flags.set(flag, rows);
    rows.set(row, times + 1);
    if (times) return;
    size++;
    if (size > MOST_ROWS) drop();
  };
  for (const count of counts.waiting) counts.count(...count);

  return {
    get size() {
      return size;
    },
    take: () => {
      const [{ digest, flags }] = all as [Counted];
      const taken: string[] = [];
      for (const [flag, rows] of flags) {
        for (const [row, times] of rows) {
          if (taken.length >= MOST_TAKEN) break;
          taken.push(`[${times},${JSON.stringify(flag)},${row}]`);
          rows.delete(row);
        }
        if (!rows.size) flags.delete(flag);
      }
      if (!flags.size) all.shift();
      size -= taken.length;
      return `"snapshot":"${digest}","user":null,"rows":[${taken}]`;
    },
  };
}
