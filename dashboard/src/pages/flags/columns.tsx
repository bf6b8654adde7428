/** The columns of the list: their headings, what they sort by, and what stands in a row. */

import type { ComponentChildren, JSX } from 'preact';
import type { LiveFlag } from '../../data/api.ts';
import type { Entry } from '../../data/filter.ts';
import { askedOf, type FlagRow, isDone, isOff, severity } from '../../data/rows.ts';
import { may, minute } from '../../data/store.ts';
import { askFor } from '../../ui/command.tsx';
import { EvidenceBar, ServedBar, Sparkline } from '../../ui/figures.tsx';
import { Link } from '../../ui/link.tsx';
import { narrow } from '../../ui/media.ts';
import { Ago } from '../../ui/parts.tsx';
import { StatePill } from '../../ui/state.tsx';
import { en } from '../../words/en.ts';
import { count, percent, percentNumber, rate } from '../../words/format.ts';

/** A row, with the flag that it waits for. */
export interface Shown extends Entry {
  readonly waitsFor: string | undefined;
}

export interface Column {
  readonly name: string;
  readonly title: string;
  readonly width: string;
  /** Numbers stand at the end. */
  readonly numeric?: boolean;
  /** Left out where there is less room: 1 before 2. */
  readonly spare?: 1 | 2;
  /** Stands on a card of a narrow window; `whole` takes a line of its own, `start` and `place` share the second. */
  readonly card?: 'whole' | 'start' | 'place';
  readonly sort?: (entry: Shown) => number | string;
  readonly cell: (entry: Shown) => ComponentChildren;
}

export const flagLink = (key: string): string => `/flags/${encodeURIComponent(key)}`;

const failed = (live: LiveFlag | undefined, arm: 'treatment' | 'control'): number | null => {
  const [total, errors] = live?.[arm] ?? [0, 0];
  return total > 0 ? errors / total : null;
};

const orDash = (share: number | null): string => (share === null ? '–' : rate(share));

/** What was counted before it was off says nothing of now. */
const servedOf = ({ live }: Entry): number | null => (isOff(live) ? 0 : (live?.served ?? null));

function Served(entry: Shown): JSX.Element {
  const { row, live, state } = entry;
  const asked = askedOf(row, live);
  if (state === 'held') return <span class="small">{en.flags.servedHeld(percent(asked))}</span>;
  return <ServedBar served={servedOf(entry)} asked={asked} bad={state === 'rolledBack'} />;
}

function Fails({ live }: Shown): JSX.Element {
  return (
    <>
      <b>{orDash(failed(live, 'treatment'))}</b>
      <div class="muted line small">{orDash(failed(live, 'control'))}</div>
    </>
  );
}

/** Where a flag is in its life, and what is to be done with it. */
function life({ row, state }: Shown): { text: string; action: boolean } {
  if (state === 'stale') return { text: en.flags.cleanUp, action: true };
  if (isDone(row, minute.value)) return { text: en.flags.finish, action: true };
  return { text: en.flags.life[row.kind] ?? row.kind, action: false };
}

function Owner(entry: Shown): JSX.Element {
  const { text, action } = life(entry);
  return (
    <>
      <div class="line">{entry.row.owner || '–'}</div>
      <div class="line small">
        {action ? <Link href={flagLink(entry.row.key)}>{text}</Link> : <span class="muted">{text}</span>}
      </div>
    </>
  );
}

function Changed({ row }: { row: FlagRow }): JSX.Element {
  if (row.scheduled) return <span class="muted">{en.flags.ramp}</span>;
  return <span class="muted">{row.changedAt === null ? '–' : <Ago at={row.changedAt} />}</span>;
}

/** The one command that the state of a flag calls for; hold, where nothing does. */
function Action({ row, live, state }: Shown): JSX.Element | null {
  if (!may('operator')) return null;
  const name = live?.next === 'acknowledge' ? 'acknowledge' : live?.mode === 'held' ? 'release' : 'hold';
  // What is off for everyone needs no button to turn it off.
  if (name === 'hold' && (state === 'off' || state === 'stale' || state === 'unasked')) return null;
  return (
    <button
      type="button"
      class={`btn small ${name === 'hold' ? 'quiet' : ''}`}
      aria-label={en.command.title[name](row.key)}
      onClick={() => askFor(name, row.key)}
    >
      {en.command[name]}
    </button>
  );
}

function servedShort(entry: Entry): string {
  const asked = percent(askedOf(entry.row, entry.live));
  const served = servedOf(entry);
  if (entry.state === 'held') return en.flags.servedHeld(asked);
  return `${served === null ? '–' : percentNumber(served)} ${en.flags.of(asked)}`;
}

/** How often the new way fails, where there is no column for it. */
function FailsOnCard({ live }: { live: LiveFlag | undefined }): JSX.Element | null {
  const share = failed(live, 'treatment');
  return share === null ? null : <>{en.flags.failsIn(rate(share))} · </>;
}

export const COLUMNS: readonly Column[] = [
  {
    name: 'flag',
    title: en.flags.column.flag,
    width: 'minmax(168px, 2fr)',
    card: 'whole',
    sort: ({ row }) => row.key,
    cell: ({ row, live, state }) => (
      <>
        <div class="row tight name">
          <Link href={flagLink(row.key)} class="mono line" title={row.key}>
            {row.key}
          </Link>
          {narrow.value && <span class="muted end nowrap">{servedShort({ row, live, state })}</span>}
        </div>
        <div class="muted line small" title={row.description}>
          {narrow.value && <FailsOnCard live={live} />}
          {row.description}
          {row.variants > 1 ? ` · ${en.flags.variants(row.variants)}` : ''}
        </div>
      </>
    ),
  },
  {
    name: 'state',
    title: en.flags.column.state,
    width: 'minmax(188px, 1.6fr)',
    card: 'start',
    sort: ({ state }) => severity(state),
    cell: (entry) => <StatePill {...entry} />,
  },
  {
    name: 'served',
    title: en.flags.column.served,
    width: '184px',
    spare: 2,
    sort: (entry) => -(servedOf(entry) ?? -1),
    cell: Served,
  },
  {
    name: 'errors',
    title: en.flags.column.errors,
    width: '76px',
    spare: 1,
    cell: ({ row, live }) => <Sparkline points={live?.spark ?? []} label={en.flags.errorsLabel(row.key)} />,
  },
  {
    name: 'fails',
    title: en.flags.column.fails,
    width: '104px',
    numeric: true,
    sort: ({ live }) => -(failed(live, 'treatment') ?? -1),
    cell: Fails,
  },
  {
    name: 'evidence',
    title: en.flags.column.evidence,
    width: '102px',
    sort: ({ live }) => -(live?.evidence ?? -1),
    cell: ({ row, live }) =>
      row.threshold ? <EvidenceBar share={live?.evidence ?? 0} /> : <span class="muted">{en.flags.unprotected}</span>,
  },
  {
    name: 'users',
    title: en.flags.column.users,
    width: '82px',
    numeric: true,
    spare: 1,
    sort: ({ live }) => -(live?.users24h ?? -1),
    cell: ({ live }) => (live ? count(live.users24h) : '–'),
  },
  {
    name: 'owner',
    title: en.flags.column.owner,
    width: 'minmax(80px, 0.8fr)',
    spare: 1,
    sort: ({ row }) => row.owner,
    cell: Owner,
  },
  {
    name: 'changed',
    title: en.flags.column.changed,
    width: '74px',
    numeric: true,
    spare: 2,
    sort: ({ row }) => -(row.changedAt ?? 0),
    cell: Changed,
  },
  {
    name: 'actions',
    title: en.flags.column.actions,
    width: '112px',
    numeric: true,
    card: 'place',
    cell: (entry) => <Action {...entry} />,
  },
];

/** A column that people may hide. */
export const mayHide = (column: Column): boolean => !['flag', 'state', 'actions'].includes(column.name);
