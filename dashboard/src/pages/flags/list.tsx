/** The rows of the list. Ten thousand do not fit into a page, so only those in the window are in it. */

import { Component, type JSX } from 'preact';
import { useCallback, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { may } from '../../data/store.ts';
import type { Query } from '../../ui/address.ts';
import { askFor } from '../../ui/command.tsx';
import { useKeys } from '../../ui/keys.ts';
import { narrow } from '../../ui/media.ts';
import { useRows } from '../../ui/virtual.ts';
import { en } from '../../words/en.ts';
import { COLUMNS, type Column, type Shown } from './columns.tsx';

const ROW = 44;
const CARD = 80;
const words = en.flags;

function HeaderRow({ columns, query }: { columns: readonly Column[]; query: Query }): JSX.Element {
  const sort = query.get('sort');
  const next = (name: string) => (sort === name ? `-${name}` : sort === `-${name}` ? '' : name);
  const direction = (name: string) => (sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : 'none');
  return (
    <div role="row" class="header" aria-rowindex={1}>
      <div role="columnheader">
        <span class="hidden-text">{words.selection}</span>
      </div>
      {columns.map(({ name, title, numeric, spare, sort: sortable }) => (
        <div
          key={name}
          role="columnheader"
          class={`${numeric ? 'n' : ''} ${spare ? `spare-${spare}` : ''}`}
          {...(sortable ? { 'aria-sort': direction(name) as 'none' } : {})}
        >
          {sortable ? (
            <button type="button" onClick={() => query.set({ sort: next(name) })}>
              {title}
              <span aria-hidden="true">{sort === name ? ' ↓' : sort === `-${name}` ? ' ↑' : ''}</span>
            </button>
          ) : name === 'actions' ? (
            <span class="hidden-text">{title}</span>
          ) : (
            title
          )}
        </div>
      ))}
    </div>
  );
}

interface RowProps {
  readonly entry: Shown;
  readonly index: number;
  readonly top: number;
  readonly columns: readonly Column[];
  readonly isSelected: boolean;
  readonly onSelect: (key: string, on: boolean) => void;
}

const ROW_PROPS = ['entry', 'index', 'top', 'columns', 'isSelected'] as const;

/** Is drawn anew only if something that it shows has changed: a list that scrolls draws many. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return ROW_PROPS.some((name) => next[name] !== this.props[name]);
  }

  render(): JSX.Element {
    return <Cells {...this.props} />;
  }
}

function Cells({ entry, index, top, columns, isSelected, onSelect }: RowProps): JSX.Element {
  const { key } = entry.row;
  const place = (card: Column['card']) => (card ? `on-card ${card}` : '');
  return (
    <div role="row" aria-rowindex={index + 2} data-index={index} data-state={entry.state} style={{ top: `${top}px` }}>
      <div role="cell">
        {may('operator') && (
          <input
            type="checkbox"
            aria-label={words.select(key)}
            checked={isSelected}
            onChange={(event) => onSelect(key, event.currentTarget.checked)}
          />
        )}
      </div>
      {columns.map(({ name, numeric, spare, card, cell }) => (
        <div role="cell" key={name} class={`${numeric ? 'n' : ''} ${spare ? `spare-${spare}` : ''} ${place(card)}`}>
          {cell(entry)}
        </div>
      ))}
    </div>
  );
}

/** Moves the focus along the rows: they may not be in the page yet. */
function focusRow(body: HTMLElement | null, index: number): void {
  requestAnimationFrame(() => {
    body?.querySelector<HTMLElement>(`[data-index="${index}"] a`)?.focus({ preventScroll: true });
  });
}

const activeIndex = (): number =>
  Number(document.activeElement?.closest('[data-index]')?.getAttribute('data-index') ?? -1);

interface BodyProps {
  readonly list: readonly Shown[];
  readonly columns: readonly Column[];
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (key: string, on: boolean) => void;
}

interface Placed {
  readonly entry: Shown;
  readonly index: number;
}

const NEW_IN_A_FRAME = 5;

/**
 * Those of the rows that are drawn now: the ones that already are, and a few more. The others follow in the next
 * frames, because a window full of rows at once is a frame that comes too late.
 */
function useFew(placed: readonly Placed[]): readonly Placed[] {
  const drawn = useRef<ReadonlySet<string>>(new Set());
  const [, redraw] = useReducer((turn: number, _: undefined) => turn + 1, 0);
  let room = NEW_IN_A_FRAME;
  const few = placed.filter(({ entry }) => drawn.current.has(entry.row.key) || room-- > 0);
  drawn.current = new Set(few.map(({ entry }) => entry.row.key));
  const isAll = few.length === placed.length;
  useLayoutEffect(() => {
    if (isAll) return;
    let frame = 0;
    // A frame that is asked for while one is made, such as when one scrolls, would be the same one.
    const timer = setTimeout(() => {
      frame = requestAnimationFrame(() => redraw(undefined));
    });
    return () => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    };
  });
  return few;
}

/** Apart from what stands around it, because it is drawn anew for each row that comes into the window. */
function Body({ list, columns, selected, onSelect }: BodyProps): JSX.Element {
  const body = useRef<HTMLDivElement>(null);
  const height = narrow.value ? CARD : ROW;
  const { first, end, show } = useRows(body, list.length, height);
  const few = useFew(list.slice(first, end).map((entry, at) => ({ entry, index: first + at })));
  const [, navigate] = useLocation();
  const move = (by: number) => {
    const index = Math.max(0, Math.min(list.length - 1, activeIndex() + by));
    show(index);
    focusRow(body.current, index);
  };
  const withActive = (use: (entry: Shown) => void) => () => {
    const entry = list[activeIndex()];
    if (entry) use(entry);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    h: withActive(({ row, state }) => may('operator') && state !== 'held' && askFor('hold', row.key)),
    w: withActive(({ row }) => navigate(`/why?flag=${encodeURIComponent(row.key)}`)),
  });
  return (
    <div role="rowgroup" class="body" ref={body} style={{ height: `${list.length * height}px` }}>
      {few.map(({ entry, index }) => (
        <Row
          key={entry.row.key}
          entry={entry}
          index={index}
          top={index * height}
          columns={columns}
          isSelected={selected.has(entry.row.key)}
          onSelect={onSelect}
        />
      ))}
    </div>
  );
}

const widths = (columns: readonly Column[]): string => `22px ${columns.map(({ width }) => width).join(' ')}`;

export function List({ list, query }: { list: readonly Shown[]; query: Query }): JSX.Element {
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const hide = query.get('hide');
  const columns = useMemo(() => COLUMNS.filter(({ name }) => !hide.split(',').includes(name)), [hide]);
  const turn = useCallback((key: string, on: boolean) => {
    setKeys((before) => new Set(on ? [...before, key] : [...before].filter((other) => other !== key)));
  }, []);
  const style = {
    padding: 0,
    '--columns': widths(columns),
    '--columns-fewer': widths(columns.filter(({ spare }) => spare !== 1)),
    '--columns-fewest': widths(columns.filter(({ spare }) => !spare)),
  };
  return (
    <>
      <div class="panel flags" role="table" aria-label={words.title} aria-rowcount={list.length + 1} style={style}>
        <div role="rowgroup">
          <HeaderRow columns={columns} query={query} />
        </div>
        <Body list={list} columns={columns} selected={keys} onSelect={turn} />
      </div>
      {keys.size > 0 && (
        <div class="panel selection">
          <span>{words.selected(keys.size)}</span>
          <button type="button" class="btn danger" onClick={() => askFor('hold', ...keys)}>
            {words.holdSelected}
          </button>
          <button type="button" class="btn" onClick={() => setKeys(new Set())}>
            {en.command.cancel}
          </button>
        </div>
      )}
    </>
  );
}
