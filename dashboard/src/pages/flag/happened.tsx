/** What happened to a flag: publishings, rollbacks and commands, the newest first. */

import type { JSX } from 'preact';
import type { AuditRecord, BreakerEvent, Revision } from '../../data/api.ts';
import { get } from '../../data/http.ts';
import type { Tone } from '../../data/rows.ts';
import { lastEvent, liveFlags, overview } from '../../data/store.ts';
import { useFetched } from '../../ui/fetched.ts';
import { Link } from '../../ui/link.tsx';
import { Panel, Pill, Waiting, When } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { rate } from '../../words/format.ts';

const words = en.flag.events;
const AT_MOST = 7;

const LOOKS: Readonly<Record<string, readonly [Tone, string]>> = {
  tripped: ['bad', '▼'],
  capped: ['warn', '◣'],
  half_opened: ['warn', '◐'],
  reopened: ['bad', '▼'],
  recovered: ['ok', '●'],
  hold: ['hold', '■'],
  release: ['ok', '●'],
  acknowledge: ['ok', '●'],
  force: ['warn', '▲'],
};

const isEvent = (detail: unknown): detail is BreakerEvent =>
  typeof detail === 'object' && detail !== null && 'event' in detail && 'evidence' in detail;

const COMMANDS = ['hold', 'release', 'acknowledge', 'observe', 'force'];

/** What a command did to the breaker is an event of its own; the command says who and why, also without a breaker. */
const OF_COMMANDS = ['acknowledged', 'mode_changed'];

export function EventPill({ name }: { name: string }): JSX.Element {
  const [tone, shape] = LOOKS[name] ?? (['off', '○'] as const);
  return (
    <Pill tone={tone} shape={shape}>
      {words.names[name] ?? name}
    </Pill>
  );
}

function Counts({ event }: { event: BreakerEvent }): JSX.Element | null {
  const { treatment, control } = event.evidence;
  if (treatment.total === 0 || event.cause === undefined) return null;
  const old = control.total > 0 ? rate(control.errors / control.total) : '–';
  return (
    <>
      {' '}
      <Link href={`/flags/${encodeURIComponent(event.flag)}?event=${encodeURIComponent(event.id)}`}>
        {words.of(treatment.errors, treatment.total, old)}
      </Link>
    </>
  );
}

interface Happened {
  readonly at: number;
  readonly id: string;
  readonly what: JSX.Element;
}

function ofRecord(record: AuditRecord): Happened[] {
  const { action, detail } = record;
  const event = isEvent(detail) ? detail : undefined;
  if (event ? OF_COMMANDS.includes(event.event) : !COMMANDS.includes(action)) return [];
  const what = (
    <>
      <EventPill name={event?.event ?? action} /> <span class="muted">{words.by(record.actor)}</span>
      {event && <Counts event={event} />}
      {record.reason && <span class="muted"> · {record.reason}</span>}
    </>
  );
  return [{ at: record.at, id: `audit ${record.id}`, what }];
}

function ofRevision(revision: Revision): Happened {
  const what = (
    <>
      {words.published(revision.author)}{' '}
      <Link href={`/history?to=${revision.number}`}>{words.revision(revision.number)}</Link>
      {revision.reason && <span class="muted"> · {revision.reason}</span>}
    </>
  );
  return { at: revision.at, id: `revision ${revision.number}`, what };
}

async function fetchAll(key: string): Promise<Happened[]> {
  const flag = encodeURIComponent(key);
  const [audit, revisions] = await Promise.all([
    get<AuditRecord[]>(`/audit?flag=${flag}&limit=20`),
    get<Revision[]>(`/revisions?flag=${flag}&limit=20`),
  ]);
  return [...audit.flatMap(ofRecord), ...revisions.map(ofRevision)].sort((a, b) => b.at - a.at).slice(0, AT_MOST);
}

export function HappenedPanel({ flag }: { flag: string }): JSX.Element {
  const event = lastEvent.value?.flag === flag ? lastEvent.value.id : '';
  // A flag without a threshold has no events, and is held and released all the same.
  const trip = liveFlags.value.get(flag)?.trip ?? '';
  const { value, problem, again } = useFetched(`${flag} ${event} ${trip} ${overview.value?.revision}`, () =>
    fetchAll(flag),
  );
  return (
    <Panel title={words.title}>
      {!value && <Waiting text={en.history.loading} problem={problem} retry={again} />}
      {value?.length === 0 && <p class="muted">{words.none}</p>}
      <table class="happened">
        <tbody>
          {value?.map(({ at, id, what }) => (
            <tr key={id}>
              <td class="muted">
                <When at={at} />
              </td>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
