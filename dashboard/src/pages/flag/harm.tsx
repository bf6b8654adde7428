/** "Does it do harm?": a sentence, a chart and a table that say the same. */

import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { LiveFlag, Series } from '../../data/api.ts';
import { evidenceRises, type FlagRow } from '../../data/rows.ts';
import { hosts } from '../../data/store.ts';
import { useQuery } from '../../ui/address.ts';
import type { Fetched } from '../../ui/fetched.ts';
import { Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { clock, count, percent, rate, span, times } from '../../words/format.ts';
import { drawn, risesSince, type Sums, shareOf, sums, tail } from './figures.ts';
import { HarmChart } from './harm-chart.tsx';

const words = en.flag.harm;

export const RANGES = { live: 600, half: 1800, hours: 21_600, days: 604_800 } as const;
export type RangeName = keyof typeof RANGES;

export const rangeOf = (name: string): RangeName => (name in RANGES ? (name as RangeName) : 'half');

/** Over how many seconds the table sums: long enough for a rate, short enough for "now". */
const NOW = 300;

interface Props {
  readonly row: FlagRow;
  readonly live: LiveFlag | undefined;
  readonly series: Fetched<Series>;
  readonly users: number | undefined;
}

/** Outcomes of before a rollback, or before its end, say nothing of now. */
const sinceOf = (live: LiveFlag | undefined): number => (live?.trip === 'off' ? 0 : (live?.since ?? 0));

function comparison(treatment: Sums, control: Sums): string {
  const fresh = shareOf(treatment.failed, treatment.total);
  const old = shareOf(control.failed, control.total);
  if (fresh === null) return words.nobody;
  return old === null ? words.onlyNew(rate(fresh)) : words.both(rate(fresh), rate(old));
}

function ratio(treatment: Sums, control: Sums): string {
  const fresh = shareOf(treatment.failed, treatment.total) ?? 0;
  const old = shareOf(control.failed, control.total) ?? 0;
  return old > 0 && fresh > old ? words.worse(times(fresh / old)) : words.moreOften;
}

/** What the chart says, for those who do not look at it as well. */
function sentence({ row, live, series }: Props): { strong: string; rest: string } {
  const points = series.value;
  if (!points) return { strong: '', rest: '' };
  const from = tail(points, NOW, sinceOf(live));
  const [treatment, control] = [sums(points.treatment, from), sums(points.control, from)];
  const protection = row.threshold ? '' : ` ${words.unprotected}`;
  if (sums(points.treatment, 0).total + sums(points.control, 0).total === 0)
    return { strong: '', rest: words.none + protection };
  if (live?.trip === 'off' && live.mode !== 'held') return { strong: words.done, rest: comparison(treatment, control) };
  if (!evidenceRises(live))
    return { strong: row.threshold ? words.calm : '', rest: comparison(treatment, control) + protection };
  const since = risesSince(points);
  const share = words.share(percent(Math.round((live?.evidence ?? 0) * 100)));
  return { strong: `${ratio(treatment, control)}.`, rest: `${since ? `${words.since(clock(since))} ` : ''}${share}` };
}

function Arm({ name, mark, arm, isNew }: { name: string; mark: string; arm: Sums; isNew: boolean }): JSX.Element {
  const cell = (part: number) => {
    const share = shareOf(part, arm.total);
    return share === null ? '–' : rate(share);
  };
  return (
    <tr>
      <th scope="row" class="arm">
        <span class={isNew ? 'new-way' : 'old-way'} aria-hidden="true">
          {mark}
        </span>{' '}
        {name}
      </th>
      <td class="n">{count(arm.total)}</td>
      <td class={`n ${isNew ? 'strong' : ''}`}>{cell(arm.failed)}</td>
      <td class="n">{cell(arm.missing)}</td>
      <td class="n">{cell(arm.slow)}</td>
    </tr>
  );
}

function Arms({ series, live }: { series: Series; live: LiveFlag | undefined }): JSX.Element {
  const seconds = Math.max(NOW, series.step);
  const since = sinceOf(live);
  const from = tail(series, seconds, since);
  const lasted = Math.min(seconds * 1000, Math.max(series.step * 1000, (series.at.at(-1) ?? 0) - since));
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{words.arm}</th>
          <th scope="col" class="n">
            {words.outcomes(span(lasted))}
          </th>
          <th scope="col" class="n">
            {words.failedShare}
          </th>
          <th scope="col" class="n">
            {words.missing}
          </th>
          <th scope="col" class="n">
            {words.slow}
          </th>
        </tr>
      </thead>
      <tbody>
        <Arm name={words.newWay} mark="━" arm={sums(series.treatment, from)} isNew />
        <Arm name={words.oldWay} mark="╍" arm={sums(series.control, from)} isNew={false} />
      </tbody>
    </table>
  );
}

const ROWS = 30;

/** The chart as numbers: about thirty rows, each over as many points as that takes. */
export function SeriesTable({ series }: { series: Series }): JSX.Element {
  const width = Math.max(1, Math.ceil(series.at.length / ROWS));
  const { against } = drawn(series);
  const starts = series.at.flatMap((at, index) => (index % width === 0 ? [{ at, index }] : []));
  const share = (arm: Series['treatment'], index: number) => {
    const total = arm.total.slice(index, index + width).reduce((all, value) => all + value, 0);
    const failed = arm.failed.slice(index, index + width).reduce((all, value) => all + value, 0);
    return total === 0 ? '–' : rate(failed / total);
  };
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={words.table}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            <th scope="col" class="n">
              {words.newWay}
            </th>
            <th scope="col" class="n">
              {words.oldWay}
            </th>
            <th scope="col" class="n">
              {words.evidenceColumn}
            </th>
          </tr>
        </thead>
        <tbody>
          {starts.reverse().map(({ at, index }) => (
            <tr key={at}>
              <th scope="row">{clock(at)}</th>
              <td class="n">{share(series.treatment, index)}</td>
              <td class="n">{share(series.control, index)}</td>
              <td class="n">{count(Math.max(...series.evidence[against].slice(index, index + width)))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Ranges({ isTable, onTable }: { isTable: boolean; onTable: (on: boolean) => void }): JSX.Element {
  const query = useQuery();
  const range = rangeOf(query.get('range'));
  return (
    <span class="row tight end">
      {(Object.keys(RANGES) as RangeName[]).map((name) => (
        <button
          key={name}
          type="button"
          class="chip"
          aria-pressed={name === range}
          onClick={() => query.set({ range: name })}
        >
          {words.ranges[name]}
        </button>
      ))}
      <button type="button" class="chip" aria-pressed={isTable} onClick={() => onTable(!isTable)}>
        {words.table}
      </button>
    </span>
  );
}

function Foot({ series, users }: { series: Series; users: number | undefined }): JSX.Element {
  const p95 = series.p95.findLast((value) => value !== null && value > 0);
  const parts: ComponentChildren[] = [];
  if (p95 != null) parts.push(words.p95(p95));
  if (users !== undefined && users > 0) parts.push(` ${words.users(users)}`);
  return <p class="muted">{parts}</p>;
}

export function Harm(props: Props): JSX.Element {
  const { series, users } = props;
  const [isTable, setTable] = useState(false);
  const range = rangeOf(useQuery().get('range'));
  const { strong, rest } = sentence(props);
  const found = series.value;
  const hasOutcomes = found && sums(found.treatment, 0).total + sums(found.control, 0).total > 0;
  return (
    <section class="panel" aria-labelledby="harm">
      <div class="row">
        <h2 id="harm">{words.title}</h2>
        <span class="muted">{hosts.value && words.fleet(hosts.value.total)}</span>
        <Ranges isTable={isTable} onTable={setTable} />
      </div>
      {!found && <Waiting text={words.loading} problem={series.problem} retry={series.again} />}
      <p class="sentence">
        <b>{strong}</b> {rest}
      </p>
      {found && hasOutcomes && (
        <>
          {isTable ? (
            <SeriesTable series={found} />
          ) : (
            <HarmChart
              series={found}
              seconds={RANGES[range]}
              label={words.chartLabel(words.ranges[range], `${strong} ${rest}`)}
            />
          )}
          <Arms series={found} live={props.live} />
          <Foot series={found} users={users} />
        </>
      )}
    </section>
  );
}
