/** What waits for a person, above the list: at most three, worst first. */

import type { JSX } from 'preact';
import { isA } from '../../data/filter.ts';
import { isSlow } from '../../data/rows.ts';
import { hosts } from '../../data/store.ts';
import { Link } from '../../ui/link.tsx';
import { en } from '../../words/en.ts';
import { percent, rate } from '../../words/format.ts';
import { flagLink, type Shown } from './columns.tsx';

const AT_MOST = 3;

const share = (failed: number, total: number): number => Math.round((10_000 * failed) / total) / 100;

function sentence({ state, live }: Shown): string {
  if (!live) return '';
  if (state === 'held') return en.flags.isHeld;
  if (state === 'capped') return en.flags.isCapped(isSlow(live));
  const [treated, failed] = live.treatment;
  const [compared, failedOld] = live.control;
  if (state === 'unprotected')
    return en.flags.isUnprotected(percent(share(failed, treated)), percent(share(failedOld, compared)));
  if (treated === 0 || compared === 0) return en.flags.wasRolledBackPlain;
  return en.flags.wasRolledBack(rate(failed / treated), rate(failedOld / compared));
}

export function Waiting({ entries }: { entries: readonly Shown[] }): JSX.Element | null {
  const waiting = entries.filter((entry) => isA('waiting', entry));
  const behind = (hosts.value?.total ?? 0) - (hosts.value?.inStep ?? 0);
  if (waiting.length === 0 && behind === 0) return null;
  return (
    <section
      class={`panel banner waiting ${waiting.length > 0 ? '' : 'warn'}`}
      aria-label={en.flags.waiting(waiting.length)}
    >
      <div class="row">
        {waiting.length > 0 && <b>{en.flags.waiting(waiting.length)}</b>}
        {waiting.slice(0, AT_MOST).map((entry, at) => (
          <>
            {at > 0 && (
              <span class="muted dot" aria-hidden="true">
                ·
              </span>
            )}
            <span key={entry.row.key}>
              <Link href={flagLink(entry.row.key)} class="mono">
                {entry.row.key}
              </Link>{' '}
              {sentence(entry)}
            </span>
          </>
        ))}
        {waiting.length > AT_MOST && <Link href="/flags?q=is:waiting">{en.flags.more(waiting.length - AT_MOST)}</Link>}
        {behind > 0 && (
          <span class="muted end">
            {en.flags.behind(behind)}:{' '}
            <Link href="/hosts?q=behind" class="inline-link">
              {en.flags.showHosts}
            </Link>
          </span>
        )}
      </div>
    </section>
  );
}
