/** A rollback as it was: the curve around it, what decided, what was done, and what comes next. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { BreakerEvent, Incident } from '../../data/api.ts';
import { get } from '../../data/http.ts';
import { now } from '../../data/store.ts';
import { useFetched } from '../../ui/fetched.ts';
import { Link } from '../../ui/link.tsx';
import { Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { clockSeconds, exactPercent, moment, rate } from '../../words/format.ts';
import { EventPill } from './happened.tsx';
import { SeriesTable } from './harm.tsx';
import { HarmChart } from './harm-chart.tsx';

const words = en.flag.incident;

const STATISTICS = ['absolute', 'relative', 'slowAbsolute', 'slowRelative'] as const;

/** The statistic of the cause. */
function decisive({ cause, evidence }: BreakerEvent): number {
  const kind = STATISTICS.find((name) => name === cause);
  return kind ? evidence[kind] : 0;
}

function nextWords({ next, nextAt }: BreakerEvent['evidence']): string {
  return next === 'probe' ? words.next.probe(clockSeconds(nextAt ?? 0)) : words.next[next];
}

function counts({ evidence: { treatment, control } }: BreakerEvent): string {
  const old = control.total > 0 ? rate(control.errors / control.total) : '–';
  return en.flag.events.of(treatment.errors, treatment.total, old);
}

function sentence(event: BreakerEvent): string {
  const cause = words.cause[event.cause ?? 'command'] ?? words.cause.command;
  const evidence = event.cause ? ` (${counts(event)}; ${words.evidence(decisive(event), event.evidence.limit)})` : '';
  const done = words.done(exactPercent(event.percentBefore), exactPercent(event.percentAfter));
  return `${cause}${evidence}. ${done} ${nextWords(event.evidence)}`;
}

export function IncidentPanel({ flag, id }: { flag: string; id: string }): JSX.Element {
  const path = `/flags/${encodeURIComponent(flag)}`;
  const { value, problem, again } = useFetched(`${flag} ${id}`, () => get<Incident[]>(`${path}/incidents?limit=100`));
  const [isTable, setTable] = useState(false);
  const incident = value?.find((one) => one.id === id);
  if (!incident) return <Waiting text={value ? en.audit.none : en.history.loading} problem={problem} retry={again} />;
  const { event, points } = incident;
  const name = en.flag.events.names[event.event] ?? event.event;
  return (
    <section class="panel" aria-labelledby="incident">
      <div class="row">
        <h2 id="incident">{words.title(name, moment(event.at, now.value))}</h2>
        <EventPill name={event.event} />
        <span class="muted">{words.from}</span>
        <span class="row tight end">
          <button type="button" class="chip" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
            {en.flag.harm.table}
          </button>
          <Link href={path} class="btn small">
            {en.errors.close}
          </Link>
        </span>
      </div>
      <p class="sentence">{sentence(event)}</p>
      {isTable ? <SeriesTable series={points} /> : <HarmChart series={points} label={sentence(event)} />}
    </section>
  );
}
