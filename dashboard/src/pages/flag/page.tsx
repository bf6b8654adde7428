/** The page of a flag: what goes on, who gets it, and what can be done about it. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { CommandName, FlagUsers, LiveFlag, Series } from '../../data/api.ts';
import { get } from '../../data/http.ts';
import { blocker, evidenceRises, type FlagRow, isOff, type State, stateOf } from '../../data/rows.ts';
import { failure, liveFlags, may, now, overview, rowOf, start, unasked } from '../../data/store.ts';
import { wantBase } from '../../draft/document.ts';
import { useQuery } from '../../ui/address.ts';
import { askFor } from '../../ui/command.tsx';
import { useFetched } from '../../ui/fetched.ts';
import { useKeys } from '../../ui/keys.ts';
import { Link } from '../../ui/link.tsx';
import { Pill, Waiting } from '../../ui/parts.tsx';
import { StatePill } from '../../ui/state.tsx';
import { en } from '../../words/en.ts';
import { date, percent } from '../../words/format.ts';
import { Asks } from './asks.tsx';
import { Decided } from './decided.tsx';
import { Graph } from './graph.tsx';
import { HappenedPanel } from './happened.tsx';
import { Harm, RANGES, rangeOf } from './harm.tsx';
import { IncidentPanel } from './incident.tsx';
import { Life } from './life.tsx';
import { Who } from './who.tsx';

const words = en.flag;

function Command({ name, row, danger = false }: { name: CommandName; row: FlagRow; danger?: boolean }): JSX.Element {
  return (
    <button type="button" class={danger ? 'btn danger' : 'btn'} onClick={() => askFor(name, row.key)}>
      {name === 'hold' ? en.command.holdLong : en.command[name]}
    </button>
  );
}

/**
 * The button that turns it off stands always last, at the same place. What brings back a flag that is off stands where
 * the page says that it is.
 */
function Commands({ row, live }: { row: FlagRow; live: LiveFlag | undefined }): JSX.Element | null {
  if (!may('operator')) return null;
  const mode = live?.mode ?? 'auto';
  return (
    <>
      {live?.next === 'acknowledge' && !isOff(live) && <Command name="acknowledge" row={row} />}
      {mode === 'auto' && row.threshold && <Command name="observe" row={row} />}
      {mode === 'observe' || mode === 'forced_closed' ? <Command name="release" row={row} /> : null}
      {mode !== 'held' && <Command name="hold" row={row} danger />}
    </>
  );
}

function flagState(row: FlagRow, live: LiveFlag | undefined): State {
  const waitsFor = blocker(row, liveFlags.value);
  return stateOf(row, live, now.value, unasked.value.has(row.key), waitsFor);
}

function FlagState({ row, live }: { row: FlagRow; live: LiveFlag | undefined }): JSX.Element {
  const waitsFor = blocker(row, liveFlags.value);
  const state = flagState(row, live);
  if (state === 'evidence' && evidenceRises(live)) {
    return (
      <Pill tone="warn" shape="▲">
        {en.state.evidenceShare(percent(Math.round((live?.evidence ?? 0) * 100)))}
      </Pill>
    );
  }
  return <StatePill state={state} row={row} live={live} waitsFor={waitsFor} />;
}

function About({ row }: { row: FlagRow }): JSX.Element {
  const filter = (text: string) => `/flags?q=${encodeURIComponent(text)}`;
  const life = [en.flags.life[row.kind] ?? row.kind, row.until === null ? '' : words.until(date(row.until))]
    .join(' ')
    .trim();
  const key = encodeURIComponent(row.key);
  return (
    <div class="row sub">
      <span>{row.description}</span>
      {row.owner && (
        <span>
          · {words.owner} <Link href={filter(`owner:${row.owner}`)}>{row.owner}</Link>
        </span>
      )}
      {row.tags.map((tag) => (
        <Link key={tag} class="chip" href={filter(`tag:${tag}`)}>
          {tag}
        </Link>
      ))}
      {life && <span class="chip">{life}</span>}
      <span class="end row tight">
        <Link href={`/text?flag=${key}`}>{words.yaml}</Link> ·{' '}
        <Link href={`/history?flag=${key}`}>{words.history}</Link>
      </span>
    </div>
  );
}

function Heading({ row, live }: { row: FlagRow; live: LiveFlag | undefined }): JSX.Element {
  return (
    <>
      <div class="row head flag-head">
        <Link href="/flags">{en.nav.flags}</Link>
        <span class="muted" aria-hidden="true">
          /
        </span>
        <h1 class="mono">{row.key}</h1>
        <FlagState row={row} live={live} />
        <span class="end row tight">
          <Link class="btn" href={`/why?flag=${encodeURIComponent(row.key)}`}>
            {en.nav.why}
          </Link>
          <Commands row={row} live={live} />
        </span>
      </div>
      <About row={row} />
    </>
  );
}

const POINTS = 300;
/** A range of minutes moves while one looks. */
const EVERY_MS = { live: 2000, half: 10_000, hours: 60_000, days: 300_000 };

function Content({ row }: { row: FlagRow }): JSX.Element {
  const query = useQuery();
  const range = rangeOf(query.get('range'));
  const event = query.get('event');
  const live = liveFlags.value.get(row.key);
  const path = `/flags/${encodeURIComponent(row.key)}`;
  useKeys({ h: () => may('operator') && live?.mode !== 'held' && askFor('hold', row.key) });
  const series = useFetched(
    `${row.key} ${range}`,
    () =>
      get<Series>(`${path}/series?from=${Date.now() - RANGES[range] * 1000}&points=${range === 'live' ? 660 : POINTS}`),
    EVERY_MS[range],
  );
  const users = useFetched(row.key, () => get<FlagUsers>(`${path}/users?days=1`));
  const today = live?.users24h ?? users.value?.users.at(-1);
  return (
    <>
      <Heading row={row} live={live} />
      <div class="columns">
        <div class="stack">
          {event && <IncidentPanel flag={row.key} id={event} />}
          <Harm row={row} live={live} series={series} users={today} />
          <Who row={row} live={live} series={series.value} users={users.value} />
        </div>
        <div class="stack">
          <Life row={row} state={flagState(row, live)} />
          {series.value && <Decided series={series.value} live={live} />}
          <Graph row={row} />
          <HappenedPanel flag={row.key} />
          <Asks flag={row.key} />
        </div>
      </div>
    </>
  );
}

/** The engine is loaded when the browser has nothing else to do: it is never needed to see anything. */
function useEngineSoon(): void {
  useEffect(() => {
    const soon = window.requestIdleCallback ?? ((use: () => void) => window.setTimeout(use, 200));
    soon(wantBase);
  }, []);
}

export function FlagPage({ flag }: { flag: string }): JSX.Element {
  useEngineSoon();
  const row = rowOf.value.get(flag);
  if (row) return <Content row={row} />;
  if (!overview.value) return <Waiting problem={failure.value} text={en.flags.loading} retry={() => void start()} />;
  return (
    <>
      <h1>{words.missing(flag)}</h1>
      <p>
        <Link href="/flags">{en.errors.home}</Link>
      </p>
    </>
  );
}
