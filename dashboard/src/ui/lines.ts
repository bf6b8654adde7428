/** The difference of two texts by lines, for people to look at. Nothing is decided by it. */

export interface Line {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
  /** From 1; of the new text, for removed lines of the old one. */
  readonly number: number;
}

/** Beyond this many lines that differ, the middle is shown as removed and added whole. */
const MOST = 2000;

function commonLength(
  a: readonly string[],
  b: readonly string[],
  from: (list: readonly string[], at: number) => string | undefined,
): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && from(a, at) === from(b, at)) at += 1;
  return at;
}

/** The longest common subsequence of two short lists, as lengths from each pair of places on. */
function lengths(a: readonly string[], b: readonly string[]): Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const [here, below] = [table[i] as Uint16Array, table[i + 1] as Uint16Array];
      here[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, here[j + 1] ?? 0);
    }
  }
  return table;
}

type Step = readonly [kind: Line['kind'], text: string];

function middle(a: readonly string[], b: readonly string[]): Step[] {
  if (a.length > MOST || b.length > MOST) {
    return [...a.map((text) => ['removed', text] as const), ...b.map((text) => ['added', text] as const)];
  }
  const table = lengths(a, b);
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push(['same', a[i] ?? '']);
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || (table[i + 1]?.[j] ?? 0) >= (table[i]?.[j + 1] ?? 0))) {
      steps.push(['removed', a[i] ?? '']);
      i += 1;
    } else {
      steps.push(['added', b[j] ?? '']);
      j += 1;
    }
  }
  return steps;
}

/** All lines of both. */
export function compareLines(older: string, newer: string): Line[] {
  const [a, b] = [older.split('\n'), newer.split('\n')];
  const head = commonLength(a, b, (list, at) => list[at]);
  const [restA, restB] = [a.slice(head), b.slice(head)];
  const foot = commonLength(restA, restB, (list, at) => list[list.length - 1 - at]);
  const steps: Step[] = [
    ...a.slice(0, head).map((text) => ['same', text] as const),
    ...middle(restA.slice(0, restA.length - foot), restB.slice(0, restB.length - foot)),
    ...a.slice(a.length - foot).map((text) => ['same', text] as const),
  ];
  let [old, fresh] = [0, 0];
  return steps.map(([kind, text]) => {
    if (kind !== 'added') old += 1;
    if (kind !== 'removed') fresh += 1;
    return { kind, text, number: kind === 'removed' ? old : fresh };
  });
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

/** A patch that `git apply` takes. */
export function patch(name: string, older: string, newer: string): string {
  let [old, fresh] = [0, 0];
  const numbered = compareLines(older, newer).map((line) => {
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
    return [header, ...group.map(({ kind, text }) => SIGNS[kind] + text)].join('\n');
  });
  return `--- a/${name}\n+++ b/${name}\n${bodies.join('\n')}\n`;
}
