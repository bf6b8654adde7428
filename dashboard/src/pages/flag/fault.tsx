/** How soon a fault would be rolled back, as `flcm simulate` says it. The first answer is rough and soon refined. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Series } from '../../data/api.ts';
import type { FlagRow } from '../../data/rows.ts';
import { drafted } from '../../draft/document.ts';
import { engine } from '../../engine/client.ts';
import type { Simulation } from '../../engine.ts';
import { useFetched } from '../../ui/fetched.ts';
import { ErrorNote } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { count, times } from '../../words/format.ts';
import { callsPerSecond, sums, tail } from './figures.ts';

const words = en.flag.who;
const RATES = [0.05, 0.1, 0.2, 1];
const FIRST_RUNS = 100;
const RUNS = 1000;
const HOUR = 3600;
const DEFAULT_CALLS = 100;

/** What the last hour says of the traffic. */
export function traffic(series: Series | undefined): { perSecond: number; baseline: number } {
  if (!series) return { perSecond: DEFAULT_CALLS, baseline: 0.01 };
  const { total, failed } = sums(series.control, tail(series, HOUR));
  const measured = callsPerSecond(series, HOUR);
  return {
    perSecond: measured > 0 ? Math.round(measured * 10) / 10 : DEFAULT_CALLS,
    baseline: total > 0 ? failed / total : 0.01,
  };
}

export interface Course {
  readonly flag: string;
  readonly share: number;
  readonly errorRate: number;
  readonly series: Series | undefined;
}

/** A simulation that is first rough and then refined. */
export function useSimulation({ flag, share, errorRate, series }: Course): {
  value: Simulation | undefined;
  problem: Error | undefined;
  isRough: boolean;
} {
  const text = drafted.value?.text;
  const { perSecond, baseline } = traffic(series);
  // The traffic of each second would begin it anew; a change of a tenth says as much.
  const rough = (value: number) => Math.round(Math.log(value + 1e-9) * 10);
  const key = `${flag} ${share} ${errorRate} ${rough(perSecond)} ${rough(baseline)} ${series === undefined} ${text}`;
  const run = (runs: number) => async (signal: AbortSignal) =>
    text === undefined || share === 0 || !series
      ? undefined
      : engine().simulate({ text, flag, errorRate, baseline, perSecond, share, runs }, signal);
  const first = useFetched(key, run(FIRST_RUNS));
  const second = useFetched(first.value ? `${key} more` : '', first.value ? run(RUNS) : async () => undefined);
  return { value: second.value ?? first.value, problem: first.problem, isRough: second.value === undefined };
}

const seconds = (value: number | null | undefined): string => (value == null ? words.never : words.seconds(value));

function Answer({ simulation, course }: { simulation: Simulation; course: Course }): JSX.Element | null {
  const own = simulation.rules[0];
  if (!own) return null;
  const { perSecond } = traffic(course.series);
  const { medianSeconds, p90Seconds } = own.fromStart;
  const calls =
    medianSeconds === null ? null : Math.round(medianSeconds * perSecond * (course.share / 100) * course.errorRate);
  return (
    <table>
      <tbody>
        <tr>
          <th scope="row">{words.offAfter}</th>
          <td class="n strong">{seconds(medianSeconds)}</td>
        </tr>
        <tr>
          <th scope="row">{words.nineOfTen}</th>
          <td class="n">{seconds(p90Seconds)}</td>
        </tr>
        <tr>
          <th scope="row">{words.meet}</th>
          <td class="n">{calls === null ? '–' : `≈ ${count(calls)}`}</td>
        </tr>
        <tr>
          <th scope="row">{words.falsely}</th>
          {/* The first answer has one day, which says nothing. */}
          <td class="n">{own.days > 1 ? words.falseDays(own.falseDays, own.days) : '…'}</td>
        </tr>
      </tbody>
    </table>
  );
}

function Question({ row, series, share }: { row: FlagRow; series: Series | undefined; share: number }): JSX.Element {
  const [errorRate, setRate] = useState(0.2);
  const course = { flag: row.key, share, errorRate, series };
  const { value, problem, isRough } = useSimulation(course);
  return (
    <div class="inset" aria-busy={isRough}>
      <label>
        <b>{words.fault}</b>{' '}
        <select value={String(errorRate)} onChange={(event) => setRate(Number(event.currentTarget.value))}>
          {RATES.map((rate) => (
            <option key={rate} value={String(rate)}>
              {rate * 100} %
            </option>
          ))}
        </select>{' '}
        <b>{words.ofCalls}</b>
      </label>{' '}
      <span class="muted">
        {words.as} <span class="mono">flcm simulate</span>
      </span>
      {value && <Answer simulation={value} course={course} />}
      {!value && !problem && <p class="muted">{words.simulating}</p>}
      {value && <p class="muted">{isRough ? words.simulating : words.perSecond(times(traffic(series).perSecond))}</p>}
      <ErrorNote problem={problem} />
    </div>
  );
}

export function Fault(props: { row: FlagRow; series: Series | undefined; share: number }): JSX.Element {
  if (props.row.threshold) return <Question {...props} />;
  return (
    <div class="inset">
      <b>{en.flag.harm.title}</b>
      <p class="muted">{words.noThreshold}</p>
    </div>
  );
}
