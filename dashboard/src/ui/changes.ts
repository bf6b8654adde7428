/**
 * Where two texts differ, by Myers' algorithm: its time grows with what differs, not with how often a line occurs. In a
 * document of thousands of flags, most lines occur thousands of times.
 */

/** Lines from `start` to before `end` of the one are those from `freshStart` to before `freshEnd` of the other. */
export interface Change {
  readonly start: number;
  readonly end: number;
  readonly freshStart: number;
  readonly freshEnd: number;
}

/** Texts that differ by more lines than this differ as a whole between the first and the last one. */
const MOST = 2000;

type Lines = readonly string[];

/** For each number of edits, how far each diagonal is reached with it; `undefined` beyond the limit. */
function frontiers(a: Lines, b: Lines): Int32Array[] | undefined {
  const most = Math.min(MOST, a.length + b.length);
  const all: Int32Array[] = [];
  let last = new Int32Array(3);
  for (let edits = 0; edits <= most; edits += 1) {
    // One diagonal at each side more than is reached, so that each has two neighbours.
    const next = new Int32Array(2 * edits + 5);
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && at(last, edits - 1, k - 1) < at(last, edits - 1, k + 1));
      let x = edits === 0 ? 0 : down ? at(last, edits - 1, k + 1) : at(last, edits - 1, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      next[k + edits + 2] = x;
      if (x >= a.length && x - k >= b.length) return [...all, next];
    }
    all.push(next);
    last = next;
  }
  return undefined;
}

const at = (frontier: Int32Array, edits: number, k: number): number => frontier[k + edits + 2] ?? 0;

/** The single lines that are removed and added, the last first. */
function* steps(found: readonly Int32Array[], a: Lines, b: Lines): Generator<Change> {
  let [x, y] = [a.length, b.length];
  for (let edits = found.length - 1; edits > 0; edits -= 1) {
    const before = found[edits - 1] as Int32Array;
    const k = x - y;
    const down = k === -edits || (k !== edits && at(before, edits - 1, k - 1) < at(before, edits - 1, k + 1));
    const from = down ? k + 1 : k - 1;
    x = at(before, edits - 1, from);
    y = x - from;
    yield { start: x, end: down ? x : x + 1, freshStart: y, freshEnd: down ? y + 1 : y };
  }
}

/** Steps without a line between them are one change. */
function joined(list: readonly Change[]): Change[] {
  const changes: Change[] = [];
  for (const next of list) {
    const last = changes.at(-1);
    if (last && last.end === next.start && last.freshEnd === next.freshStart) {
      changes[changes.length - 1] = { ...last, end: next.end, freshEnd: next.freshEnd };
    } else changes.push(next);
  }
  return changes;
}

function commonLength(most: number, isSame: (at: number) => boolean): number {
  let length = 0;
  while (length < most && isSame(length)) length += 1;
  return length;
}

/** The changes that make `b` of `a`, in their order. */
export function changesOf(a: Lines, b: Lines): Change[] {
  const most = Math.min(a.length, b.length);
  const head = commonLength(most, (line) => a[line] === b[line]);
  const foot = commonLength(most - head, (line) => a[a.length - 1 - line] === b[b.length - 1 - line]);
  const [inA, inB] = [a.slice(head, a.length - foot), b.slice(head, b.length - foot)];
  if (inA.length === 0 && inB.length === 0) return [];
  const found = frontiers(inA, inB);
  const whole = { start: 0, end: inA.length, freshStart: 0, freshEnd: inB.length };
  const changes = found ? joined([...steps(found, inA, inB)].reverse()) : [whole];
  return changes.map(({ start, end, freshStart, freshEnd }) => ({
    start: start + head,
    end: end + head,
    freshStart: freshStart + head,
    freshEnd: freshEnd + head,
  }));
}
