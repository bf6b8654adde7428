/** Every revision: who published it and why, what differs between two, and how to bring one back. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Revision } from '../data/api.ts';
import { get, getText } from '../data/http.ts';
import { may, overview } from '../data/store.ts';
import type { Difference } from '../engine.ts';
import { type Query, useQuery } from '../ui/address.ts';
import { DifferenceTable } from '../ui/difference.tsx';
import { useFetched } from '../ui/fetched.ts';
import { Link } from '../ui/link.tsx';
import { Headings, Panel, Pill, TablePanel, Waiting, When } from '../ui/parts.tsx';
import { RevertDialog } from '../ui/revert.tsx';
import { TextDifference } from '../ui/text-difference.tsx';
import { en } from '../words/en.ts';
import { count } from '../words/format.ts';

const words = en.history;
const PAGE = 50;

function Comparison({ from, to }: { from: number; to: number }): JSX.Element {
  const difference = useFetched(`${from} ${to}`, () => get<Difference>(`/revisions/${from}/diff?to=${to}`));
  const texts = useFetched(`${from} ${to} text`, () =>
    Promise.all([from, to].map((number) => getText(`/revisions/${number}`))),
  );
  const [older, newer] = texts.value ?? [];
  return (
    <>
      <Panel title={words.difference(from, to)}>
        {difference.value ? (
          <DifferenceTable difference={difference.value} />
        ) : (
          <Waiting text={en.review.comparing} problem={difference.problem} retry={difference.again} />
        )}
      </Panel>
      <Panel title={words.textDiff}>
        {older !== undefined && newer !== undefined ? (
          <TextDifference older={older} newer={newer} />
        ) : (
          <Waiting text={words.loading} problem={texts.problem} retry={texts.again} />
        )}
      </Panel>
    </>
  );
}

interface RowProps {
  readonly revision: Revision;
  readonly older: Revision | undefined;
  readonly query: Query;
  readonly onRevert: (revision: Revision) => void;
}

function Row({ revision, older, query, onRevert }: RowProps): JSX.Element {
  const isInUse = revision.number === overview.value?.revision;
  return (
    <tr>
      <th scope="row" class="nowrap">
        {count(revision.number)}{' '}
        {isInUse && (
          <Pill tone="ok" shape="●">
            {words.inUse}
          </Pill>
        )}
      </th>
      <td>
        <When at={revision.at} />
      </td>
      <td>
        {revision.author}{' '}
        {revision.author !== revision.origin && (
          <span class="muted">{words.origin[revision.origin] ?? revision.origin}</span>
        )}
      </td>
      <td>{revision.reason || <span class="muted">{words.noReason}</span>}</td>
      <td class="n">
        {older && (
          <button
            type="button"
            class="btn small"
            onClick={() => query.set({ from: String(older.number), to: String(revision.number) })}
          >
            {words.compare}
          </button>
        )}{' '}
        {!isInUse && may('publisher') && (
          <button type="button" class="btn small" onClick={() => onRevert(revision)}>
            {words.revert}
          </button>
        )}
      </td>
    </tr>
  );
}

function Choice({
  name,
  revisions,
  query,
}: {
  name: 'from' | 'to';
  revisions: readonly Revision[];
  query: Query;
}): JSX.Element {
  return (
    <label>
      {words[name]}{' '}
      <select
        class="field"
        value={query.get(name)}
        onChange={(event) => query.set({ [name]: event.currentTarget.value })}
      >
        <option value="" />
        {revisions.map(({ number }) => (
          <option key={number} value={String(number)}>
            {count(number)}
          </option>
        ))}
      </select>
    </label>
  );
}

function chosen(query: Query, revisions: readonly Revision[]): [number, number] | undefined {
  const to = Number(query.get('to'));
  const from = Number(query.get('from')) || (revisions.find(({ number }) => number < to)?.number ?? 0);
  return to > 0 && from > 0 && from !== to ? [Math.min(from, to), Math.max(from, to)] : undefined;
}

/** The newest revisions; older ones are asked for. */
function useRevisions(flag: string): {
  list: readonly Revision[] | undefined;
  problem: Error | undefined;
  more: (() => void) | undefined;
} {
  const [limit, setLimit] = useState(PAGE);
  const of = flag ? `flag=${encodeURIComponent(flag)}&` : '';
  const { value, problem } = useFetched(`${flag} ${limit} ${overview.value?.revision}`, () =>
    get<Revision[]>(`/revisions?${of}limit=${limit}`),
  );
  const more = value && value.length === limit && limit < 1000 ? () => setLimit(Math.min(1000, limit * 4)) : undefined;
  return { list: value, problem, more };
}

export function HistoryPage(): JSX.Element {
  const query = useQuery();
  const flag = query.get('flag');
  const { list, problem, more } = useRevisions(flag);
  const [reverting, setReverting] = useState<Revision>();
  const [done, setDone] = useState<number>();
  const pair = list && chosen(query, list);
  return (
    <>
      <div class="row head">
        <h1>{words.title}</h1>
        {flag && (
          <>
            <span class="muted">{words.onlyFlag(flag)}</span>
            <Link href="/history">{words.showAll}</Link>
          </>
        )}
        <span class="end row">
          <Choice name="from" revisions={list ?? []} query={query} />
          <Choice name="to" revisions={list ?? []} query={query} />
        </span>
      </div>
      <p class="sub">{words.text}</p>
      {done !== undefined && (
        <p class="done" role="status">
          {words.revertDone(done)}
        </p>
      )}
      <div class="stack">
        {pair && <Comparison from={pair[0]} to={pair[1]} />}
        {list ? (
          <TablePanel
            label={words.title}
            headings={
              <Headings
                names={[words.number, words.at, words.author, words.reason]}
                buttons={en.flags.column.actions}
              />
            }
          >
            {list.map((revision, at) => (
              <Row
                key={revision.number}
                revision={revision}
                older={list[at + 1]}
                query={query}
                onRevert={setReverting}
              />
            ))}
          </TablePanel>
        ) : (
          <Waiting text={words.loading} problem={problem} />
        )}
        {more && (
          <button type="button" class="btn" onClick={more}>
            {words.older}
          </button>
        )}
      </div>
      {reverting && (
        <RevertDialog
          number={reverting.number}
          onClose={() => setReverting(undefined)}
          onDone={(number) => {
            setReverting(undefined);
            setDone(number);
          }}
        />
      )}
    </>
  );
}
