/** The list of flags: what needs a person first. */

import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { CHIPS, isOf, parseFilter, withIs } from '../../data/filter.ts';
import { failure, may, overview, rows, start } from '../../data/store.ts';
import { type Query, useQuery } from '../../ui/address.ts';
import { Waiting as Wait } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { count } from '../../words/format.ts';
import { COLUMNS, mayHide } from './columns.tsx';
import { byWorst, counts, shown } from './entries.ts';
import { List } from './list.tsx';
import { NewFlag } from './new-flag.tsx';
import { Waiting } from './waiting.tsx';

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
