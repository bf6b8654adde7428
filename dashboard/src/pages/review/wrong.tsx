/**
 * If it goes wrong: how soon the flag would be off, by how often the new way fails, at the new and the present share.
 */

import type { JSX } from 'preact';
import type { Series } from '../../data/api.ts';
import { get } from '../../data/http.ts';
import { liveFlags, rowOf } from '../../data/store.ts';
import { draftedPercentage, draftFlags } from '../../draft/store.ts';
import { useFetched } from '../../ui/fetched.ts';
import { Panel } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { exactPercent, percent } from '../../words/format.ts';
import { useSimulation } from '../flag/fault.tsx';

const words = en.review;
const RATES = [0.05, 0.1, 0.2, 1];
const HOUR_MS = 3_600_000;

function Cell({
  flag,
  share,
  errorRate,
  series,
}: {
  flag: string;
  share: number;
  errorRate: number;
  series: Series | undefined;
}): JSX.Element {
  const { value, problem, isRough } = useSimulation({ flag, share, errorRate, series });
  const found = value?.rules[0]?.fromStart;
  if (problem)
    return (
      <td class="n" title={problem.message}>
        –
      </td>
    );
  if (!found) return <td class="n muted">…</td>;
  const seconds = (time: number | null) => (time === null ? '–' : String(time));
  return (
    <td class={`n ${isRough ? 'muted' : ''}`}>
      {seconds(found.medianSeconds)} / {seconds(found.p90Seconds)} s
    </td>
  );
}

function Falsely({
  flag,
  share,
  series,
}: {
  flag: string;
  share: number;
  series: Series | undefined;
}): JSX.Element | null {
  const { value, isRough } = useSimulation({ flag, share, errorRate: 0.2, series });
  const own = value?.rules[0];
  // The first answer has one healthy day, which says nothing.
  if (!own || isRough) return null;
  return <p class="muted">{words.falsely(own.falseDays, own.days, percent(own.falseRate95[1] * 100))}</p>;
}

function Table({ flag }: { flag: string }): JSX.Element {
  const { value: series } = useFetched(flag, () =>
    get<Series>(`/flags/${encodeURIComponent(flag)}/series?from=${Date.now() - HOUR_MS}&points=400`),
  );
  const present = liveFlags.value.get(flag)?.asked ?? rowOf.value.get(flag)?.percentage ?? 0;
  const next = draftedPercentage(flag) ?? present;
  const rows = next === present ? [next] : [next, present];
  return (
    <>
      <p class="muted">{words.wrongText(1000, flag)}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.fault}</th>
            {RATES.map((rate) => (
              <th key={rate} scope="col" class="n">
                {percent(rate * 100)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((share, at) => (
            <tr key={share} class={at > 0 ? 'muted' : ''}>
              <th scope="row">{at === 0 ? words.offAt(exactPercent(share)) : words.sameAt(exactPercent(share))}</th>
              {RATES.map((rate) => (
                <Cell key={rate} flag={flag} share={share} errorRate={rate} series={series} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Falsely flag={flag} share={next} series={series} />
    </>
  );
}

export function Wrong(): JSX.Element | null {
  const flags = draftFlags.value.filter((flag) => rowOf.value.get(flag)?.threshold);
  if (draftFlags.value.length === 0) return null;
  return (
    <Panel title={words.wrong}>
      {flags.length === 0 && <p class="muted">{en.flag.who.noThreshold}</p>}
      {flags.map((flag) => (
        <Table key={flag} flag={flag} />
      ))}
    </Panel>
  );
}
