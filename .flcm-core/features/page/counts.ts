/** The most that waits until what sends it was loaded. */
const MOST = 1000;

/** What was decided; or how a call went, as JSON: what was decided, generation, whether it failed, milliseconds. */
export type Row = number | string;

/** What was counted of a flag, and the digest of what decided it. */
export type Count = [flag: string, row: Row, digest: string];

/** Counts decisions and outcomes. */
export interface Counts {
  /** What was counted before {@link count} was replaced by what sends it. */
  readonly waiting: Count[];
  count(...count: Count): void;
}

export function countsOf(): Counts {
  const waiting: Count[] = [];
  return {
    waiting,
    count: (...count) => {
      if (waiting.push(count) > MOST) waiting.shift();
    },
  };
}
