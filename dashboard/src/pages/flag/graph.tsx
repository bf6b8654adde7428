/** What a flag needs, and what needs it: a column for each step away. */

import { computed } from '@preact/signals';
import type { JSX } from 'preact';
import type { FlagRow } from '../../data/rows.ts';
import { rowOf, rows } from '../../data/store.ts';
import { BASE } from '../../ui/link.tsx';
import { Panel } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';

const words = en.flag.graph;

const neededBy = computed(() => {
  const found = new Map<string, string[]>();
  for (const { key, needs } of rows.value) {
    for (const needed of needs) found.set(needed, [...(found.get(needed) ?? []), key]);
  }
  return found;
});

type Next = (key: string) => readonly string[];

/** The flags that are one, two … steps away. A flag stands once, where it is nearest. */
function layers(start: string, next: Next, depth: number): string[][] {
  const seen = new Set([start]);
  const found: string[][] = [];
  let last = [start];
  while (last.length > 0 && found.length < depth) {
    const here = [...new Set(last.flatMap((key) => next(key)))].filter((key) => !seen.has(key));
    for (const key of here) seen.add(key);
    if (here.length > 0) found.push(here);
    last = here;
  }
  return found;
}

/** Everything that a rollback takes along. */
const along = (key: string): string[] => layers(key, (from) => neededBy.value.get(from) ?? [], 100).flat();

const WIDTH = 330;
const HEIGHT = 26;
const LINE = 40;
const GAP = 22;
const AT_MOST = 5;
const CHARACTER_WIDTH = 5.7;

interface Node {
  readonly key: string;
  readonly x: number;
  readonly y: number;
  readonly more: number;
}

function place(columns: readonly (readonly string[])[], width: number): Node[] {
  const tallest = Math.max(...columns.map(({ length }) => Math.min(length, AT_MOST)));
  return columns.flatMap((column, layer) => {
    const shown = column.slice(0, AT_MOST);
    const top = ((tallest - shown.length) * LINE) / 2;
    return shown.map((key, at) => ({
      key,
      x: layer * (width + GAP) + 2,
      y: top + at * LINE + 2,
      more: at === AT_MOST - 1 ? column.length - AT_MOST : 0,
    }));
  });
}

function short(key: string, width: number): string {
  const most = Math.floor((width - 12) / CHARACTER_WIDTH);
  return key.length <= most ? key : `…${key.slice(1 - most)}`;
}

function Box({ node, width, isThis }: { node: Node; width: number; isThis: boolean }): JSX.Element {
  const href = `/flags/${encodeURIComponent(node.key)}`;
  const text = node.more > 0 ? words.more(node.more + 1) : short(node.key, width);
  const box = (
    <>
      <title>{node.key}</title>
      <rect x={node.x} y={node.y} width={width} height={HEIGHT} rx="6" class={isThis ? 'box this' : 'box'} />
      <text x={node.x + width / 2} y={node.y + 17} text-anchor="middle" class="name">
        {text}
      </text>
    </>
  );
  return isThis ? <g>{box}</g> : <a href={BASE + href}>{box}</a>;
}

export function Graph({ row }: { row: FlagRow }): JSX.Element {
  const needs = layers(row.key, (key) => rowOf.value.get(key)?.needs ?? [], 2);
  const needed = layers(row.key, (key) => neededBy.value.get(key) ?? [], 2);
  const taken = along(row.key).length;
  if (needs.length + needed.length === 0) {
    return (
      <Panel title={words.title}>
        <p class="muted">{words.alone}</p>
      </Panel>
    );
  }
  const columns = [...[...needs].reverse(), [row.key], ...needed];
  const width = (WIDTH - 4 - GAP * (columns.length - 1)) / columns.length;
  const nodes = place(columns, width);
  const of = new Map(nodes.map((node) => [node.key, node]));
  const lines = nodes.flatMap((to) =>
    (rowOf.value.get(to.key)?.needs ?? []).flatMap((key) => {
      const from = of.get(key);
      return from ? [{ from, to }] : [];
    }),
  );
  const height = Math.max(...nodes.map(({ y }) => y)) + HEIGHT + 4;
  return (
    <Panel title={words.title}>
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        class="graph"
        role="group"
        aria-label={words.label(row.key, needs[0] ?? [], needed[0] ?? [])}
      >
        {lines.map(({ from, to }) => {
          const [x1, y1, x2, y2] = [from.x + width, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
          return (
            <path
              key={`${from.key} ${to.key}`}
              d={`M${x1} ${y1}C${x1 + 12} ${y1} ${x2 - 12} ${y2} ${x2} ${y2}`}
              class="edge"
            />
          );
        })}
        {nodes.map((node) => (
          <Box key={node.key} node={node} width={width} isThis={node.key === row.key} />
        ))}
      </svg>
      <p class="muted">{words.along(taken)}</p>
    </Panel>
  );
}
