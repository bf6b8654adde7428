/** The list of flags: what needs a person first. */

import { Component, type JSX } from 'preact';
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { CHIPS, isOf, parseFilter, withIs } from '../../data/filter.ts';
import { failure, may, overview, rows, start } from '../../data/store.ts';
import { type Query, useQuery } from '../../ui/address.ts';
import { askFor } from '../../ui/command.tsx';
import { useKeys } from '../../ui/keys.ts';
import { narrow } from '../../ui/media.ts';
import { Waiting as Wait } from '../../ui/parts.tsx';
import { useRows } from '../../ui/virtual.ts';
import { en } from '../../words/en.ts';
import { count } from '../../words/format.ts';
import { COLUMNS, type Column, mayHide, type Shown } from './columns.tsx';
import { byWorst, counts, shown } from './entries.ts';
import { NewFlag } from './new-flag.tsx';
import { Waiting } from './waiting.tsx';

const ROW = 44;
const CARD = 80;
const words = en.flags;

function Heading({ query }: { query: Query }): JSX.Element {
  const [isCreating, setCreating] = useState(false);
  return (
    <div class="row head">
      <h1>{words.title}</h1>
      <span class="muted">{words.summary(rows.value.length, counts.value.get('rolling') ?? 0)}</span>
      <span class="end" />
      <ColumnChoice query={query} />
      {may('publisher') && (
        <button type="button" class="btn primary" onClick={() => setCreating(true)}>
          {words.newFlag}
        </button>
      )}
      {isCreating && <NewFlag onClose={() => setCreating(false)} />}
    </div>
  );
}

const hiddenOf = (query: Query): string[] => query.get('hide').split(',').filter(Boolean);

function ColumnChoice({ query }: { query: Query }): JSX.Element {
  const hidden = hiddenOf(query);
  const turn = (name: string, on: boolean) =>
    query.set({ hide: on ? hidden.filter((other) => other !== name).join(',') : [...hidden, name].join(',') });
  return (
    <details class="popup wide-only">
      <summary class="btn">{words.columns}</summary>
      <div>
        {COLUMNS.filter(mayHide).map(({ name, title }) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={!hidden.includes(name)}
              onChange={(event) => turn(name, event.currentTarget.checked)}
            />{' '}
            {title}
          </label>
        ))}
      </div>
    </details>
  );
}

function Filters({ query }: { query: Query }): JSX.Element {
  const text = query.get('q');
  const { unknown } = useMemo(() => parseFilter(text), [text]);
  const is = isOf(text);
  const chip = (name: (typeof CHIPS)[number] | undefined, label: string, number: number) => (
    <button
      key={label}
      type="button"
      class="chip"
      aria-pressed={is === name}
      onClick={() => query.set({ q: withIs(text, name) })}
    >
      {label} {count(number)}
    </button>
  );
  return (
    <div class="row filters">
      <input
        class="field mono"
        aria-label={words.filter}
        placeholder={words.filterHint}
        value={text}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => query.set({ q: event.currentTarget.value })}
      />
      {chip(undefined, words.filters.all, rows.value.length)}
      {CHIPS.map((name) => chip(name, words.filters[name], counts.value.get(name) ?? 0))}
      {unknown[0] && (
        <span class="muted" role="status">
          {words.unknownFilter(unknown[0])}
        </span>
      )}
    </div>
  );
}

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
          class={`${numeric ? 'n' : ''} ${spare ? 'spare' : ''}`}
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
        <div role="cell" key={name} class={`${numeric ? 'n' : ''} ${spare ? 'spare' : ''} ${place(card)}`}>
          {cell(entry)}
        </div>
      ))}
    </div>
  );
}

/** Where an element begins in the document, measured after each change of what is above it. */
function useTop(): [(element: HTMLElement | null) => void, number] {
  const element = useRef<HTMLElement | null>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (element.current) setTop(element.current.getBoundingClientRect().top + window.scrollY);
  });
  return [
    (found) => {
      element.current = found;
    },
    top,
  ];
}

/** Moves the focus along the rows: they may not be in the page yet. */
function focusRow(body: HTMLElement | null, index: number): void {
  requestAnimationFrame(() => {
    body?.querySelector<HTMLElement>(`[data-index="${index}"] a`)?.focus({ preventScroll: true });
  });
}

const activeIndex = (): number =>
  Number(document.activeElement?.closest('[data-index]')?.getAttribute('data-index') ?? -1);

function List({ list, query }: { list: readonly Shown[]; query: Query }): JSX.Element {
  const [ref, top] = useTop();
  const body = useRef<HTMLDivElement | null>(null);
  const height = narrow.value ? CARD : ROW;
  const { items, height: total, show } = useRows(list.length, height, top);
  const [, navigate] = useLocation();
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const hide = query.get('hide');
  const columns = useMemo(() => COLUMNS.filter(({ name }) => !hide.split(',').includes(name)), [hide]);
  const widths = (some: readonly Column[]) => `22px ${some.map(({ width }) => width).join(' ')}`;
  const move = (by: number) => {
    const index = Math.max(0, Math.min(list.length - 1, activeIndex() + by));
    show(index);
    focusRow(body.current, index);
  };
  const withActive = (use: (key: string) => void) => () => {
    const entry = list[activeIndex()];
    if (entry) use(entry.row.key);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    h: withActive((key) => may('operator') && askFor('hold', key)),
    w: withActive((key) => navigate(`/why?flag=${encodeURIComponent(key)}`)),
  });
  const turn = useCallback((key: string, on: boolean) => {
    setKeys((before) => new Set(on ? [...before, key] : [...before].filter((other) => other !== key)));
  }, []);
  return (
    <>
      <div
        class="panel flags"
        role="table"
        aria-label={words.title}
        aria-rowcount={list.length + 1}
        style={{
          padding: 0,
          '--columns': widths(columns),
          '--columns-fewer': widths(columns.filter(({ spare }) => !spare)),
        }}
      >
        <div role="rowgroup">
          <HeaderRow columns={columns} query={query} />
        </div>
        <div
          role="rowgroup"
          class="body"
          ref={(element) => {
            body.current = element;
            ref(element);
          }}
          style={{ height: `${total}px` }}
        >
          {items.map(({ index, start: at }) => {
            const entry = list[index];
            return (
              entry && (
                <Row
                  key={entry.row.key}
                  entry={entry}
                  index={index}
                  top={at - top}
                  columns={columns}
                  isSelected={keys.has(entry.row.key)}
                  onSelect={turn}
                />
              )
            );
          })}
        </div>
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

function Nothing({ query }: { query: Query }): JSX.Element {
  return (
    <div class="panel">
      <p>{rows.value.length === 0 ? words.noFlags : words.none}</p>
      {rows.value.length > 0 && (
        <p>
          <button type="button" class="btn" onClick={() => query.set({ q: '' })}>
            {words.clear}
          </button>
        </p>
      )}
    </div>
  );
}

function Hint(): JSX.Element {
  const { move, open, hold, why, all } = words.keys;
  return (
    <p class="hint wide-only">
      {words.sorted} <kbd>j</kbd> <kbd>k</kbd> {move} · <kbd>Enter</kbd> {open} · <kbd>h</kbd> {hold} · <kbd>w</kbd>{' '}
      {why} · <kbd>?</kbd> {all}
    </p>
  );
}

export function FlagsPage(): JSX.Element {
  const query = useQuery();
  if (!overview.value) return <Wait problem={failure.value} text={words.loading} retry={() => void start()} />;
  const list = shown(query.get('q'), query.get('sort'));
  return (
    <>
      <Heading query={query} />
      <Waiting entries={byWorst.value} />
      <Filters query={query} />
      {list.length === 0 ? <Nothing query={query} /> : <List list={list} query={query} />}
      <Hint />
    </>
  );
}
