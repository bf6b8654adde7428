/**
 * Stands at the top of a flag's page, with the script that comes first: whether it is off for everyone, and why, or
 * fails and nothing stops it.
 */

import type { JSX } from 'preact';
import type { AuditRecord, LiveFlag } from '../../data/api.ts';
import { get } from '../../data/http.ts';
import { isOff } from '../../data/rows.ts';
import { hosts, liveFlags, may, now } from '../../data/store.ts';
import { askFor } from '../../ui/command.tsx';
import { useFetched } from '../../ui/fetched.ts';
import { Link } from '../../ui/link.tsx';
import { en } from '../../words/en.ts';
import { count, moment, times } from '../../words/format.ts';

const words = en.flag.off;
const risks = en.flag.unprotected;
const causes = en.flag.incident.cause;

/** The reason of a hold is that of its record. */
function useReason(flag: string, { mode, since }: LiveFlag): string {
  const path = `/audit?flag=${encodeURIComponent(flag)}&action=hold&limit=1`;
  const records = useFetched(`${flag} ${mode} ${since}`, async () =>
    mode === 'held' ? get<AuditRecord[]>(path) : undefined,
  );
  return records.value?.[0]?.reason ?? '';
}

function Off({ flag, live }: { flag: string; live: LiveFlag }): JSX.Element {
  const { mode, by, cause, since, next, behind } = live;
  const reason = useReason(flag, live);
  const total = hosts.value?.total ?? 0;
  const back = next === 'acknowledge' ? next : mode === 'held' ? 'release' : undefined;
  const title = words.since(since > 0 ? moment(since, now.value) : '');
  return (
    <section class="panel banner row" aria-label={title}>
      <b>{title}</b>
      <span>{mode === 'held' ? words.held(by, reason) : words.rolledBack(causes[cause ?? ''] ?? causes.command)}</span>
      {total > 0 && <span class="muted">{words.hosts(total - behind, total)}</span>}
      {back && may('operator') && (
        <button type="button" class="btn end" onClick={() => askFor(back, flag)}>
          {en.command[back]}
        </button>
      )}
    </section>
  );
}

function Unprotected({ flag, live }: { flag: string; live: LiveFlag }): JSX.Element {
  const [[total, failed], [oldTotal, oldFailed]] = [live.treatment, live.control];
  const ratio = failed / total / (oldFailed / oldTotal);
  const title = oldFailed > 0 ? risks.times(ratio < 10 ? times(ratio) : count(ratio)) : risks.never;
  return (
    <section class="panel banner row" aria-label={title}>
      <b>{title}</b>
      <span>{risks.text}</span>
      <span class="end row tight">
        {may('operator') && (
          <button type="button" class="btn danger" onClick={() => askFor('hold', flag)}>
            {en.command.holdLong}
          </button>
        )}
        <Link class="btn" href={`/flags/${encodeURIComponent(flag)}?edit=threshold`}>
          {risks.add}
        </Link>
      </span>
    </section>
  );
}

export function FlagBanner({ flag }: { flag: string }): JSX.Element | null {
  const live = liveFlags.value.get(flag);
  if (!live) return null;
  if (isOff(live)) return <Off flag={flag} live={live} />;
  return live.unprotected ? <Unprotected flag={flag} live={live} /> : null;
}
